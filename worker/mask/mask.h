/* mask.h - windlass-worker -x mask: the only writer of a job's log.
 *
 * Descriptors: 0 the pipe (frame.h), 3 the log file, 4 a socket to the supervisor: one frame
 * {"hide": [base64, ...], "max": bytes} comes first; each sync is answered with one byte, 'y' when
 * all is on disk and 'n' when it could not be written. Ends at end of file on 0. Exit status 0, or
 * 1 when it could not begin. */
#ifndef WL_WORKER_MASK_MASK_H
#define WL_WORKER_MASK_MASK_H

#include <stdint.h>

#define MASK_LOG_FD      3
#define MASK_CONTROL_FD  4
#define MASK_DEFAULT_MAX ((int64_t)16 * 1024 * 1024)

int mask_main(void);

#endif
