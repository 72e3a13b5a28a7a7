-- Which master key the vault is under, and the room in which rows lie while a new one takes over (db/vault/rotate.c).

CREATE TABLE master_key (
  one     INTEGER PRIMARY KEY CHECK (one = 1),
  id      TEXT NOT NULL,                  -- its number as people see it; says nothing of the key
  since   INTEGER NOT NULL,
  settled INTEGER NOT NULL CHECK (settled IN (0, 1)) -- 0: what follows the change of keys is not all done yet
) STRICT;
-- Empty but for the length of a transaction. What a, b, c and d are depends on the source.
CREATE TABLE rotation (
  source TEXT NOT NULL,
  a      TEXT NOT NULL,
  b      INTEGER NOT NULL,
  c      TEXT NOT NULL,
  d      TEXT NOT NULL,
  ct     BLOB NOT NULL,
  PRIMARY KEY (source, a, b, c, d)
) STRICT, WITHOUT ROWID;
