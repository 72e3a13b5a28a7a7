-- Who is who, and who may do what.

-- name: access_of_user  roles: worker cli  returns: many
SELECT app_id, environment_id, role FROM access WHERE user_id = :user_id;

-- name: access_put  roles: worker cli  writes: access
INSERT INTO access (user_id, app_id, environment_id, role, granted_at, granted_by)
VALUES (:user_id, :app_id, :environment_id, :role, :granted_at, :granted_by)
ON CONFLICT (user_id, app_id, environment_id) DO UPDATE SET role = excluded.role, granted_at = excluded.granted_at,
  granted_by = excluded.granted_by;

-- name: access_remove  roles: worker cli  writes: access
DELETE FROM access WHERE user_id = :user_id AND app_id = :app_id AND environment_id = :environment_id;

-- name: access_admins  roles: worker cli  returns: one
SELECT count(*) AS count FROM access WHERE role = 'admin' AND app_id = '' AND environment_id = '';

-- name: credential_get  roles: worker cli  returns: one
SELECT verifier, changed_at FROM credential WHERE user_id = :user_id;

-- name: credential_put  roles: worker cli  writes: credential
INSERT INTO credential (user_id, verifier, changed_at) VALUES (:user_id, :verifier, :changed_at)
ON CONFLICT (user_id) DO UPDATE SET verifier = excluded.verifier, changed_at = excluded.changed_at;

-- name: setup_token_clear  roles: worker cli  writes: setup_token
DELETE FROM setup_token;

-- name: setup_token_add  roles: worker cli  writes: setup_token
INSERT INTO setup_token (hash, expires_at) VALUES (:hash, :expires_at);

-- name: setup_token_get  roles: worker cli  returns: one
SELECT expires_at FROM setup_token WHERE hash = :hash;
