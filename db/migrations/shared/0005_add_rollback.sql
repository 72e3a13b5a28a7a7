-- A release is one immutable object; going back to one makes a new release that replays it, and pauses automatic deploys.

ALTER TABLE release ADD COLUMN replays TEXT REFERENCES release(id);   -- a rollback: the release that it brings back
ALTER TABLE release ADD COLUMN parts TEXT NOT NULL DEFAULT '';        -- of it: words of 'code settings secrets'; the rest was as it was
ALTER TABLE release ADD COLUMN asked_from TEXT NOT NULL DEFAULT '';   -- the address that asked
ALTER TABLE release ADD COLUMN migrated INTEGER CHECK (migrated IN (0, 1)); -- its migrate step was begun on a server; NULL until it ended
ALTER TABLE release ADD COLUMN ended_at INTEGER;

-- What a release is was said when it was asked for. The worker completes it until its outcome is written; then it stays.
CREATE TRIGGER release_is_what_was_asked
BEFORE UPDATE OF id, environment_id, number, recipe, version, artefact_id, artefact_sha256, secret_set, why, trigger,
                 created_at, created_by, job_id, replays, parts, asked_from ON release
BEGIN SELECT RAISE(ABORT, 'a release is what was asked for'); END;
CREATE TRIGGER release_stays_as_it_ended BEFORE UPDATE ON release WHEN OLD.outcome <> 'pending'
BEGIN SELECT RAISE(ABORT, 'a release that has ended never changes'); END;
CREATE TRIGGER release_is_never_removed BEFORE DELETE ON release
BEGIN SELECT RAISE(ABORT, 'a release is never removed'); END;
-- Also stops INSERT OR REPLACE, which fires no delete trigger.
CREATE TRIGGER release_is_never_replaced BEFORE INSERT ON release
WHEN EXISTS (SELECT 1 FROM release WHERE id = NEW.id OR (environment_id = NEW.environment_id AND number = NEW.number))
BEGIN SELECT RAISE(ABORT, 'a release is never replaced'); END;

-- Automatic deploys are paused: people still deploy, after they have confirmed that they know.
ALTER TABLE environment ADD COLUMN paused_at INTEGER;
ALTER TABLE environment ADD COLUMN paused_by TEXT;                    -- user id
ALTER TABLE environment ADD COLUMN paused_why TEXT NOT NULL DEFAULT '';

-- Which releases a server still had, images included, when a deploy last tidied up there. No row: nobody has looked.
CREATE TABLE kept_look (
  environment_id TEXT NOT NULL REFERENCES environment(id),
  server_id      TEXT NOT NULL REFERENCES server(id),
  job_id         TEXT NOT NULL REFERENCES job(id),
  seen_at        INTEGER NOT NULL,
  kept           TEXT NOT NULL,           -- JSON list of release ids
  PRIMARY KEY (environment_id, server_id)
) STRICT, WITHOUT ROWID;

-- Whether every value of a secret set could be opened when the worker last tried.
CREATE TABLE secret_look (
  environment_id TEXT NOT NULL REFERENCES environment(id),
  number         INTEGER NOT NULL,
  seen_at        INTEGER NOT NULL,
  opens          INTEGER NOT NULL CHECK (opens IN (0, 1)),
  PRIMARY KEY (environment_id, number)
) STRICT, WITHOUT ROWID;
