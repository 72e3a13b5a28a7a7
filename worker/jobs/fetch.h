/* fetch.h - windlass-worker -x fetch: gets an artefact from an https URL, or takes one that was
 * dropped into var/artefacts. Speaks the runner's frames (docs/architecture.md); no database. */
#ifndef WL_WORKER_JOBS_FETCH_H
#define WL_WORKER_JOBS_FETCH_H

int fetch_main(void);

#endif
