-- The password of each registry.

-- name: registry_password_put  roles: worker  writes: registry_password
INSERT INTO registry_password (registry_id, number, host, login, password_ct)
VALUES (:registry_id, :number, :host, :login, :password_ct)
ON CONFLICT (registry_id, number) DO UPDATE SET host = excluded.host, login = excluded.login,
  password_ct = excluded.password_ct;

-- name: registry_password_place  roles: worker  returns: one
SELECT host, login FROM registry_password WHERE registry_id = :registry_id AND number = :number;

-- name: registry_password_get  roles: worker  returns: one
SELECT password_ct FROM registry_password WHERE registry_id = :registry_id AND number = :number;

-- name: registry_password_all  roles: worker  returns: many
SELECT registry_id, number FROM registry_password;

-- name: registry_password_remove  roles: worker  writes: registry_password
DELETE FROM registry_password WHERE registry_id = :registry_id AND number = :number;
