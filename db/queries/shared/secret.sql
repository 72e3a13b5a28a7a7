-- Secrets as pages may show them (no value of kind secret or write_only is in this database), and drafts on their way
-- to the worker.

-- The newest set of an environment; no row: none yet.
-- name: secret_web_current  roles: web worker cli  returns: one
SELECT s.number, s.message, s.created_at, u.name AS by_name, u.login AS by_login,
       (SELECT count(*) FROM secret_entry e WHERE e.environment_id = s.environment_id AND e.number = s.number) AS entries
FROM secret_set s LEFT JOIN user u ON u.id = s.created_by
WHERE s.environment_id = :environment_id ORDER BY s.number DESC LIMIT 1;

-- name: secret_web_entries  roles: web cli  returns: many
SELECT e.key, e.kind, e.form, e.path, e.plain, e.size_bytes, e.comment, e.changed_in, c.created_at AS changed_at
FROM secret_entry e
LEFT JOIN secret_set c ON c.environment_id = e.environment_id AND c.number = e.changed_in
WHERE e.environment_id = :environment_id AND e.number = :number ORDER BY e.position, e.key;

-- name: secret_web_history  roles: web cli  returns: many
SELECT s.number, s.message, s.created_at, u.name AS by_name, u.login AS by_login,
       (SELECT count(*) FROM secret_entry e WHERE e.environment_id = s.environment_id AND e.number = s.number) AS entries
FROM secret_set s LEFT JOIN user u ON u.id = s.created_by
WHERE s.environment_id = :environment_id ORDER BY s.number DESC LIMIT :limit;

-- What differs between two sets, by keyed fingerprint: equal values have equal prints, whatever sets lie between.
-- name: secret_web_difference  roles: web cli  returns: many
SELECT n.key, CASE WHEN o.key IS NULL THEN 'added' ELSE 'changed' END AS verb
FROM secret_entry n LEFT JOIN secret_entry o
  ON o.environment_id = n.environment_id AND o.number = :old AND o.key = n.key
WHERE n.environment_id = :environment_id AND n.number = :new
  AND (o.key IS NULL OR o.fingerprint <> n.fingerprint OR o.kind <> n.kind)
UNION ALL
SELECT o.key, 'removed' FROM secret_entry o
WHERE o.environment_id = :environment_id AND o.number = :old
  AND NOT EXISTS (SELECT 1 FROM secret_entry n
                  WHERE n.environment_id = o.environment_id AND n.number = :new AND n.key = o.key)
ORDER BY 1;

-- name: draft_web_insert  roles: web cli  writes: draft  returns: none
INSERT INTO draft (id, environment_id, user_id, base_set, created_at)
VALUES (:id, :environment_id, :user_id, :base_set, :now);

-- name: draft_web_entry_insert  roles: web cli  writes: draft_entry  returns: none
INSERT INTO draft_entry (draft_id, position, key, kind, sealed, comment)
VALUES (:draft_id, :position, :key, :kind, :sealed, :comment);

-- A draft the worker refused is typed again, never reused; entries go with it.
-- name: draft_web_delete  roles: web cli  writes: draft draft_entry  returns: none
DELETE FROM draft WHERE id = :id;
