-- Environments and the servers they run on. What is live is written by the worker alone (release.sql).

-- name: environment_insert  roles: web cli  writes: environment  returns: none
INSERT INTO environment (id, app_id, slug, tier, recipe, settings, position, created_at)
VALUES (:id, :app_id, :slug, :tier, :recipe, :settings,
        (SELECT count(*) FROM environment WHERE app_id = :app_id), :now);

-- name: environment_update_settings  roles: web cli  writes: environment  returns: none
UPDATE environment SET settings = :settings, tier = :tier WHERE id = :id AND archived_at IS NULL;

-- name: environment_by_slugs  roles: web worker cli  returns: one
SELECT e.id, e.app_id, e.slug, e.tier, e.recipe, e.settings AS settings_json, e.live_release_id, e.live_since,
       e.live_state, e.next_release, e.created_at, e.paused_at, e.paused_why, p.name AS paused_by_name,
       p.login AS paused_by_login,
       e.locked_at, e.locked_why, l.name AS locked_by_name, l.login AS locked_by_login, e.stopped_at, t.name AS stopped_by_name,
       t.login AS stopped_by_login, e.maintenance_at, m.name AS maintenance_by_name, m.login AS maintenance_by_login, e.freeze,
       a.slug AS app_slug, a.name AS app_name
FROM environment e JOIN app a ON a.id = e.app_id LEFT JOIN user p ON p.id = e.paused_by
LEFT JOIN user l ON l.id = e.locked_by LEFT JOIN user t ON t.id = e.stopped_by LEFT JOIN user m ON m.id = e.maintenance_by
WHERE a.slug = :app AND e.slug = :env AND e.archived_at IS NULL AND a.archived_at IS NULL;

-- name: environment_by_id  roles: web worker cli  returns: one
SELECT e.id, e.app_id, e.slug, e.tier, e.recipe, e.settings AS settings_json, e.live_release_id, e.live_since,
       e.live_state, e.next_release, e.created_at, e.paused_at, e.paused_why, p.name AS paused_by_name,
       p.login AS paused_by_login,
       e.locked_at, e.locked_why, l.name AS locked_by_name, l.login AS locked_by_login, e.stopped_at, t.name AS stopped_by_name,
       t.login AS stopped_by_login, e.maintenance_at, m.name AS maintenance_by_name, m.login AS maintenance_by_login, e.freeze,
       a.slug AS app_slug, a.name AS app_name
FROM environment e JOIN app a ON a.id = e.app_id LEFT JOIN user p ON p.id = e.paused_by
LEFT JOIN user l ON l.id = e.locked_by LEFT JOIN user t ON t.id = e.stopped_by LEFT JOIN user m ON m.id = e.maintenance_by
WHERE e.id = :id;

-- One card per environment: what is live, since when, by whom, and how its last ended job went; a look at its servers is none. :app_id NULL: of all
-- apps; :id NULL: of all environments.
-- name: environment_cards  roles: web cli  returns: many
SELECT e.id, e.slug, e.tier, e.recipe, e.settings AS settings_json, e.live_state, e.live_since, e.live_release_id,
       e.paused_at, e.paused_why, p.name AS paused_by_name, p.login AS paused_by_login,
       e.locked_at, e.locked_why, l.name AS locked_by_name, l.login AS locked_by_login, e.stopped_at, t.name AS stopped_by_name,
       t.login AS stopped_by_login, e.maintenance_at, m.name AS maintenance_by_name, m.login AS maintenance_by_login, e.freeze,
       a.id AS app_id, a.slug AS app_slug, a.name AS app_name,
       r.id AS live_id, r.number AS live_number, r.version AS live_version, r.outcome AS live_outcome,
       r.created_at AS live_created_at, u.name AS live_by_name, u.login AS live_by_login, r.why AS live_why,
       r.trigger AS live_trigger, r.secret_set AS live_secret_set, r.artefact_sha256 AS live_artefact_sha256,
       r.git_commit AS live_git_commit, r.images AS live_images_json, r.job_id AS live_job_id,
       (r.artefact_id IS NULL OR (f.id IS NOT NULL AND f.removed_at IS NULL)) AS is_repeatable,
       j.id AS last_id, j.kind AS last_kind, j.verdict AS last_verdict, j.summary AS last_summary,
       j.ended_at AS last_ended_at,
       (SELECT count(*) FROM environment_server s WHERE s.environment_id = e.id) AS servers
