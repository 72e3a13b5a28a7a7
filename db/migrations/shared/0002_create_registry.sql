-- Private registries that images are pulled from. The password is in vault.db, in the row with this id and number; the
-- web side reads this table and the worker alone writes it. An environment names the ones it uses in its settings
-- ("registries": names with single spaces), so a name is taken while its registry lives, and free again after.

CREATE TABLE registry (
  id              TEXT PRIMARY KEY,
  slug            TEXT NOT NULL,
  host            TEXT NOT NULL,          -- host[:port] as it stands in front of an image's name; docker.io: Docker Hub
  login           TEXT NOT NULL,
  password_number INTEGER NOT NULL,       -- which row of the vault; 1, 2, ... with each change
  created_at      INTEGER NOT NULL,
  changed_at      INTEGER NOT NULL,       -- when login or password were last stored
  archived_at     INTEGER
) STRICT;
CREATE UNIQUE INDEX registry_name ON registry(slug) WHERE archived_at IS NULL;
