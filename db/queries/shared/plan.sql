-- Looks at an environment's servers before a deploy: jobs of kind plan, and what their step `look` reported on each server.

-- name: plan_newest  roles: web  returns: many
SELECT id, state, verdict, summary, params AS params_json, json_extract(plan, '$.basis') AS basis_json, created_at, ended_at
FROM job INDEXED BY job_by_environment
WHERE environment_id = :environment_id AND kind = 'plan' ORDER BY serial DESC LIMIT 10;

-- name: plan_by_id  roles: web worker  returns: one
SELECT id, state, verdict, summary, params AS params_json, json_extract(plan, '$.basis') AS basis_json, created_at, ended_at
FROM job WHERE id = :id AND environment_id = :environment_id AND kind = 'plan';

-- cause: of the first step that did not end well.
-- name: plan_looks  roles: web worker  returns: many
SELECT h.host, h.server_id, h.name, h.state AS host_state, h.verdict, s.state, s.results AS results_json, s.ended_at,
       (SELECT c.cause FROM job_step c WHERE c.job_id = h.job_id AND c.host = h.host AND c.cause <> ''
        ORDER BY c.step LIMIT 1) AS cause
FROM job_host h LEFT JOIN job_step s ON s.job_id = h.job_id AND s.host = h.host AND s.name = 'look'
WHERE h.job_id = :job_id ORDER BY h.host LIMIT 200;
