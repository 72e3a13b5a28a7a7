-- Private registries. Pages read them; the worker adds, changes and archives them (ask verbs registry.*).

-- name: registry_list  roles: web worker cli  returns: many
SELECT id, slug, host, login, created_at, changed_at FROM registry WHERE archived_at IS NULL ORDER BY slug;

-- name: registry_by_slug  roles: web worker cli  returns: one
SELECT id, slug, host, login, password_number, created_at, changed_at FROM registry
WHERE slug = :slug AND archived_at IS NULL;

-- name: registry_by_id  roles: worker  returns: one
SELECT id, slug, host, login, password_number FROM registry WHERE id = :id AND archived_at IS NULL;

-- Which environments use which registry; :slug NULL: all. Their settings name it, with single spaces between names.
-- name: registry_environments  roles: web worker  returns: many
SELECT g.slug AS registry_slug, e.id, a.slug AS app_slug, a.name AS app_name, e.slug, e.tier
FROM registry g
JOIN environment e ON instr(' ' || coalesce(json_extract(e.settings, '$.registries'), '') || ' ', ' ' || g.slug || ' ') > 0
JOIN app a ON a.id = e.app_id
WHERE g.archived_at IS NULL AND (:slug IS NULL OR g.slug = :slug) AND e.archived_at IS NULL AND a.archived_at IS NULL
ORDER BY a.slug, e.position, e.slug LIMIT 2000;

-- Who stored the password last: the row says when, the history says who.
-- name: registry_changed_by  roles: web  returns: one
SELECT coalesce(u.name, v.actor_name) AS by_name, u.login AS by_login FROM audit_event v LEFT JOIN user u ON u.id = v.actor_id
WHERE v.verb IN ('registry.save', 'registry.password') AND v.target_id = :registry_id AND v.result = 'ok'
ORDER BY v.seq DESC LIMIT 1;

-- Changes no row when there are :max already.
-- name: registry_insert  roles: worker  writes: registry
INSERT INTO registry (id, slug, host, login, password_number, created_at, changed_at)
SELECT :id, :slug, :host, :login, 1, :now, :now
WHERE (SELECT count(*) FROM registry WHERE archived_at IS NULL) < :max;

-- name: registry_update_login  roles: worker  writes: registry
UPDATE registry SET login = :login, password_number = :password_number, changed_at = :now
WHERE id = :id AND host = :host AND archived_at IS NULL;

-- name: registry_archive  roles: worker  writes: registry
UPDATE registry SET archived_at = :now WHERE id = :id AND archived_at IS NULL;