FROM environment e JOIN app a ON a.id = e.app_id
LEFT JOIN release r ON r.id = e.live_release_id
LEFT JOIN artefact f ON f.id = r.artefact_id
LEFT JOIN user u ON u.id = r.created_by
LEFT JOIN user p ON p.id = e.paused_by
LEFT JOIN user l ON l.id = e.locked_by LEFT JOIN user t ON t.id = e.stopped_by LEFT JOIN user m ON m.id = e.maintenance_by
LEFT JOIN job j ON j.id = (SELECT id FROM job WHERE environment_id = e.id AND state = 'ended' AND kind <> 'plan'
                           ORDER BY serial DESC LIMIT 1)
WHERE e.archived_at IS NULL AND a.archived_at IS NULL AND (:app_id IS NULL OR e.app_id = :app_id)
  AND (:id IS NULL OR e.id = :id)
ORDER BY a.slug, e.position, e.slug LIMIT :limit;

-- name: environment_releases  roles: web cli  returns: many
SELECT r.id, r.number, r.version, r.outcome, r.created_at, u.name AS by_name, u.login AS by_login, r.why, r.trigger,
       r.secret_set, r.artefact_sha256, r.git_commit, r.job_id,
       (r.artefact_id IS NULL OR (f.id IS NOT NULL AND f.removed_at IS NULL)) AS is_repeatable
FROM release r LEFT JOIN user u ON u.id = r.created_by LEFT JOIN artefact f ON f.id = r.artefact_id
WHERE r.environment_id = :environment_id AND r.number < :before ORDER BY r.number DESC LIMIT :limit;

-- As environment_releases, each with all that was put live and the number of what it replays.
-- name: environment_releases_whole  roles: web cli  returns: many
SELECT r.id, r.environment_id, r.number, r.version, r.outcome, r.created_at, u.name AS by_name, u.login AS by_login, r.why, r.trigger,
       r.secret_set, r.artefact_id, r.artefact_sha256, r.git_commit, r.job_id,
       (r.artefact_id IS NULL OR (f.id IS NOT NULL AND f.removed_at IS NULL)) AS is_repeatable, r.recipe, r.recipe_sha256,
       r.settings AS settings_json, r.hosts AS hosts_json, r.images AS images_json, r.replays, r.parts, r.asked_from,
       r.migrated, r.ended_at, b.number AS replays_number, f.file AS artefact_file, r.promoted_from, o.number AS promoted_number,
       oe.slug AS promoted_env
FROM release r LEFT JOIN user u ON u.id = r.created_by LEFT JOIN artefact f ON f.id = r.artefact_id
LEFT JOIN release b ON b.id = r.replays LEFT JOIN release o ON o.id = r.promoted_from LEFT JOIN environment oe ON oe.id = o.environment_id
WHERE r.environment_id = :environment_id AND r.number < :before ORDER BY r.number DESC LIMIT :limit;

-- name: environment_release_by_number  roles: web cli  returns: one
SELECT r.id, r.environment_id, r.number, r.version, r.outcome, r.created_at, u.name AS by_name, u.login AS by_login, r.why, r.trigger,
       r.secret_set, r.artefact_id, r.artefact_sha256, r.git_commit, r.job_id,
       (r.artefact_id IS NULL OR (f.id IS NOT NULL AND f.removed_at IS NULL)) AS is_repeatable, r.recipe, r.recipe_sha256,
       r.settings AS settings_json, r.hosts AS hosts_json, r.images AS images_json, r.replays, r.parts, r.asked_from,
       r.migrated, r.ended_at, b.number AS replays_number, f.file AS artefact_file, r.promoted_from, o.number AS promoted_number,
       oe.slug AS promoted_env
FROM release r LEFT JOIN user u ON u.id = r.created_by LEFT JOIN artefact f ON f.id = r.artefact_id
LEFT JOIN release b ON b.id = r.replays LEFT JOIN release o ON o.id = r.promoted_from LEFT JOIN environment oe ON oe.id = o.environment_id
WHERE r.environment_id = :environment_id AND r.number = :number;

-- One release with all that was put live, for comparing a plan with it.
-- name: environment_release_by_id  roles: web worker cli  returns: one
SELECT r.id, r.number, r.version, r.outcome, r.created_at, u.name AS by_name, u.login AS by_login, r.why, r.trigger,
       r.environment_id, r.secret_set, r.artefact_id, r.artefact_sha256, r.git_commit, r.job_id,
       (r.artefact_id IS NULL OR (f.id IS NOT NULL AND f.removed_at IS NULL)) AS is_repeatable, r.recipe, r.recipe_sha256,
       r.settings AS settings_json, r.hosts AS hosts_json, r.images AS images_json
