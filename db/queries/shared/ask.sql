-- What the worker writes for the ask socket: servers, secret sets; and what it reads to decide.

-- name: ask_server_by_id  roles: worker  returns: one
SELECT id, slug, host, port, login, pin_type, pin_print, state FROM server WHERE id = :id AND archived_at IS NULL;

-- name: ask_server_add  roles: worker  writes: server
INSERT INTO server (id, slug, host, port, login, public_key, created_at)
VALUES (:id, :slug, :host, :port, :login, :public_key, :created_at);

-- The address is compared again: the web side may have changed it since the key was fetched.
-- name: ask_server_set_pin  roles: worker  writes: server
UPDATE server SET pin_type = :pin_type, pin_print = :pin_print, state = 'pinned'
 WHERE id = :id AND host = :host AND port = :port AND archived_at IS NULL;

-- name: ask_environment  roles: worker  returns: one
SELECT e.id, e.app_id, e.slug, a.slug AS app_slug FROM environment e JOIN app a ON a.id = e.app_id
 WHERE e.id = :id AND e.archived_at IS NULL AND a.archived_at IS NULL;

-- name: ask_draft  roles: worker  returns: one
SELECT environment_id, user_id, base_set, tail FROM draft WHERE id = :id;

-- name: ask_draft_entries  roles: worker  returns: many
SELECT key, kind, form, path, mode, stage, keep_set, sealed, comment FROM draft_entry WHERE draft_id = :draft_id ORDER BY position LIMIT 501;

-- name: ask_draft_remove  roles: worker  writes: draft draft_entry
DELETE FROM draft WHERE id = :id;

-- name: ask_draft_prune  roles: worker  writes: draft draft_entry
DELETE FROM draft WHERE created_at < :before;

-- name: secret_set_newest  roles: worker  returns: one
SELECT s.number, s.created_at, s.tail, coalesce(u.name, '') AS by_name
 FROM secret_set s LEFT JOIN user u ON u.id = s.created_by
 WHERE s.environment_id = :environment_id ORDER BY s.number DESC LIMIT 1;

-- name: secret_set_entries  roles: worker  returns: many
SELECT key, kind, form, path, mode, stage, plain, fingerprint, size_bytes, comment, changed_in, lint FROM secret_entry
 WHERE environment_id = :environment_id AND number = :number ORDER BY position, key;

-- name: secret_set_next_number  roles: worker  writes: environment  returns: one
UPDATE environment SET next_secret_set = next_secret_set + 1 WHERE id = :environment_id
RETURNING next_secret_set - 1 AS number;

-- name: secret_set_add  roles: worker  writes: secret_set
INSERT INTO secret_set (environment_id, number, message, created_at, created_by, tail)
VALUES (:environment_id, :number, :message, :created_at, :created_by, :tail);

-- name: secret_entry_add  roles: worker  writes: secret_entry
INSERT INTO secret_entry (environment_id, number, position, key, kind, form, path, mode, stage, plain, fingerprint,
  size_bytes, comment, changed_in, lint)
VALUES (:environment_id, :number, :position, :key, :kind, :form, :path, :mode, :stage, :plain, :fingerprint,
  :size_bytes, :comment, :changed_in, :lint);

-- name: job_proof  roles: worker  returns: one
SELECT j.kind, coalesce(j.environment_id, '') AS environment_id, coalesce(e.app_id, j.app_id, '') AS app_id, j.auth
 FROM job j LEFT JOIN environment e ON e.id = j.environment_id WHERE j.id = :id;
