-- Whether the change of the master key is in the history: after a crash between the two databases' commits it is not.

-- name: key_event_count  roles: worker cli  returns: one
SELECT count(*) AS count FROM audit_event WHERE verb = 'key.rotate' AND target_id = :id;
