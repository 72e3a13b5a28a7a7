-- Releases as the worker sees them: what to deploy, and how it ended.

-- name: release_by_id  roles: worker  returns: one
SELECT r.id, r.environment_id, r.number, r.recipe, r.recipe_sha256, r.settings AS settings_json, r.hosts AS hosts_json,
       r.version, r.artefact_id, r.artefact_sha256, r.secret_set, r.why, r.trigger, r.replays, r.promoted_from, r.parts, r.outcome,
       f.file AS artefact_file, f.size_bytes AS artefact_size, f.removed_at AS artefact_removed_at
FROM release r LEFT JOIN artefact f ON f.id = r.artefact_id WHERE r.id = :id;

-- What the worker found when it made the plan, and so what is put live: its own words, not those of the web side.
-- name: release_set_plan  roles: worker  writes: release  returns: none
UPDATE release SET recipe_sha256 = :recipe_sha256, settings = :settings, hosts = :hosts,
                   compose = CAST(json_extract(:settings, '$.compose') AS BLOB)
WHERE id = :id AND outcome = 'pending';

-- An outcome is written once, and nothing after it.
-- name: release_end  roles: worker  writes: release  returns: none
UPDATE release SET outcome = :outcome, ended_at = :now,
                   migrated = EXISTS (SELECT 1 FROM job_step s WHERE s.job_id = release.job_id AND s.name = 'migrate'
                                      AND s.started_at IS NOT NULL AND s.state <> 'skipped')
WHERE id = :id AND outcome = 'pending';

-- name: release_set_images  roles: worker  writes: release  returns: none
UPDATE release SET images = :images WHERE id = :id AND images IS NULL AND outcome = 'pending';

-- name: release_set_commit  roles: worker  writes: release  returns: none
UPDATE release SET git_commit = :commit WHERE id = :id AND git_commit IS NULL AND outcome = 'pending';

-- What a server still has, as a step of a job said.
-- name: release_kept_set  roles: worker  writes: kept_look  returns: none
INSERT INTO kept_look (environment_id, server_id, job_id, seen_at, kept)
VALUES (:environment_id, :server_id, :job_id, :now, :kept)
ON CONFLICT (environment_id, server_id) DO UPDATE SET job_id = excluded.job_id, seen_at = excluded.seen_at, kept = excluded.kept;

-- The newest sets that releases which once were live had, for a look whether they open.
-- name: release_sets_once_live  roles: worker  returns: many
SELECT secret_set AS number FROM release
WHERE environment_id = :environment_id AND secret_set > 0 AND outcome IN ('live', 'degraded')
GROUP BY secret_set ORDER BY max(number) DESC LIMIT :limit;

-- name: release_set_look  roles: worker  writes: secret_look  returns: none
INSERT INTO secret_look (environment_id, number, seen_at, opens) VALUES (:environment_id, :number, :now, :opens)
ON CONFLICT (environment_id, number) DO UPDATE SET seen_at = excluded.seen_at, opens = excluded.opens;

-- name: release_set_live  roles: worker  writes: environment  returns: none
UPDATE environment SET live_release_id = :release_id, live_since = :now, live_state = :state, stopped_at = NULL, stopped_by = NULL
WHERE id = :environment_id;

-- What came of an operation on what is live (db/operations.h).
-- name: environment_operated  roles: worker  writes: environment  returns: none
UPDATE environment SET live_state = :state, stopped_at = :stopped_at, stopped_by = :stopped_by WHERE id = :id;

-- name: environment_maintenance  roles: worker  writes: environment  returns: none
UPDATE environment SET maintenance_at = :at, maintenance_by = :by WHERE id = :id;

-- What serves is not what it was, or not known: the last proven release stays named beside the state.
-- name: release_set_state  roles: worker  writes: environment  returns: none
UPDATE environment SET live_state = CASE WHEN :state = 'live' AND live_release_id IS NULL THEN 'unknown' ELSE :state END,
                       stopped_at = NULL, stopped_by = NULL
WHERE id = :environment_id;
