-- How far the history is signed, for its pages.

-- name: audit_web_chain  roles: web  returns: one
SELECT (SELECT coalesce(max(seq), 0) FROM audit_event) AS events,
       (SELECT coalesce(max(seq), 0) FROM audit_head) AS signed_seq,
       coalesce((SELECT signed_at FROM audit_head ORDER BY seq DESC LIMIT 1), 0) AS signed_at;

-- The first head at or after the event covers it.
-- name: audit_web_signed_at  roles: web  returns: one
SELECT coalesce((SELECT signed_at FROM audit_head WHERE seq >= :seq ORDER BY seq LIMIT 1), 0) AS signed_at;
