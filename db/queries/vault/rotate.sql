-- A new master key takes over (db/vault/rotate.c): every table with a column *_ct is emptied into `rotation` and filled again
-- from there, row by row. Emptied rather than changed in place: only pages that were freed as a whole are overwritten as a whole.
-- Every rotate_put_* takes the same five values; what a table has no column for must be ''.

-- name: rotation_rows  roles: worker cli  returns: many
SELECT source, a, b, c, d, ct FROM rotation ORDER BY source, a, b, c, d;

-- name: rotation_clear  roles: worker cli  writes: rotation
DELETE FROM rotation;

-- name: rotate_take_data_key  roles: worker cli  writes: rotation
INSERT INTO rotation SELECT 'data_key', environment_id, created_at, '', '', secret_ct FROM data_key;

-- name: rotate_clear_data_key  roles: worker cli  writes: data_key
DELETE FROM data_key;

-- name: rotate_put_data_key  roles: worker cli  writes: data_key
INSERT INTO data_key (environment_id, secret_ct, created_at) SELECT :a, :ct, :b WHERE :c = '' AND :d = '';

-- name: rotate_take_keyring  roles: worker cli  writes: rotation
INSERT INTO rotation SELECT 'keyring', name, created_at, '', '', secret_ct FROM keyring;

-- name: rotate_clear_keyring  roles: worker cli  writes: keyring
DELETE FROM keyring;

-- name: rotate_put_keyring  roles: worker cli  writes: keyring
INSERT INTO keyring (name, secret_ct, created_at) SELECT :a, :ct, :b WHERE :c = '' AND :d = '';

-- name: rotate_take_registry_password  roles: worker cli  writes: rotation
INSERT INTO rotation SELECT 'registry_password', registry_id, number, host, login, password_ct FROM registry_password;

-- name: rotate_clear_registry_password  roles: worker cli  writes: registry_password
DELETE FROM registry_password;

-- name: rotate_put_registry_password  roles: worker cli  writes: registry_password
INSERT INTO registry_password (registry_id, number, host, login, password_ct) VALUES (:a, :b, :c, :d, :ct);

-- name: rotate_take_secret_value  roles: worker cli  writes: rotation
INSERT INTO rotation SELECT 'secret_value', environment_id, number, key, '', value_ct FROM secret_value;

-- name: rotate_clear_secret_value  roles: worker cli  writes: secret_value
DELETE FROM secret_value;

-- name: rotate_put_secret_value  roles: worker cli  writes: secret_value
INSERT INTO secret_value (environment_id, number, key, value_ct) SELECT :a, :b, :c, :ct WHERE :d = '';

-- name: rotate_take_server_key  roles: worker cli  writes: rotation
INSERT INTO rotation SELECT 'server_key', server_id, created_at, public_key, '', secret_ct FROM server_key;

-- name: rotate_clear_server_key  roles: worker cli  writes: server_key
DELETE FROM server_key;

-- name: rotate_put_server_key  roles: worker cli  writes: server_key
INSERT INTO server_key (server_id, public_key, secret_ct, created_at) SELECT :a, :c, :ct, :b WHERE :d = '';
