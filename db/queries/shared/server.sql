-- Servers as pages show them. The worker adds, pins and checks them (ask verbs, job kind check).

-- name: server_web_by_slug  roles: web cli  returns: one
SELECT id, slug, host, port, login, public_key, pin_type, pin_print, state, facts AS facts_json, checks AS checks_json,
       checked_at, created_at
FROM server WHERE slug = :slug AND archived_at IS NULL;

-- name: server_web_page  roles: web cli  returns: many
SELECT id, slug, host, port, login, pin_type, pin_print, state, facts AS facts_json, checks AS checks_json, checked_at,
       created_at
FROM server WHERE archived_at IS NULL AND slug > :after ORDER BY slug LIMIT :limit;

-- Servers that need a person: not pinned, failing a check, silent, or with another key than the pinned one.
-- name: server_web_attention  roles: web  returns: many
SELECT id, slug, host, port, login, state, checks AS checks_json, checked_at, created_at FROM server
WHERE archived_at IS NULL AND state IN ('new', 'failing', 'unreachable', 'key_changed') ORDER BY slug LIMIT :limit;

-- Which environments run on which server; :server_id NULL: all.
-- name: server_web_environments  roles: web  returns: many
SELECT es.server_id, e.id, a.slug AS app_slug, a.name AS app_name, e.slug, e.tier, es.role
FROM environment_server es JOIN environment e ON e.id = es.environment_id JOIN app a ON a.id = e.app_id
WHERE (:server_id IS NULL OR es.server_id = :server_id) AND e.archived_at IS NULL AND a.archived_at IS NULL
ORDER BY a.slug, e.position, e.slug LIMIT 2000;

-- Who confirmed the pinned key, and when: the pin itself is in the vault, the history says who.
-- name: server_web_pinned_by  roles: web  returns: one
SELECT v.at, v.actor_name AS by_name, u.login AS by_login FROM audit_event v LEFT JOIN user u ON u.id = v.actor_id
WHERE v.verb = 'server.pin' AND v.target_id = :server_id AND v.result = 'ok' ORDER BY v.seq DESC LIMIT 1;

-- The host key that was seen last, by a job or by someone who asked, as the history tells it.
-- name: server_web_seen_key  roles: web  returns: one
SELECT detail AS detail_json FROM audit_event
WHERE verb IN ('server.key_changed', 'server.host_key') AND target_id = :server_id ORDER BY seq DESC LIMIT 1;
