-- The web's side of jobs: add, list, read, ask to cancel, learn how long one takes. The worker's side is job.sql.

-- A second click: same form, same key, same job.
-- name: job_web_by_idem  roles: web cli  returns: one
SELECT id, kind, requested_by, coalesce(environment_id, server_id, app_id, '') AS place FROM job WHERE idem = :idem;

-- name: job_web_insert  roles: web cli  writes: job  returns: none
INSERT INTO job (id, serial, environment_id, number, server_id, app_id, kind, lock_class, params, confirmed, release_id,
                 idem, auth, requested_by, why, nonce, created_at)
VALUES (:id, (SELECT coalesce(max(serial), 0) + 1 FROM job), :environment_id, :number, :server_id, :app_id, :kind,
        :lock_class, :params, :confirmed, :release_id, :idem, :auth, :requested_by, :why, :nonce, :now);

-- The list walks serials downwards from :before. A NULL filter matches all.
-- name: job_web_page  roles: web cli  returns: many
SELECT j.id, j.serial, j.number, j.kind, j.state, j.verdict, j.summary, j.why, j.cancel, j.params AS params_json,
       j.created_at, j.started_at, j.ended_at, u.name AS by_name, u.login AS by_login, a.id AS app_id,
       a.slug AS app_slug, a.name AS app_name, e.id AS env_id, e.slug AS env_slug, e.tier, j.server_id,
       s.slug AS server_slug, r.number AS release_number, r.version
FROM job j
LEFT JOIN environment e ON e.id = j.environment_id
LEFT JOIN app a ON a.id = coalesce(e.app_id, j.app_id)
LEFT JOIN server s ON s.id = j.server_id
LEFT JOIN release r ON r.id = j.release_id
LEFT JOIN user u ON u.id = j.requested_by
WHERE j.serial < :before
  AND (:state IS NULL OR j.state = :state)
  AND (:verdict IS NULL OR j.verdict = :verdict)
  AND (:kind IS NULL OR j.kind = :kind)
  AND (:actor IS NULL OR u.login = :actor)
ORDER BY j.serial DESC LIMIT :limit;

-- As job_web_page, of one environment (its own index).
-- name: job_web_page_of_environment  roles: web cli  returns: many
SELECT j.id, j.serial, j.number, j.kind, j.state, j.verdict, j.summary, j.why, j.cancel, j.params AS params_json,
       j.created_at, j.started_at, j.ended_at, u.name AS by_name, u.login AS by_login, a.id AS app_id,
       a.slug AS app_slug, a.name AS app_name, e.id AS env_id, e.slug AS env_slug, e.tier, j.server_id,
       s.slug AS server_slug, r.number AS release_number, r.version
FROM job j INDEXED BY job_by_environment
LEFT JOIN environment e ON e.id = j.environment_id
LEFT JOIN app a ON a.id = coalesce(e.app_id, j.app_id)
LEFT JOIN server s ON s.id = j.server_id
LEFT JOIN release r ON r.id = j.release_id
LEFT JOIN user u ON u.id = j.requested_by
WHERE j.environment_id = :environment_id AND j.serial < :before
  AND (:state IS NULL OR j.state = :state)
  AND (:verdict IS NULL OR j.verdict = :verdict)
  AND (:kind IS NULL OR j.kind = :kind)
  AND (:actor IS NULL OR u.login = :actor)
ORDER BY j.serial DESC LIMIT :limit;

-- Of one app: those of its environments and its fetches, among the newest 5,000 jobs of all (no index leads there).
-- name: job_web_page_of_app  roles: web cli  returns: many
SELECT j.id, j.serial, j.number, j.kind, j.state, j.verdict, j.summary, j.why, j.cancel, j.params AS params_json,
       j.created_at, j.started_at, j.ended_at, u.name AS by_name, u.login AS by_login, a.id AS app_id,
       a.slug AS app_slug, a.name AS app_name, e.id AS env_id, e.slug AS env_slug, e.tier, j.server_id,
       s.slug AS server_slug, r.number AS release_number, r.version
FROM job j
LEFT JOIN environment e ON e.id = j.environment_id
LEFT JOIN app a ON a.id = coalesce(e.app_id, j.app_id)
LEFT JOIN server s ON s.id = j.server_id
LEFT JOIN release r ON r.id = j.release_id
LEFT JOIN user u ON u.id = j.requested_by
WHERE a.id = :app_id AND j.serial > (SELECT coalesce(max(serial), 0) FROM job) - 5000
ORDER BY j.serial DESC LIMIT :limit;

-- Of one server: its checks.
-- name: job_web_page_of_server  roles: web cli  returns: many
SELECT j.id, j.serial, j.number, j.kind, j.state, j.verdict, j.summary, j.why, j.cancel, j.params AS params_json,
       j.created_at, j.started_at, j.ended_at, u.name AS by_name, u.login AS by_login, a.id AS app_id,
       a.slug AS app_slug, a.name AS app_name, e.id AS env_id, e.slug AS env_slug, e.tier, j.server_id,
       s.slug AS server_slug, r.number AS release_number, r.version
FROM job j INDEXED BY job_by_server
LEFT JOIN environment e ON e.id = j.environment_id
LEFT JOIN app a ON a.id = coalesce(e.app_id, j.app_id)
LEFT JOIN server s ON s.id = j.server_id
LEFT JOIN release r ON r.id = j.release_id
LEFT JOIN user u ON u.id = j.requested_by
WHERE j.server_id = :server_id
ORDER BY j.serial DESC LIMIT :limit;

