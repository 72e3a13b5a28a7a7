-- What a person may change about themself. Their password and rights are in the vault.

-- name: profile_update  roles: web  writes: user  returns: none
UPDATE user SET name = :name, theme = :theme WHERE id = :id AND disabled_at IS NULL;
