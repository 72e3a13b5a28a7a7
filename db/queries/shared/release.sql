-- Releases as the worker sees them: what to deploy, and how it ended.

-- name: release_by_id  roles: worker  returns: one
SELECT r.id, r.environment_id, r.number, r.recipe, r.recipe_sha256, r.settings AS settings_json, r.hosts AS hosts_json,
       r.version, r.artefact_id, r.artefact_sha256, r.secret_set, r.why, r.trigger, r.outcome, f.file AS artefact_file,
       f.size_bytes AS artefact_size, f.removed_at AS artefact_removed_at
FROM release r LEFT JOIN artefact f ON f.id = r.artefact_id WHERE r.id = :id;

-- An outcome is written once.
-- name: release_end  roles: worker  writes: release  returns: none
UPDATE release SET outcome = :outcome WHERE id = :id AND outcome = 'pending';

-- name: release_set_images  roles: worker  writes: release  returns: none
UPDATE release SET images = :images WHERE id = :id AND images IS NULL;

-- name: release_set_live  roles: worker  writes: environment  returns: none
UPDATE environment SET live_release_id = :release_id, live_since = :now, live_state = :state WHERE id = :environment_id;

-- What serves is not what it was, or not known: the last proven release stays named beside the state.
-- name: release_set_state  roles: worker  writes: environment  returns: none
UPDATE environment SET live_state = CASE WHEN :state = 'live' AND live_release_id IS NULL THEN 'unknown' ELSE :state END
WHERE id = :environment_id;
