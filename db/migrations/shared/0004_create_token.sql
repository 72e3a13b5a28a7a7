-- API tokens, each of one person. The worker and the `windlass` command write here, nobody else: `mac` covers everything
-- that decides what a token may do (docs/architecture.md "Token MAC"), and the token's hash must be in vault.db as well,
-- so the web side can neither make a token, nor widen one, nor bring back one that was removed.

CREATE TABLE token (
  id           TEXT PRIMARY KEY,
  user_id      TEXT NOT NULL REFERENCES user(id),
  name         TEXT NOT NULL,
  hash         BLOB NOT NULL UNIQUE,      -- SHA-256 of its text, which is stored nowhere
  scopes       TEXT NOT NULL,             -- lib/domain/scope.h: names in a fixed order, commas between
  environments TEXT NOT NULL,             -- JSON list of environment ids; []: all that its owner may
  created_at   INTEGER NOT NULL,
  expires_at   INTEGER NOT NULL,
  used_at      INTEGER,                   -- not under the MAC; written at most once a minute
  removed_at   INTEGER,
  mac          BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX token_name ON token(user_id, name) WHERE removed_at IS NULL;
