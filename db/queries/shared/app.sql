-- Apps: read by every program, written by the web side and the command line.

-- name: app_insert  roles: web cli  writes: app  returns: none
INSERT INTO app (id, slug, name, note, created_at) VALUES (:id, :slug, :name, :note, :now);

-- name: app_by_slug  roles: web worker cli  returns: one
SELECT id, slug, name, note, created_at FROM app WHERE slug = :slug AND archived_at IS NULL;

-- name: app_by_id  roles: web worker cli  returns: one
SELECT id, slug, name, note, created_at FROM app WHERE id = :id;

-- Keyset page in order of slugs: those after :after.
-- name: app_page  roles: web cli  returns: many
SELECT id, slug, name, note, created_at FROM app
WHERE archived_at IS NULL AND slug > :after
ORDER BY slug LIMIT :limit;
