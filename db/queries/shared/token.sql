-- API tokens: written by the worker under a MAC. Pages only list them.

-- name: token_add  roles: worker  writes: token
INSERT INTO token (id, user_id, name, hash, scopes, environments, created_at, expires_at, mac)
VALUES (:id, :user_id, :name, :hash, :scopes, :environments, :created_at, :expires_at, :mac);

-- name: token_by_hash  roles: worker  returns: one
SELECT t.id, t.user_id, t.name, t.hash, t.scopes, t.environments, t.created_at, t.expires_at, t.used_at, t.removed_at,
  t.mac, u.login, u.name AS person, u.theme, u.disabled_at
 FROM token t JOIN user u ON u.id = t.user_id WHERE t.hash = :hash;

-- Of one user: the living one of this name or id.
-- name: token_find  roles: worker  returns: one
SELECT t.id, t.user_id, t.name, t.hash, t.scopes, t.environments, t.created_at, t.expires_at, t.used_at, t.removed_at,
  t.mac, u.login, u.name AS person, u.theme, u.disabled_at
 FROM token t JOIN user u ON u.id = t.user_id
 WHERE t.user_id = :user_id AND t.removed_at IS NULL AND (t.id = :word OR t.name = :word);

-- :user_id NULL: of all. places: "app/env" of each environment that is still there.
-- name: token_list  roles: web worker cli  returns: many
SELECT t.id, t.name, u.login, t.scopes, t.environments AS environments_json,
  (SELECT coalesce(group_concat(a.slug || '/' || e.slug, ' '), '')
     FROM environment e JOIN app a ON a.id = e.app_id
    WHERE instr(t.environments, '"' || e.id || '"') > 0) AS places,
  t.created_at, t.expires_at, t.used_at
 FROM token t JOIN user u ON u.id = t.user_id
 WHERE t.removed_at IS NULL AND (:user_id IS NULL OR t.user_id = :user_id)
 ORDER BY u.login, t.name LIMIT 1000;

-- name: token_count  roles: worker  returns: one
SELECT count(*) AS count FROM token WHERE user_id = :user_id AND removed_at IS NULL;

-- name: token_end  roles: worker  writes: token
UPDATE token SET removed_at = :now WHERE id = :id AND removed_at IS NULL;

-- name: token_touch  roles: worker  writes: token
UPDATE token SET used_at = :now WHERE id = :id AND (used_at IS NULL OR used_at <= :now - 60000);

-- name: token_prune  roles: worker  writes: token
DELETE FROM token WHERE expires_at < :before;
