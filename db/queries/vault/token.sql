-- The API tokens that are in use.

-- name: vault_token_put  roles: worker cli  writes: token
INSERT INTO token (hash, user_id, expires_at) VALUES (:hash, :user_id, :expires_at);

-- name: vault_token_has  roles: worker cli  returns: one
SELECT count(*) AS count FROM token WHERE hash = :hash AND user_id = :user_id;

-- name: vault_token_remove  roles: worker cli  writes: token
DELETE FROM token WHERE hash = :hash;

-- name: vault_token_prune  roles: worker cli  writes: token
DELETE FROM token WHERE expires_at < :before;
