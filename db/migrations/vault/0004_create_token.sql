-- The API tokens that are in use, by hash. What each may do is in windlass.db, under a MAC; a token whose row here is gone
-- is removed, whatever windlass.db says.

CREATE TABLE token (
  hash       BLOB PRIMARY KEY,
  user_id    TEXT NOT NULL,
  expires_at INTEGER NOT NULL
) STRICT;
