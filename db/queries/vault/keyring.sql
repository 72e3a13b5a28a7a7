-- The instance's own keys, wrapped by the master key.

-- name: keyring_get  roles: worker cli  returns: one
SELECT secret_ct FROM keyring WHERE name = :name;

-- name: keyring_count  roles: worker cli  returns: one
SELECT (SELECT count(*) FROM keyring) + (SELECT count(*) FROM secret_value) + (SELECT count(*) FROM server_key)
  + (SELECT count(*) FROM data_key) + (SELECT count(*) FROM registry_password) AS count;

-- name: keyring_add  roles: worker cli  writes: keyring
INSERT INTO keyring (name, secret_ct, created_at) VALUES (:name, :secret_ct, :created_at);
