-- Who exists, and who failed to prove it. What proves it is in vault.db.

-- name: user_add  roles: worker  writes: user
INSERT INTO user (id, login, name, created_at) VALUES (:id, :login, :name, :created_at);

-- name: user_by_login  roles: web worker cli  returns: one
SELECT id, login, name, theme, created_at, disabled_at FROM user WHERE login = :login;

-- name: user_by_id  roles: web worker cli  returns: one
SELECT id, login, name, theme, created_at, disabled_at FROM user WHERE id = :id;

-- name: user_page  roles: web cli  returns: many
SELECT id, login, name, theme, created_at, disabled_at FROM user WHERE login > :after ORDER BY login LIMIT :limit;

-- name: user_count  roles: web worker cli  returns: one
SELECT count(*) AS count FROM user;

-- name: login_failure_get  roles: worker  returns: one
SELECT failures, first_at, last_at, blocked_till, unreported, reported_at FROM login_failure WHERE key = :key;

-- name: login_failure_put  roles: worker  writes: login_failure
INSERT INTO login_failure (key, failures, first_at, last_at, blocked_till, unreported, reported_at)
VALUES (:key, :failures, :first_at, :last_at, :blocked_till, :unreported, :reported_at)
ON CONFLICT (key) DO UPDATE SET failures = excluded.failures, first_at = excluded.first_at, last_at = excluded.last_at,
  blocked_till = excluded.blocked_till, unreported = excluded.unreported, reported_at = excluded.reported_at;

-- name: login_failure_unreported  roles: worker  returns: many
SELECT key, unreported FROM login_failure
 WHERE unreported > 0 AND reported_at <= :before AND (substr(key, 1, 8) = 'address:' OR substr(key, 1, 6) = 'token:')
 LIMIT 100;

-- name: login_failure_reported  roles: worker  writes: login_failure
UPDATE login_failure SET unreported = 0, reported_at = :now WHERE key = :key;

-- name: login_failure_clear  roles: worker  writes: login_failure
DELETE FROM login_failure WHERE key = :key;

-- name: login_failure_prune  roles: worker  writes: login_failure
DELETE FROM login_failure WHERE last_at < :before;
