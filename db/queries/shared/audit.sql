-- The history. Appended only; db/audit.h says what the hashes cover.

-- name: audit_last  roles: web worker cli  returns: one
SELECT seq, hash FROM audit_event ORDER BY seq DESC LIMIT 1;

-- name: audit_add  roles: web worker cli  writes: audit_event
INSERT INTO audit_event (seq, at, actor_kind, actor_id, actor_name, verb, target_kind, target_id, target_name, app_id,
  environment_id, ip, request_id, result, detail, prev_hash, hash)
VALUES (:seq, :at, :actor_kind, :actor_id, :actor_name, :verb, :target_kind, :target_id, :target_name, :app_id,
  :environment_id, :ip, :request_id, :result, :detail, :prev_hash, :hash);

-- name: audit_page  roles: web worker cli  returns: many
SELECT seq, at, actor_kind, actor_id, actor_name, verb, target_kind, target_id, target_name, app_id, environment_id, ip,
  request_id, result, detail AS detail_json, lower(hex(hash)) AS hash
 FROM audit_event
 WHERE seq < :before
   AND (:actor IS NULL OR actor_name = :actor OR actor_id = :actor)
   AND (:verb IS NULL OR verb = :verb)
   AND (:verb_prefix IS NULL OR substr(verb, 1, length(:verb_prefix)) = :verb_prefix)
   AND (:environment_id IS NULL OR environment_id = :environment_id)
   AND (:app_id IS NULL OR app_id = :app_id)
   AND (:target_id IS NULL OR target_id = :target_id)
   AND (:result IS NULL OR result = :result)
   AND at >= :since AND at < :till
 ORDER BY seq DESC LIMIT :limit;

-- name: audit_by_seq  roles: web worker cli  returns: one
SELECT seq, at, actor_kind, actor_id, actor_name, verb, target_kind, target_id, target_name, app_id, environment_id, ip,
  request_id, result, detail AS detail_json, lower(hex(prev_hash)) AS prev_hash, lower(hex(hash)) AS hash
 FROM audit_event WHERE seq = :seq;

-- name: audit_chain  roles: web worker cli  returns: many
SELECT seq, at, actor_kind, actor_id, actor_name, verb, target_kind, target_id, target_name, app_id, environment_id, ip,
  request_id, result, detail, prev_hash, hash
 FROM audit_event ORDER BY seq;

-- name: audit_heads  roles: web worker cli  returns: many
SELECT seq, hash, signature FROM audit_head ORDER BY seq;

-- name: audit_head_newest  roles: web worker cli  returns: one
SELECT seq, hash, signed_at FROM audit_head ORDER BY seq DESC LIMIT 1;

-- name: audit_head_missing  roles: worker  returns: one
SELECT seq, hash FROM audit_event
 WHERE seq > (SELECT coalesce(max(seq), 0) FROM audit_head) ORDER BY seq DESC LIMIT 1;

-- name: audit_head_add  roles: worker  writes: audit_head
INSERT INTO audit_head (seq, hash, signed_at, signature) VALUES (:seq, :hash, :signed_at, :signature);
