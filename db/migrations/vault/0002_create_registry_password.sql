-- The password of each registry, under the master key. Host and login are those it was stored for: the web side can write
-- the registry's row in windlass.db, and must not be able to have the password sent to a host of its choice.

CREATE TABLE registry_password (
  registry_id TEXT NOT NULL,
  number      INTEGER NOT NULL,           -- registry.password_number; a row with another number belongs to a save that broke off
  host        TEXT NOT NULL,
  login       TEXT NOT NULL,
  password_ct BLOB NOT NULL,
  PRIMARY KEY (registry_id, number)
) STRICT, WITHOUT ROWID;
