-- The worker's side of jobs: claim, hold, record, end. The web's side is job_web.sql.
-- A hold is (id, owner, epoch): every write of a running job names all three, and a write that changes nothing
-- means that another supervisor holds the job now.

-- Lock classes: exclusive waits for any running exclusive or shared job of the environment; shared waits for a
-- running exclusive one and for an older queued exclusive one; none never waits. Oldest first.
-- name: job_claim  roles: worker  writes: job  returns: one
UPDATE job SET state = 'running', owner = :owner, epoch = epoch + 1, lease_until = :lease_until,
               started_at = coalesce(started_at, :now)
WHERE id = (
  SELECT q.id FROM job q
  WHERE q.state = 'queued' AND (
    q.lock_class = 'none'
    OR (q.lock_class = 'exclusive' AND NOT EXISTS (
          SELECT 1 FROM job r WHERE r.state = 'running' AND r.environment_id = q.environment_id
                              AND r.lock_class IN ('exclusive', 'shared')))
    OR (q.lock_class = 'shared' AND NOT EXISTS (
          SELECT 1 FROM job r WHERE r.state = 'running' AND r.environment_id = q.environment_id
                              AND r.lock_class = 'exclusive')
        AND NOT EXISTS (
          SELECT 1 FROM job o WHERE o.state = 'queued' AND o.environment_id = q.environment_id
                              AND o.lock_class = 'exclusive' AND o.serial < q.serial)))
  ORDER BY q.serial LIMIT 1)
RETURNING id, epoch;

-- name: job_by_id  roles: worker  returns: one
SELECT j.id, j.serial, j.environment_id, j.number, j.server_id, coalesce(j.app_id, e.app_id) AS app_id, j.kind,
       j.lock_class, j.state, j.params AS params_json, j.confirmed AS confirmed_json, j.plan AS plan_json, j.release_id, j.auth, j.requested_by, j.why, j.nonce,
       j.owner, j.epoch, j.cancel, j.cancel_by, j.created_at, j.started_at, u.name AS by_name, a.slug AS app_slug,
       e.slug AS env_slug
FROM job j LEFT JOIN environment e ON e.id = j.environment_id
LEFT JOIN app a ON a.id = coalesce(j.app_id, e.app_id)
LEFT JOIN user u ON u.id = j.requested_by
WHERE j.id = :id;

-- Jobs a supervisor holds, or held when it died.
-- name: job_running  roles: worker  returns: many
SELECT id, owner, epoch, lease_until FROM job WHERE state = 'running' ORDER BY serial LIMIT 1000;

-- Only the epoch that was seen is taken: of two that try, one wins.
-- name: job_take_over  roles: worker  writes: job  returns: none
UPDATE job SET owner = :owner, epoch = epoch + 1, lease_until = :lease_until
WHERE id = :id AND epoch = :seen_epoch AND state = 'running';

-- name: job_renew  roles: worker  writes: job  returns: one
UPDATE job SET lease_until = :lease_until
WHERE id = :id AND owner = :owner AND epoch = :epoch AND state = 'running' RETURNING cancel;

-- name: job_held  roles: worker  returns: one
SELECT cancel FROM job WHERE id = :id AND owner = :owner AND epoch = :epoch AND state = 'running';

-- name: job_raise_epoch  roles: worker  writes: job  returns: none
UPDATE job SET epoch = epoch + 1 WHERE id = :id AND owner = :owner AND epoch = :epoch AND state = 'running';

-- name: job_set_plan  roles: worker  writes: job  returns: none
UPDATE job SET plan = :plan WHERE id = :id AND owner = :owner AND epoch = :epoch AND state = 'running';

-- name: job_host_insert  roles: worker  writes: job_host  returns: none
INSERT INTO job_host (job_id, host, server_id, name) VALUES (:id, :host, :server_id, :name);

-- name: job_step_insert  roles: worker  writes: job_step  returns: none
INSERT INTO job_step (job_id, host, step, name, title, phase, state) VALUES (:id, :host, :step, :name, :title, :phase, :state);

-- name: job_hosts  roles: worker  returns: many
SELECT host, server_id, name, state, verdict, left_as, attempts FROM job_host WHERE job_id = :id ORDER BY host LIMIT 250;

