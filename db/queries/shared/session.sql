-- Sessions: written by the worker under a MAC, read by every page.

-- name: session_add  roles: worker  writes: session
INSERT INTO session (id_hash, user_id, role, created_at, expires_at, seen_at, proved_at, ip, agent, mac)
VALUES (:id_hash, :user_id, :role, :created_at, :expires_at, :created_at, :created_at, :ip, :agent, :mac);

-- name: session_by_hash  roles: web stream worker  returns: one
SELECT s.user_id, u.login, u.name, u.theme, s.role, s.created_at, s.expires_at, s.seen_at, s.proved_at, s.revoked_at,
  s.mac, s.proved_mac, u.disabled_at
 FROM session s JOIN user u ON u.id = s.user_id WHERE s.id_hash = :id_hash;

-- name: session_touch  roles: web  writes: session
UPDATE session SET seen_at = :now
 WHERE id_hash = :id_hash AND seen_at < :now - 60000 AND revoked_at IS NULL;

-- name: session_set_proved  roles: worker  writes: session
UPDATE session SET proved_at = :proved_at, proved_mac = :proved_mac
 WHERE id_hash = :id_hash AND revoked_at IS NULL;

-- name: session_list_of_user  roles: web worker cli  returns: many
SELECT lower(hex(id_hash)) AS id, role, created_at, expires_at, seen_at, ip, agent,
  id_hash = :current AS is_current
 FROM session
 WHERE user_id = :user_id AND revoked_at IS NULL AND expires_at > :now AND seen_at > :now - :idle_ms
 ORDER BY seen_at DESC LIMIT 200;

-- name: session_revoke  roles: web worker cli  writes: session
UPDATE session SET revoked_at = :now WHERE id_hash = :id_hash AND user_id = :user_id AND revoked_at IS NULL;

-- name: session_revoke_all  roles: web worker cli  writes: session
UPDATE session SET revoked_at = :now WHERE user_id = :user_id AND id_hash <> :keep AND revoked_at IS NULL;

-- name: session_prune  roles: worker  writes: session
DELETE FROM session WHERE expires_at < :before;
