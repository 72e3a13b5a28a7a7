/* runner.h - the process that speaks SSH to one target for one job: `windlass-worker -x runner`.
 *
 * It has three descriptors and nothing else: 3 frames to and from its supervisor, 4 the artefact, 5
 * the mask's pipe (docs/architecture.md, "Supervisor and runner"). It opens no file and no
 * database, holds one key, and takes what the target sends for hostile input. It acts on the target
 * only after the supervisor has committed the intent; when the supervisor goes away it ends at once
 * and leaves the target as it is, for the next runner to find. */
#ifndef WL_WORKER_RUNNER_RUNNER_H
#define WL_WORKER_RUNNER_RUNNER_H

/* Runs to the end of the job on this host. Returns the process's exit status: 0 when `end` was
 * sent. */
int runner_main(void);

#endif