-- name: job_steps  roles: worker  returns: many
SELECT host, step, name, title, phase, state, status, cause, results AS results_json, started_at, ended_at
FROM job_step WHERE job_id = :id ORDER BY host, step LIMIT 50000;

-- name: job_host_begin  roles: worker  writes: job_host  returns: none
UPDATE job_host SET state = 'running', attempts = :attempts WHERE job_id = :id AND host = :host AND state <> 'ended'
  AND EXISTS (SELECT 1 FROM job WHERE id = :id AND owner = :owner AND epoch = :epoch AND state = 'running');

-- name: job_host_end  roles: worker  writes: job_host  returns: none
UPDATE job_host SET state = 'ended', verdict = :verdict, left_as = :left_as
WHERE job_id = :id AND host = :host AND state <> 'ended'
  AND EXISTS (SELECT 1 FROM job WHERE id = :id AND owner = :owner AND epoch = :epoch AND state = 'running');

-- name: job_step_intent  roles: worker  writes: job_step  returns: none
UPDATE job_step SET state = 'intent', started_at = coalesce(started_at, :now), log_from = coalesce(log_from, :log_from)
WHERE job_id = :id AND host = :host AND step = :step AND state IN ('pending', 'intent')
  AND EXISTS (SELECT 1 FROM job WHERE id = :id AND owner = :owner AND epoch = :epoch AND state = 'running');

-- A step may also be skipped, or found done, without an intent of its own.
-- name: job_step_outcome  roles: worker  writes: job_step  returns: none
UPDATE job_step SET state = :state, status = :status, cause = :cause, results = :results,
                    started_at = coalesce(started_at, :now), ended_at = :now
WHERE job_id = :id AND host = :host AND step = :step AND state IN ('pending', 'intent')
  AND EXISTS (SELECT 1 FROM job WHERE id = :id AND owner = :owner AND epoch = :epoch AND state = 'running');

-- The end of a job: its own row (fenced), then what never ran.
-- name: job_end  roles: worker  writes: job  returns: none
UPDATE job SET state = 'ended', verdict = :verdict, summary = :summary, ended_at = :now, lease_until = NULL
WHERE id = :id AND owner = :owner AND epoch = :epoch AND state = 'running';

-- name: job_end_steps  roles: worker  writes: job_step  returns: none
UPDATE job_step SET state = CASE state WHEN 'pending' THEN 'skipped' ELSE 'unknown' END,
                    ended_at = CASE state WHEN 'pending' THEN NULL ELSE :now END,
                    cause = CASE state WHEN 'pending' THEN '' ELSE 'How this step ended was not seen.' END
WHERE job_id = :id AND state IN ('pending', 'intent');

-- A host that never had its turn has no verdict: nothing was done to it.
-- name: job_end_hosts  roles: worker  writes: job_host  returns: none
UPDATE job_host SET state = 'ended', left_as = CASE state WHEN 'waiting' THEN 'Not touched.' ELSE left_as END
WHERE job_id = :id AND state <> 'ended';

-- Queued jobs that were cancelled before they began need no lock to end.
-- name: job_queued_cancelled  roles: worker  returns: many
SELECT id FROM job INDEXED BY job_queue WHERE state = 'queued' AND cancel > 0 ORDER BY serial LIMIT 100;

-- name: job_end_queued  roles: worker  writes: job  returns: none
UPDATE job SET state = 'ended', verdict = 'cancelled', summary = :summary, ended_at = :now
WHERE id = :id AND state = 'queued' AND cancel > 0;

-- Servers that can be asked: their host key was confirmed.
-- name: job_servers  roles: worker  returns: many
SELECT id AS server_id, slug AS name FROM server WHERE archived_at IS NULL AND pin_print IS NOT NULL ORDER BY slug LIMIT 251;

-- What a Check learned of its server.
-- name: job_server_checked  roles: worker  writes: server  returns: none
UPDATE server SET state = :state, facts = coalesce(:facts, facts), checks = coalesce(:checks, checks), checked_at = :now
WHERE id = :server_id;

-- A target with another host key than the pinned one, seen by any job.
-- name: job_server_state  roles: worker  writes: server  returns: none
UPDATE server SET state = :state WHERE id = :server_id AND state <> :state;

-- name: job_server  roles: worker  returns: one
SELECT id, slug, host, port, login, pin_type, pin_print, state, archived_at FROM server WHERE id = :id;