-- All that are queued or running, oldest first: the running job of each environment on a page of many.
-- name: job_web_active  roles: web cli  returns: many
SELECT j.id, j.serial, j.number, j.kind, j.state, j.verdict, j.summary, j.why, j.cancel, j.params AS params_json,
       j.created_at, j.started_at, j.ended_at, u.name AS by_name, u.login AS by_login, a.id AS app_id,
       a.slug AS app_slug, a.name AS app_name, e.id AS env_id, e.slug AS env_slug, e.tier, j.server_id,
       s.slug AS server_slug, r.number AS release_number, r.version, j.lock_class
FROM job j
LEFT JOIN environment e ON e.id = j.environment_id
LEFT JOIN app a ON a.id = coalesce(e.app_id, j.app_id)
LEFT JOIN server s ON s.id = j.server_id
LEFT JOIN release r ON r.id = j.release_id
LEFT JOIN user u ON u.id = j.requested_by
WHERE j.state = 'running' OR j.state = 'queued'
ORDER BY j.serial LIMIT 500;

-- People whose jobs can be filtered for.
-- name: job_web_actors  roles: web  returns: many
SELECT login, name FROM user ORDER BY name LIMIT 500;

-- One job in full. A job of an archived environment keeps its URL.
-- name: job_web_by_id  roles: web cli  returns: one
SELECT j.id, j.serial, j.number, j.kind, j.state, j.verdict, j.summary, j.why, j.cancel, j.params AS params_json,
       j.created_at, j.started_at, j.ended_at, u.name AS by_name, u.login AS by_login, a.id AS app_id,
       a.slug AS app_slug, a.name AS app_name, e.id AS env_id, e.slug AS env_slug, e.tier, j.server_id,
       s.slug AS server_slug, r.number AS release_number, r.version, j.lock_class,
       j.environment_id, j.release_id, j.confirmed AS confirmed_json, j.plan AS plan_json, j.requested_by, j.cancel_by,
       r.outcome AS release_outcome, c.name AS cancel_by_name, f.version AS artefact_version, f.sha256 AS artefact_sha256,
       f.size_bytes AS artefact_size
FROM job j
LEFT JOIN environment e ON e.id = j.environment_id
LEFT JOIN app a ON a.id = coalesce(e.app_id, j.app_id)
LEFT JOIN server s ON s.id = j.server_id
LEFT JOIN release r ON r.id = j.release_id
LEFT JOIN user u ON u.id = j.requested_by
LEFT JOIN user c ON c.id = j.cancel_by
LEFT JOIN artefact f ON f.id = r.artefact_id
WHERE j.id = :id;

-- name: job_web_hosts  roles: web cli  returns: many
SELECT h.host, h.server_id, h.name, h.state, h.verdict, h.left_as, h.attempts, s.slug AS server_slug
FROM job_host h LEFT JOIN server s ON s.id = h.server_id WHERE h.job_id = :job_id ORDER BY h.host LIMIT 250;

-- name: job_web_steps  roles: web cli  returns: many
SELECT host, step, name, title, phase, state, status, cause, results AS results_json, started_at, ended_at, log_from
FROM job_step WHERE job_id = :job_id ORDER BY host, name = 'unlock', step LIMIT 5000;

-- What steps that look at containers saw, newest first: the last job that looked, and per host its last look. Such steps report service_<n>.
-- name: job_web_looks  roles: web cli  returns: many
SELECT s.job_id, s.host, h.name AS server, s.results AS results_json, s.ended_at, s.state, s.phase
FROM job j JOIN job_step s ON s.job_id = j.id JOIN job_host h ON h.job_id = j.id AND h.host = s.host
WHERE j.environment_id = :environment_id AND j.state = 'ended' AND s.ended_at IS NOT NULL
  AND json_extract(s.results, '$.service_1') IS NOT NULL
ORDER BY j.serial DESC, s.ended_at DESC, s.step DESC LIMIT 200;

-- Only a job that has not ended can be asked to stop, and a request is never weakened.
-- name: job_web_set_cancel  roles: web cli  writes: job  returns: none
UPDATE job SET cancel = min(2, cancel + 1), cancel_by = :by WHERE id = :id AND state <> 'ended';

-- Durations of the last ten that went well, for estimates; and of their steps (of the first host).
-- name: job_web_durations  roles: web cli  returns: many
SELECT ended_at - started_at AS ms FROM job
WHERE environment_id = :environment_id AND kind = :kind AND verdict IN ('live', 'ok') AND started_at IS NOT NULL
ORDER BY serial DESC LIMIT 10;

-- name: job_web_step_durations  roles: web cli  returns: many
SELECT s.name, s.ended_at - s.started_at AS ms FROM job_step s
WHERE s.host = 0 AND s.state = 'ok' AND s.started_at IS NOT NULL AND s.ended_at IS NOT NULL
  AND s.job_id IN (SELECT id FROM job WHERE environment_id = :environment_id AND kind = :kind
                   AND verdict IN ('live', 'ok') AND started_at IS NOT NULL ORDER BY serial DESC LIMIT 10)
LIMIT 1000;
