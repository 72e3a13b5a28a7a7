-- Artefacts: build results in var/artefacts. A version is never replaced.

-- name: artefact_insert  roles: web worker cli  writes: artefact  returns: none
INSERT INTO artefact (id, app_id, version, file, size_bytes, sha256, origin, source, created_at, created_by)
VALUES (:id, :app_id, :version, :file, :size_bytes, :sha256, :origin, :source, :now, :created_by);

-- name: artefact_by_id  roles: web worker cli  returns: one
SELECT id, app_id, version, file, size_bytes, sha256, origin, source, created_at, created_by
FROM artefact WHERE id = :id AND removed_at IS NULL;

-- name: artefact_by_version  roles: web worker cli  returns: one
SELECT id, app_id, version, file, size_bytes, sha256, origin, source, created_at, created_by
FROM artefact WHERE app_id = :app_id AND version = :version;

-- Newest first; :before is the created_at of the last one shown.
-- name: artefact_page  roles: web cli  returns: many
SELECT f.id, f.version, f.file, f.size_bytes, f.sha256, f.origin, f.source, f.created_at, u.name AS by_name,
       u.login AS by_login
FROM artefact f LEFT JOIN user u ON u.id = f.created_by
WHERE f.app_id = :app_id AND f.removed_at IS NULL AND f.created_at < :before
ORDER BY f.created_at DESC, f.id DESC LIMIT :limit;

-- name: artefact_count  roles: web  returns: one
SELECT count(*) AS count FROM artefact WHERE app_id = :app_id AND removed_at IS NULL;

-- Whose file is this name in var/artefacts? Files nobody claims can be registered.
-- name: artefact_file_known  roles: web worker  returns: one
SELECT count(*) AS count FROM artefact WHERE file = :file AND removed_at IS NULL;
