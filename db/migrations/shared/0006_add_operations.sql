-- Operations of an environment: a lock with its reason, what was stopped, the maintenance page, freeze windows, and the kinds of jobs for them.

ALTER TABLE environment ADD COLUMN locked_at INTEGER;                 -- nobody deploys or operates but who may unlock
ALTER TABLE environment ADD COLUMN locked_by TEXT;                    -- user id
ALTER TABLE environment ADD COLUMN locked_why TEXT NOT NULL DEFAULT '';
ALTER TABLE environment ADD COLUMN stopped_at INTEGER;                -- stopped by a job that saw everything gone; NULL: not
ALTER TABLE environment ADD COLUMN stopped_by TEXT;                   -- user id
ALTER TABLE environment ADD COLUMN maintenance_at INTEGER;            -- the maintenance page answers since; NULL: not
ALTER TABLE environment ADD COLUMN maintenance_by TEXT;               -- user id
ALTER TABLE environment ADD COLUMN freeze TEXT NOT NULL DEFAULT '';   -- windows in which nobody deploys (lib/domain/freeze.h)

ALTER TABLE release ADD COLUMN promoted_from TEXT REFERENCES release(id); -- of another environment: the same digests or artefact
DROP TRIGGER release_is_what_was_asked;
CREATE TRIGGER release_is_what_was_asked
BEFORE UPDATE OF id, environment_id, number, recipe, version, artefact_id, artefact_sha256, secret_set, why, trigger,
                 created_at, created_by, job_id, replays, parts, asked_from, promoted_from ON release
BEGIN SELECT RAISE(ABORT, 'a release is what was asked for'); END;

-- More kinds: a CHECK can only change with its table.
CREATE TABLE job_next (
  id             TEXT PRIMARY KEY,
  serial         INTEGER NOT NULL UNIQUE, -- order of creation over all environments; keyset pages walk it
  environment_id TEXT REFERENCES environment(id),
  number         INTEGER,                 -- per environment
  server_id      TEXT REFERENCES server(id), -- jobs of one server (check)
  app_id         TEXT REFERENCES app(id),
  kind           TEXT NOT NULL CHECK (kind IN ('plan', 'deploy', 'rollback', 'redeploy', 'promote', 'backup', 'verify', 'restore', 'restart', 'stop', 'start',
                  'maintenance_on', 'maintenance_off', 'command', 'logs', 'check', 'fetch')),
  lock_class     TEXT NOT NULL CHECK (lock_class IN ('exclusive', 'shared', 'none')),
  state          TEXT NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'running', 'ended')),
  verdict        TEXT CHECK (verdict IN ('live', 'degraded', 'reverted', 'failed', 'cancelled', 'unknown', 'ok')),
  summary        TEXT NOT NULL DEFAULT '', -- one sentence: cause and fix, or what was proven
  params         TEXT NOT NULL,           -- JSON: ids only, per kind
  confirmed      TEXT NOT NULL DEFAULT '{}', -- JSON: what the confirm page showed (lib/domain/plan.h)
  plan           TEXT,                    -- JSON: built by the worker when the job starts; no secret in it
  release_id     TEXT REFERENCES release(id),
  idem           TEXT NOT NULL UNIQUE,    -- the form's idempotency key: a second click is this job
  auth           BLOB NOT NULL,           -- sealed to the worker: who asks, proven (docs/architecture.md, "Who asked")
  requested_by   TEXT NOT NULL,           -- user id, to show
  why            TEXT NOT NULL DEFAULT '',
  nonce          TEXT NOT NULL,           -- appears in every `end` on the target
  owner          TEXT,                    -- the supervisor that holds it
  epoch          INTEGER NOT NULL DEFAULT 0,
  lease_until    INTEGER,
  cancel         INTEGER NOT NULL DEFAULT 0 CHECK (cancel IN (0, 1, 2)), -- 1 graceful, 2 kill
  cancel_by      TEXT,
  created_at     INTEGER NOT NULL,
  started_at     INTEGER,
  ended_at       INTEGER,
  CHECK ((state = 'ended') = (verdict IS NOT NULL)),
  UNIQUE (environment_id, number)
) STRICT;
INSERT INTO job_next SELECT * FROM job;
DROP TABLE job;
ALTER TABLE job_next RENAME TO job;
CREATE INDEX job_queue ON job(serial) WHERE state = 'queued';
CREATE INDEX job_running ON job(state) WHERE state = 'running';
CREATE INDEX job_by_environment ON job(environment_id, serial);
CREATE INDEX job_by_server ON job(server_id, serial) WHERE server_id IS NOT NULL;
-- The lock of DESIGN §2: one exclusive job at a time runs in an environment. (A shared job waits for it in the claim.)
CREATE UNIQUE INDEX job_one_exclusive ON job(environment_id) WHERE state = 'running' AND lock_class = 'exclusive';
