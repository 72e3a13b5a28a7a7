-- Secrets as pages may show them (no value of kind secret or write_only is in this database), and drafts on their way
-- to the worker.

-- The newest set of an environment; no row: none yet.
-- name: secret_web_current  roles: web worker cli  returns: one
SELECT s.number, s.message, s.created_at, s.tail, u.name AS by_name, u.login AS by_login,
       (SELECT count(*) FROM secret_entry e WHERE e.environment_id = s.environment_id AND e.number = s.number) AS entries
FROM secret_set s LEFT JOIN user u ON u.id = s.created_by
WHERE s.environment_id = :environment_id ORDER BY s.number DESC LIMIT 1;

-- name: secret_web_set  roles: web worker cli  returns: one
SELECT s.number, s.message, s.created_at, s.tail, u.name AS by_name, u.login AS by_login,
       (SELECT count(*) FROM secret_entry e WHERE e.environment_id = s.environment_id AND e.number = s.number) AS entries
FROM secret_set s LEFT JOIN user u ON u.id = s.created_by
WHERE s.environment_id = :environment_id AND s.number = :number;

-- name: secret_web_entries  roles: web cli  returns: many
SELECT e.key, e.kind, e.form, e.path, e.mode, e.stage, e.plain, e.size_bytes, e.comment, e.lint, e.changed_in,
       c.created_at AS changed_at, u.name AS changed_by_name, u.login AS changed_by_login
FROM secret_entry e
LEFT JOIN secret_set c ON c.environment_id = e.environment_id AND c.number = e.changed_in
LEFT JOIN user u ON u.id = c.created_by
WHERE e.environment_id = :environment_id AND e.number = :number ORDER BY e.position, e.key;

-- Newest first, with what each changed against the one before it.
-- name: secret_web_history  roles: web cli  returns: many
SELECT s.number, s.message, s.created_at, u.name AS by_name, u.login AS by_login,
       (SELECT count(*) FROM secret_entry e WHERE e.environment_id = s.environment_id AND e.number = s.number) AS entries,
       (SELECT count(*) FROM secret_entry e WHERE e.environment_id = s.environment_id AND e.number = s.number
          AND NOT EXISTS (SELECT 1 FROM secret_entry o WHERE o.environment_id = e.environment_id AND o.number = s.number - 1
                          AND o.key = e.key)) AS added,
       (SELECT count(*) FROM secret_entry e JOIN secret_entry o ON o.environment_id = e.environment_id
          AND o.number = s.number - 1 AND o.key = e.key
        WHERE e.environment_id = s.environment_id AND e.number = s.number
          AND (o.fingerprint <> e.fingerprint OR o.kind <> e.kind OR o.stage <> e.stage OR o.path IS NOT e.path
               OR o.mode IS NOT e.mode OR o.comment <> e.comment)) AS changed,
       (SELECT count(*) FROM secret_entry o WHERE o.environment_id = s.environment_id AND o.number = s.number - 1
          AND NOT EXISTS (SELECT 1 FROM secret_entry e WHERE e.environment_id = o.environment_id AND e.number = s.number
                          AND e.key = o.key)) AS removed,
       (SELECT group_concat(r.number, ',') FROM (SELECT number FROM release WHERE environment_id = s.environment_id
          AND secret_set = s.number AND outcome IN ('live', 'degraded') ORDER BY number DESC LIMIT 5) r) AS releases
FROM secret_set s LEFT JOIN user u ON u.id = s.created_by
WHERE s.environment_id = :environment_id AND s.number < :before ORDER BY s.number DESC LIMIT :limit;

-- What differs between two sets, by keyed fingerprint: equal values have equal prints, whatever sets lie between.
-- name: secret_web_difference  roles: web cli  returns: many
SELECT n.key, CASE WHEN o.key IS NULL THEN 'added' WHEN o.fingerprint <> n.fingerprint THEN 'changed' ELSE 'about' END AS verb,
       n.kind, o.kind AS old_kind, n.form, n.plain, o.plain AS old_plain, n.stage, o.stage AS old_stage, n.path, o.path AS old_path
FROM secret_entry n LEFT JOIN secret_entry o
  ON o.environment_id = n.environment_id AND o.number = :old AND o.key = n.key
WHERE n.environment_id = :environment_id AND n.number = :new
  AND (o.key IS NULL OR o.fingerprint <> n.fingerprint OR o.kind <> n.kind OR o.stage <> n.stage OR o.path IS NOT n.path
       OR o.mode IS NOT n.mode OR o.comment <> n.comment)
UNION ALL
SELECT o.key, 'removed', NULL, o.kind, o.form, NULL, o.plain, NULL, o.stage, NULL, o.path FROM secret_entry o
WHERE o.environment_id = :environment_id AND o.number = :old
  AND NOT EXISTS (SELECT 1 FROM secret_entry n
                  WHERE n.environment_id = o.environment_id AND n.number = :new AND n.key = o.key)
