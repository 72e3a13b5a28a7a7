-- Values of secret sets, and the data key of each environment.

-- name: data_key_get  roles: worker cli  returns: one
SELECT secret_ct FROM data_key WHERE environment_id = :environment_id;

-- name: data_key_add  roles: worker  writes: data_key
INSERT INTO data_key (environment_id, secret_ct, created_at) VALUES (:environment_id, :secret_ct, :created_at);

-- name: secret_value_get  roles: worker  returns: one
SELECT value_ct FROM secret_value WHERE environment_id = :environment_id AND number = :number AND key = :key;

-- name: secret_value_add  roles: worker  writes: secret_value
INSERT INTO secret_value (environment_id, number, key, value_ct) VALUES (:environment_id, :number, :key, :value_ct);

-- name: secret_value_remove_set  roles: worker  writes: secret_value
DELETE FROM secret_value WHERE environment_id = :environment_id AND number = :number;
