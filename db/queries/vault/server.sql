-- Our key for each server, and the key each server must show.

-- name: server_key_add  roles: worker  writes: server_key
INSERT INTO server_key (server_id, public_key, secret_ct, created_at)
VALUES (:server_id, :public_key, :secret_ct, :created_at);

-- name: server_key_get  roles: worker  returns: one
SELECT secret_ct FROM server_key WHERE server_id = :server_id;

-- name: host_pin_get  roles: worker  returns: one
SELECT host, port, type, blob, print FROM host_pin WHERE server_id = :server_id;

-- name: host_pin_put  roles: worker  writes: host_pin
INSERT INTO host_pin (server_id, host, port, type, blob, print, approved_by, approved_at)
VALUES (:server_id, :host, :port, :type, :blob, :print, :approved_by, :approved_at)
ON CONFLICT (server_id) DO UPDATE SET host = excluded.host, port = excluded.port, type = excluded.type,
  blob = excluded.blob, print = excluded.print, approved_by = excluded.approved_by, approved_at = excluded.approved_at;
