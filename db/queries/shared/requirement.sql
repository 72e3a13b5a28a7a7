-- Keys that an environment must have before it is deployed, beyond those its Compose file demands.

-- name: requirement_list  roles: web worker cli  returns: many
SELECT key, description, generator, origin FROM requirement WHERE environment_id = :environment_id ORDER BY key;

-- The keys of one set that an app sees when it runs.
-- name: requirement_keys  roles: web worker cli  returns: many
SELECT key FROM secret_entry WHERE environment_id = :environment_id AND number = :number AND stage = 'run';

-- name: requirement_set  roles: web cli  writes: requirement  returns: none
INSERT INTO requirement (environment_id, key, description, generator, origin, created_at, created_by)
VALUES (:environment_id, :key, :description, :generator, :origin, :now, :created_by)
ON CONFLICT (environment_id, key) DO UPDATE SET description = excluded.description, generator = excluded.generator;

-- name: requirement_remove  roles: web cli  writes: requirement  returns: none
DELETE FROM requirement WHERE environment_id = :environment_id AND key = :key;
