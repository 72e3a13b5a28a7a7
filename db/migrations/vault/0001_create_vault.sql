-- vault.db: the worker's own. The web tier cannot open this file. Every *_ct is vault_encrypt(data or master key,
-- value, "table|row|...") as lib/crypto/unseal.h says; the master key is in var/keys/master.key (0400).

-- The instance's own keys: 'seal' (X25519 secret), 'audit' (Ed25519 secret), 'session' (MAC), 'fingerprint' (MAC).
CREATE TABLE keyring (
  name       TEXT PRIMARY KEY,
  secret_ct  BLOB NOT NULL,
  created_at INTEGER NOT NULL
) STRICT;
-- One data key per environment, wrapped by the master key.
CREATE TABLE data_key (
  environment_id TEXT PRIMARY KEY,
  secret_ct      BLOB NOT NULL,
  created_at     INTEGER NOT NULL
) STRICT;
CREATE TABLE secret_value (
  environment_id TEXT NOT NULL,
  number         INTEGER NOT NULL,        -- of the secret set
  key            TEXT NOT NULL,
  value_ct       BLOB NOT NULL,
  PRIMARY KEY (environment_id, number, key)
) STRICT, WITHOUT ROWID;
CREATE TABLE credential (
  user_id    TEXT PRIMARY KEY,
  verifier   TEXT NOT NULL,               -- Argon2id
  changed_at INTEGER NOT NULL
) STRICT;
-- Deny by default: no row, no right. environment_id '' means the whole app; app_id '' means everything.
CREATE TABLE access (
  user_id        TEXT NOT NULL,
  app_id         TEXT NOT NULL DEFAULT '',
  environment_id TEXT NOT NULL DEFAULT '',
  role           TEXT NOT NULL CHECK (role IN ('viewer', 'deployer', 'maintainer', 'admin')),
  granted_at     INTEGER NOT NULL,
  granted_by     TEXT NOT NULL,
  PRIMARY KEY (user_id, app_id, environment_id)
) STRICT, WITHOUT ROWID;
CREATE TABLE server_key (
  server_id  TEXT PRIMARY KEY,
  public_key TEXT NOT NULL,               -- "ssh-ed25519 AAAA... windlass-<slug>"
  secret_ct  BLOB NOT NULL,               -- OpenSSH private key file, as bytes
  created_at INTEGER NOT NULL
) STRICT;
CREATE TABLE host_pin (
  server_id   TEXT PRIMARY KEY,
  host        TEXT NOT NULL,              -- the address the key was confirmed for: a changed address needs a new pin
  port        INTEGER NOT NULL,
  type        TEXT NOT NULL,              -- ssh-ed25519, ecdsa-sha2-nistp256, ...
  blob        BLOB NOT NULL,              -- the raw public key, compared byte for byte
  print       TEXT NOT NULL,              -- SHA256:... as ssh-keygen -lf prints it
  approved_by TEXT NOT NULL,
  approved_at INTEGER NOT NULL
) STRICT;
-- One row while no admin exists.
CREATE TABLE setup_token (
  hash       BLOB PRIMARY KEY,
  expires_at INTEGER NOT NULL
) STRICT;
