-- The instance's own keys, wrapped by the master key, and which master key that is.

-- name: keyring_get  roles: worker cli  returns: one
SELECT secret_ct FROM keyring WHERE name = :name;

-- name: keyring_count  roles: worker cli  returns: one
SELECT (SELECT count(*) FROM keyring) + (SELECT count(*) FROM secret_value) + (SELECT count(*) FROM server_key)
  + (SELECT count(*) FROM data_key) + (SELECT count(*) FROM registry_password) AS count;

-- name: keyring_add  roles: worker cli  writes: keyring
INSERT INTO keyring (name, secret_ct, created_at) VALUES (:name, :secret_ct, :created_at);

-- name: master_key_get  roles: worker cli  returns: one
SELECT id, settled FROM master_key;

-- name: master_key_set  roles: worker cli  writes: master_key
INSERT INTO master_key (one, id, since, settled) VALUES (1, :id, :since, :settled)
ON CONFLICT (one) DO UPDATE SET id = excluded.id, since = excluded.since, settled = excluded.settled;

-- name: master_key_settle  roles: worker cli  writes: master_key
UPDATE master_key SET settled = 1 WHERE id = :id;