ORDER BY 1;

-- How one key went: the sets in which its value changed, newest first.
-- name: secret_web_key_history  roles: web cli  returns: many
SELECT e.number, e.kind, e.form, e.plain, e.size_bytes, s.created_at, s.message, u.name AS by_name, u.login AS by_login
FROM secret_entry e
JOIN secret_set s ON s.environment_id = e.environment_id AND s.number = e.number
LEFT JOIN user u ON u.id = s.created_by
WHERE e.environment_id = :environment_id AND e.key = :key AND e.changed_in = e.number
ORDER BY e.number DESC LIMIT :limit;

-- The newest sets of all environments of an app, key by key. `same` is equal where the values are.
-- name: secret_web_matrix  roles: web cli  returns: many
SELECT e.key, v.slug, e.kind, e.form, substr(hex(e.fingerprint), 1, 32) AS same, e.plain
FROM environment v
JOIN secret_entry e ON e.environment_id = v.id
 AND e.number = (SELECT max(s.number) FROM secret_set s WHERE s.environment_id = v.id)
WHERE v.app_id = :app_id AND v.archived_at IS NULL
ORDER BY e.key, v.position, v.slug LIMIT 10000;

-- Hidden values of an environment's newest set that are also those of the same key elsewhere in its app.
-- name: secret_web_shared  roles: web cli  returns: many
SELECT e.key, min(v.slug) AS slug
FROM environment me
JOIN secret_entry e ON e.environment_id = me.id
 AND e.number = (SELECT max(s.number) FROM secret_set s WHERE s.environment_id = me.id)
JOIN environment v ON v.app_id = me.app_id AND v.id <> me.id AND v.archived_at IS NULL
JOIN secret_entry o ON o.environment_id = v.id AND o.key = e.key AND o.fingerprint = e.fingerprint
 AND o.number = (SELECT max(s.number) FROM secret_set s WHERE s.environment_id = v.id)
WHERE me.id = :environment_id AND e.kind <> 'plain' AND e.size_bytes > 0
GROUP BY e.key;

-- name: draft_web_insert  roles: web cli  writes: draft  returns: none
INSERT INTO draft (id, environment_id, user_id, base_set, tail, notes, created_at)
VALUES (:id, :environment_id, :user_id, :base_set, :tail, :notes, :now);

-- name: draft_web_entry_insert  roles: web cli  writes: draft_entry  returns: none
INSERT INTO draft_entry (draft_id, position, key, kind, form, path, mode, stage, keep_set, plain, sealed, comment)
VALUES (:draft_id, :position, :key, :kind, :form, :path, :mode, :stage, :keep_set, :plain, :sealed, :comment);

-- A value that an earlier draft of the same person has, sealed as it is.
-- name: draft_web_entry_copy  roles: web cli  writes: draft_entry  returns: none
INSERT INTO draft_entry (draft_id, position, key, kind, form, path, mode, stage, keep_set, plain, sealed, comment)
SELECT :draft_id, :position, :key, :kind, :form, :path, :mode, :stage, f.keep_set,
       CASE WHEN :kind = 'plain' THEN f.plain END, f.sealed, :comment
FROM draft_entry f JOIN draft d ON d.id = f.draft_id
WHERE f.draft_id = :from_draft AND f.position = :from_position AND d.user_id = :user_id
  AND d.environment_id = :environment_id;

-- name: draft_web_head  roles: web cli  returns: one
SELECT d.id, d.environment_id, d.base_set, d.tail, d.notes AS notes_json, d.created_at FROM draft d WHERE d.id = :id AND d.user_id = :user_id;

-- name: draft_web_entries  roles: web cli  returns: many
SELECT key, kind, form, path, mode, stage, keep_set, plain, comment, position, sealed IS NOT NULL AS is_typed
FROM draft_entry WHERE draft_id = :draft_id ORDER BY position LIMIT 501;

-- A draft the worker refused is typed again, never reused; entries go with it.
-- name: draft_web_delete  roles: web cli  writes: draft draft_entry  returns: none
DELETE FROM draft WHERE id = :id;

-- Two sets of two environments, by key: what one of them lacks, and whose values differ. Prints are equal where values are.
-- name: secret_across  roles: web  returns: many
SELECT a.key, CASE WHEN b.key IS NULL THEN 'missing here' ELSE 'another value' END AS verb
FROM secret_entry a LEFT JOIN secret_entry b ON b.environment_id = :to_id AND b.number = :to_number AND b.key = a.key
WHERE a.environment_id = :from_id AND a.number = :from_number AND (b.key IS NULL OR b.fingerprint <> a.fingerprint)
UNION ALL
SELECT b.key, 'only here' FROM secret_entry b
WHERE b.environment_id = :to_id AND b.number = :to_number AND NOT EXISTS (
  SELECT 1 FROM secret_entry a WHERE a.environment_id = :from_id AND a.number = :from_number AND a.key = b.key)
ORDER BY 1 LIMIT 500;
