-- windlass.db, shared by web, stream and worker. Times are UTC milliseconds. Ids are random text (crypto_new_id);
-- releases, jobs and secret sets carry a number per environment as well. NULL always means "not known / does not apply".

CREATE TABLE instance (
  only       INTEGER PRIMARY KEY CHECK (only = 1),
  id         TEXT NOT NULL,               -- appears in locks, labels and nonces on targets
  seal_key   BLOB NOT NULL,               -- public half: secrets are sealed to it
  audit_key  BLOB NOT NULL,               -- public half: audit heads are signed with it
  created_at INTEGER NOT NULL
) STRICT;

-- Who exists. What proves who they are, and what they may do, is in vault.db and is the worker's alone.
CREATE TABLE user (
  id          TEXT PRIMARY KEY,
  login       TEXT NOT NULL UNIQUE COLLATE NOCASE,
  name        TEXT NOT NULL,
  theme       TEXT NOT NULL DEFAULT 'system' CHECK (theme IN ('system', 'light', 'dark')),
  created_at  INTEGER NOT NULL,
  disabled_at INTEGER
) STRICT;

-- Written by the worker at login. `mac` covers id_hash, user_id, role and the times under a key of the vault: a row the
-- web tier made up is worth nothing to the worker. `role` is the highest one granted, for what pages show; the worker
-- decides by the grants.
CREATE TABLE session (
  id_hash     BLOB PRIMARY KEY,           -- SHA-256 of the cookie's token
  user_id     TEXT NOT NULL REFERENCES user(id),
  role        TEXT NOT NULL CHECK (role IN ('viewer', 'deployer', 'maintainer', 'admin')),
  created_at  INTEGER NOT NULL,
  expires_at  INTEGER NOT NULL,           -- absolute
  seen_at     INTEGER NOT NULL,           -- idle time-out counts from here; not under the MAC
  proved_at   INTEGER NOT NULL,           -- last time the password was entered
  ip          TEXT NOT NULL,
  agent       TEXT NOT NULL,
  revoked_at  INTEGER,
  mac         BLOB NOT NULL
) STRICT;
CREATE INDEX session_by_user ON session(user_id);

