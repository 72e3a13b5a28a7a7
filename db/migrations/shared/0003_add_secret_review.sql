-- Drafts that are reviewed before they are saved, files, build-time variables, what a text looked wrong for, and the keys
-- that an environment must have.

ALTER TABLE draft ADD COLUMN tail TEXT NOT NULL DEFAULT '';       -- comment lines after the last key of a .env text
ALTER TABLE draft ADD COLUMN notes TEXT NOT NULL DEFAULT '[]';    -- JSON: what the reader of the text warns of, for the review
ALTER TABLE draft_entry ADD COLUMN keep_set INTEGER NOT NULL DEFAULT 0; -- without `sealed`: the set whose value of this key it keeps
ALTER TABLE draft_entry ADD COLUMN plain TEXT;                    -- kind plain: what was typed, to be shown again; `sealed` counts
ALTER TABLE draft_entry ADD COLUMN path TEXT;
ALTER TABLE draft_entry ADD COLUMN mode INTEGER;
ALTER TABLE draft_entry ADD COLUMN stage TEXT NOT NULL DEFAULT 'run' CHECK (stage IN ('run', 'build'));

ALTER TABLE secret_set ADD COLUMN tail TEXT NOT NULL DEFAULT '';
ALTER TABLE secret_entry ADD COLUMN stage TEXT NOT NULL DEFAULT 'run' CHECK (stage IN ('run', 'build')); -- when the app is built, not when it runs
ALTER TABLE secret_entry ADD COLUMN lint INTEGER NOT NULL DEFAULT 0; -- bits of lib/domain/secret_lint.h, found when the value was saved
CREATE INDEX secret_entry_changed ON secret_entry(environment_id, key, changed_in);

-- Keys that a deploy needs, beyond those its Compose file demands.
CREATE TABLE requirement (
  environment_id TEXT NOT NULL REFERENCES environment(id),
  key            TEXT NOT NULL,
  description    TEXT NOT NULL DEFAULT '',
  generator      TEXT NOT NULL DEFAULT '',  -- a name of lib/crypto/generate.h, or ''
  origin         TEXT NOT NULL CHECK (origin IN ('hand', 'example')),
  created_at     INTEGER NOT NULL,
  created_by     TEXT NOT NULL,
  PRIMARY KEY (environment_id, key)
) STRICT, WITHOUT ROWID;

-- proved_at is believed by the worker only under this MAC (docs/architecture.md "Session MAC"): the web side can write the row.
ALTER TABLE session ADD COLUMN proved_mac BLOB;
