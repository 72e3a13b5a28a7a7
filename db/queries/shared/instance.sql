-- This dashboard's identity and the public halves of its keys: one row.

-- name: instance_get  roles: web stream worker cli  returns: one
SELECT id, seal_key, audit_key, created_at FROM instance WHERE only = 1;

-- name: instance_add  roles: worker cli  writes: instance
INSERT INTO instance (only, id, seal_key, audit_key, created_at) VALUES (1, :id, :seal_key, :audit_key, :created_at);
