-- What is going on right now, asked by every page and by the live logs.

-- name: activity_running_jobs  roles: web  returns: one
SELECT (SELECT count(*) FROM job WHERE state = 'queued') + (SELECT count(*) FROM job WHERE state = 'running') AS count;

-- name: activity_job_state  roles: web stream  returns: one
SELECT state FROM job WHERE id = :id;