-- Failed logins, for throttling ('account:<login>' and 'address:<ip>') and for one audit event a minute and address.
CREATE TABLE login_failure (
  key          TEXT PRIMARY KEY,
  failures     INTEGER NOT NULL,
  first_at     INTEGER NOT NULL,
  last_at      INTEGER NOT NULL,
  blocked_till INTEGER NOT NULL DEFAULT 0,
  unreported   INTEGER NOT NULL DEFAULT 0, -- failures that no audit event tells of yet
  reported_at  INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE server (
  id           TEXT PRIMARY KEY,
  slug         TEXT NOT NULL UNIQUE,
  host         TEXT NOT NULL,
  port         INTEGER NOT NULL CHECK (port BETWEEN 1 AND 65535),
  login        TEXT NOT NULL,             -- the account on the target
  public_key   TEXT,                      -- our key for it, as one authorized_keys line; made by the worker
  pin_type     TEXT,                      -- copy of the pinned host key's type and fingerprint, to show; the pin is in vault.db
  pin_print    TEXT,
  state        TEXT NOT NULL DEFAULT 'new'
               CHECK (state IN ('new', 'pinned', 'ready', 'failing', 'unreachable', 'key_changed')),
  facts        TEXT,                      -- JSON of the last Check: os, arch, disk, capabilities
  checks       TEXT,                      -- JSON list of the last Check's lines {id, label, state, cause, fix}
  checked_at   INTEGER,
  created_at   INTEGER NOT NULL,
  archived_at  INTEGER
) STRICT;

CREATE TABLE app (
  id          TEXT PRIMARY KEY,
  slug        TEXT NOT NULL UNIQUE,
  name        TEXT NOT NULL,
  note        TEXT NOT NULL DEFAULT '',
  created_at  INTEGER NOT NULL,
  archived_at INTEGER
) STRICT;

CREATE TABLE environment (
  id              TEXT PRIMARY KEY,
  app_id          TEXT NOT NULL REFERENCES app(id),
  slug            TEXT NOT NULL,
  tier            TEXT NOT NULL CHECK (tier IN ('production', 'staging', 'other')), -- how loud its pages look
  recipe          TEXT NOT NULL,
  settings        TEXT NOT NULL,          -- JSON object; keys and types are those of the recipe's recipe.json
  protection      TEXT NOT NULL DEFAULT '{}',
  live_release_id TEXT REFERENCES release(id), -- last one proven live on every host; NULL: nothing, or not known
  live_since      INTEGER,
  live_state      TEXT NOT NULL DEFAULT 'never'
                  CHECK (live_state IN ('never', 'live', 'degraded', 'failed', 'unknown')),
  next_job        INTEGER NOT NULL DEFAULT 1,
  next_release    INTEGER NOT NULL DEFAULT 1,
  next_secret_set INTEGER NOT NULL DEFAULT 1,
  position        INTEGER NOT NULL DEFAULT 0,
  created_at      INTEGER NOT NULL,
  archived_at     INTEGER,
  UNIQUE (app_id, slug)
) STRICT;

CREATE TABLE environment_server (
  environment_id TEXT NOT NULL REFERENCES environment(id),
  server_id      TEXT NOT NULL REFERENCES server(id),
  role           TEXT NOT NULL DEFAULT 'app',
  position       INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (environment_id, server_id, role)
) STRICT, WITHOUT ROWID;
CREATE INDEX environment_by_server ON environment_server(server_id);

-- Build results of an app, in var/artefacts/<file>. A version is never replaced.
CREATE TABLE artefact (
  id          TEXT PRIMARY KEY,
  app_id      TEXT NOT NULL REFERENCES app(id),
  version     TEXT NOT NULL,
  file        TEXT NOT NULL,
  size_bytes  INTEGER NOT NULL,
  sha256      TEXT NOT NULL,              -- 64 hex digits
  origin      TEXT NOT NULL CHECK (origin IN ('upload', 'folder', 'url')),
  source      TEXT NOT NULL DEFAULT '',   -- the file name or URL it came from
  created_at  INTEGER NOT NULL,
  created_by  TEXT NOT NULL,
  removed_at  INTEGER,
  UNIQUE (app_id, version)
) STRICT;

-- What a form has typed but the worker has not stored yet: values are sealed to the worker.
CREATE TABLE draft (
  id             TEXT PRIMARY KEY,
  environment_id TEXT NOT NULL REFERENCES environment(id),
  user_id        TEXT NOT NULL,
  base_set       INTEGER NOT NULL,        -- number of the set the form showed; 0: none
  created_at     INTEGER NOT NULL
) STRICT;
CREATE TABLE draft_entry (
  draft_id  TEXT NOT NULL REFERENCES draft(id) ON DELETE CASCADE,
  position  INTEGER NOT NULL,
  key       TEXT NOT NULL,
  kind      TEXT NOT NULL CHECK (kind IN ('plain', 'secret', 'write_only')),
  form      TEXT NOT NULL DEFAULT 'env' CHECK (form IN ('env', 'file')),
  sealed    BLOB,                         -- NULL: keep the value of base_set
  comment   TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (draft_id, position)
) STRICT;

-- Numbered, immutable, full. Values of kind secret and write_only are in vault.db (same environment, number, key).
CREATE TABLE secret_set (
  environment_id TEXT NOT NULL REFERENCES environment(id),
  number         INTEGER NOT NULL,
  message        TEXT NOT NULL DEFAULT '',
  created_at     INTEGER NOT NULL,
  created_by     TEXT NOT NULL,           -- user id
  PRIMARY KEY (environment_id, number)
) STRICT, WITHOUT ROWID;
CREATE TABLE secret_entry (
  environment_id TEXT NOT NULL,
  number         INTEGER NOT NULL,
  position       INTEGER NOT NULL,
  key            TEXT NOT NULL,
  kind           TEXT NOT NULL CHECK (kind IN ('plain', 'secret', 'write_only')),
  form           TEXT NOT NULL DEFAULT 'env' CHECK (form IN ('env', 'file')),
  path           TEXT,                    -- form 'file': where it goes, and its mode
  mode           INTEGER,
  plain          TEXT,                    -- kind 'plain' only
  fingerprint    BLOB NOT NULL,           -- keyed hash by the worker: equal values of one instance have equal prints
  size_bytes     INTEGER NOT NULL,
  comment        TEXT NOT NULL DEFAULT '',
  changed_in     INTEGER NOT NULL,        -- the set in which this value was last changed
  PRIMARY KEY (environment_id, number, key),
  FOREIGN KEY (environment_id, number) REFERENCES secret_set(environment_id, number)
) STRICT, WITHOUT ROWID;

-- The numbered, immutable record of what was put live.
CREATE TABLE release (
  id             TEXT PRIMARY KEY,
  environment_id TEXT NOT NULL REFERENCES environment(id),
  number         INTEGER NOT NULL,
  recipe         TEXT NOT NULL,
  recipe_sha256  TEXT NOT NULL,           -- over all files of the recipe folder
  settings       TEXT NOT NULL,           -- JSON, as it was
  hosts          TEXT NOT NULL,           -- JSON list of {server_id, slug, role, pin_print}
  version        TEXT NOT NULL,           -- what people call it
  artefact_id    TEXT REFERENCES artefact(id),
  artefact_sha256 TEXT,
  images         TEXT,                    -- JSON object service -> image@digest
  compose        BLOB,                    -- the compose file's bytes
  git_commit     TEXT,
  secret_set     INTEGER NOT NULL,        -- 0: none
  why            TEXT NOT NULL DEFAULT '',
  trigger        TEXT NOT NULL DEFAULT 'button',
  created_at     INTEGER NOT NULL,
  created_by     TEXT NOT NULL,
  job_id         TEXT,                    -- the job that made it
  outcome        TEXT NOT NULL DEFAULT 'pending'
                 CHECK (outcome IN ('pending', 'live', 'degraded', 'reverted', 'failed', 'cancelled', 'unknown', 'refused')),
  UNIQUE (environment_id, number)
) STRICT;

CREATE TABLE job (
  id             TEXT PRIMARY KEY,
  serial         INTEGER NOT NULL UNIQUE, -- order of creation over all environments; keyset pages walk it
  environment_id TEXT REFERENCES environment(id),
  number         INTEGER,                 -- per environment
  server_id      TEXT REFERENCES server(id), -- jobs of one server (check)
  app_id         TEXT REFERENCES app(id),
  kind           TEXT NOT NULL CHECK (kind IN ('plan', 'deploy', 'rollback', 'backup', 'verify', 'restore', 'command', 'check', 'fetch')),
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
CREATE INDEX job_queue ON job(serial) WHERE state = 'queued';
CREATE INDEX job_running ON job(state) WHERE state = 'running';
CREATE INDEX job_by_environment ON job(environment_id, serial);
CREATE INDEX job_by_server ON job(server_id, serial) WHERE server_id IS NOT NULL;
-- The lock of DESIGN §2: one exclusive job at a time runs in an environment. (A shared job waits for it in the claim.)
CREATE UNIQUE INDEX job_one_exclusive ON job(environment_id) WHERE state = 'running' AND lock_class = 'exclusive';

-- Hosts are a dimension of every job. A job without a target has one row with server_id NULL.
CREATE TABLE job_host (
  job_id    TEXT NOT NULL REFERENCES job(id),
  host      INTEGER NOT NULL,             -- 0, 1, ...: the index used in plans, logs and URLs
  server_id TEXT REFERENCES server(id),
  name      TEXT NOT NULL,
  state     TEXT NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'running', 'ended')),
  verdict   TEXT CHECK (verdict IN ('live', 'degraded', 'reverted', 'failed', 'cancelled', 'unknown', 'ok')),
  left_as   TEXT NOT NULL DEFAULT '',     -- the state the host was left in, in words
  attempts  INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (job_id, host)
) STRICT, WITHOUT ROWID;