FROM release r LEFT JOIN user u ON u.id = r.created_by LEFT JOIN artefact f ON f.id = r.artefact_id
WHERE r.id = :id;

-- Releases after one of them whose migrate step was begun: what they changed in the data stays.
-- name: environment_migrated_after  roles: web cli  returns: many
SELECT number, version, created_at FROM release
WHERE environment_id = :environment_id AND number > :number AND migrated = 1 ORDER BY number LIMIT 50;

-- What the last deploy saw on each server that the environment has now.
-- name: environment_kept_looks  roles: web cli  returns: many
SELECT s.id AS server_id, s.slug, k.seen_at, k.kept AS kept_json, k.job_id
FROM environment_server es JOIN server s ON s.id = es.server_id
LEFT JOIN kept_look k ON k.environment_id = es.environment_id AND k.server_id = es.server_id
WHERE es.environment_id = :environment_id AND s.archived_at IS NULL ORDER BY es.position, s.slug;

-- name: environment_secret_looks  roles: web cli  returns: many
SELECT number, seen_at, opens FROM secret_look WHERE environment_id = :environment_id ORDER BY number DESC LIMIT 1000;

-- Automatic deploys (db/pauses.h).
-- name: environment_pause  roles: web cli  writes: environment  returns: none
UPDATE environment SET paused_at = :now, paused_by = :by, paused_why = :why WHERE id = :id;

-- name: environment_resume  roles: web cli  writes: environment  returns: none
UPDATE environment SET paused_at = NULL, paused_by = NULL, paused_why = '' WHERE id = :id AND paused_at IS NOT NULL;

-- The lock (db/locks.h). Of two who lock at once, the first one's reason stays.
-- name: environment_lock  roles: web cli  writes: environment  returns: none
UPDATE environment SET locked_at = :now, locked_by = :by, locked_why = :why WHERE id = :id AND locked_at IS NULL;

-- name: environment_unlock  roles: web cli  writes: environment  returns: none
UPDATE environment SET locked_at = NULL, locked_by = NULL, locked_why = '' WHERE id = :id AND locked_at IS NOT NULL;

-- name: environment_set_freeze  roles: web cli  writes: environment  returns: none
UPDATE environment SET freeze = :freeze WHERE id = :id;

-- name: environment_servers  roles: web worker cli  returns: many
SELECT s.id, s.slug, s.host, s.port, s.login, s.pin_type, s.pin_print, s.state, s.checked_at, es.role, es.position
FROM environment_server es JOIN server s ON s.id = es.server_id
WHERE es.environment_id = :environment_id AND s.archived_at IS NULL ORDER BY es.position, s.slug;

-- name: environment_server_insert  roles: web cli  writes: environment_server  returns: none
INSERT INTO environment_server (environment_id, server_id, role, position)
VALUES (:environment_id, :server_id, :role, :position);

-- name: environment_server_clear  roles: web cli  writes: environment_server  returns: none
DELETE FROM environment_server WHERE environment_id = :environment_id;

-- The number of the environment's next release, taken.
-- name: environment_take_release_number  roles: web cli  writes: environment  returns: one
UPDATE environment SET next_release = next_release + 1 WHERE id = :id RETURNING next_release - 1 AS number;

-- name: environment_take_job_number  roles: web cli  writes: environment  returns: one
UPDATE environment SET next_job = next_job + 1 WHERE id = :id RETURNING next_job - 1 AS number;

-- name: environment_release_insert  roles: web cli  writes: release  returns: none
INSERT INTO release (id, environment_id, number, recipe, recipe_sha256, settings, hosts, version, artefact_id,
                     artefact_sha256, compose, secret_set, why, trigger, replays, parts, asked_from, promoted_from, created_at, created_by,
                     job_id)
VALUES (:id, :environment_id, :number, :recipe, :recipe_sha256, :settings, :hosts, :version, :artefact_id,
        :artefact_sha256, CAST(json_extract(:settings, '$.compose') AS BLOB), :secret_set, :why, :trigger, :replays, :parts,
        :asked_from, :promoted_from, :now, :created_by, :job_id);