-- Written as an intent before the runner acts and as an outcome after. `step` counts through the plan, undo steps last.
CREATE TABLE job_step (
  job_id     TEXT NOT NULL REFERENCES job(id),
  host       INTEGER NOT NULL,
  step       INTEGER NOT NULL,
  name       TEXT NOT NULL,               -- the step's id in recipe.json, or a built-in: connect, lock, unlock
  title      TEXT NOT NULL,
  phase      TEXT NOT NULL DEFAULT 'forward' CHECK (phase IN ('forward', 'undo')),
  state      TEXT NOT NULL DEFAULT 'pending'
             CHECK (state IN ('pending', 'intent', 'ok', 'failed', 'skipped', 'cancelled', 'unknown')),
  status     INTEGER,                     -- exit status where there was one
  cause      TEXT NOT NULL DEFAULT '',    -- in words, with the fix
  results    TEXT NOT NULL DEFAULT '{}',  -- JSON of the step's key=value results
  started_at INTEGER,
  ended_at   INTEGER,
  log_from   INTEGER,                     -- offset in the job's log file at which the step begins
  PRIMARY KEY (job_id, host, step)
) STRICT, WITHOUT ROWID;

-- Each event carries the SHA-256 of the one before (db/audit.h says over what). Append-only by trigger.
CREATE TABLE audit_event (
  seq         INTEGER PRIMARY KEY,        -- 1, 2, 3, ... without gaps
  at          INTEGER NOT NULL,
  actor_kind  TEXT NOT NULL CHECK (actor_kind IN ('user', 'system', 'command_line', 'nobody')),
  actor_id    TEXT NOT NULL,
  actor_name  TEXT NOT NULL,
  verb        TEXT NOT NULL,              -- category.verb
  target_kind TEXT NOT NULL,
  target_id   TEXT NOT NULL,
  target_name TEXT NOT NULL,
  app_id      TEXT,
  environment_id TEXT,
  ip          TEXT NOT NULL,
  request_id  TEXT NOT NULL,
  result      TEXT NOT NULL CHECK (result IN ('ok', 'denied', 'failed')),
  detail      TEXT NOT NULL,              -- JSON object; never a value of a secret
  prev_hash   BLOB NOT NULL,
  hash        BLOB NOT NULL
) STRICT;
CREATE INDEX audit_by_environment ON audit_event(environment_id, seq) WHERE environment_id IS NOT NULL;
CREATE INDEX audit_by_actor ON audit_event(actor_name, seq);
CREATE INDEX audit_by_verb ON audit_event(verb, seq);
-- Also stops INSERT OR REPLACE, which fires no delete trigger.
CREATE TRIGGER audit_event_has_no_gaps BEFORE INSERT ON audit_event
WHEN NEW.seq IS NOT (SELECT coalesce(max(seq), 0) + 1 FROM audit_event)
BEGIN SELECT RAISE(ABORT, 'audit events are numbered without gaps'); END;
CREATE TRIGGER audit_event_is_append_only_update BEFORE UPDATE ON audit_event
BEGIN SELECT RAISE(ABORT, 'audit events are append-only'); END;
CREATE TRIGGER audit_event_is_append_only_delete BEFORE DELETE ON audit_event
BEGIN SELECT RAISE(ABORT, 'audit events are append-only'); END;

-- The worker's signature over (instance, seq, hash), within a second of any event. Old heads are kept.
CREATE TABLE audit_head (
  seq       INTEGER PRIMARY KEY,
  hash      BLOB NOT NULL,
  signed_at INTEGER NOT NULL,
  signature BLOB NOT NULL
) STRICT;
