/* ballast.h - a few megabytes set aside beside the database. When the dashboard's disk is full,
 * even recording how a running job ended would fail: the file is given back to the disk and the
 * write tried again. It is laid down again when there is room. */
#ifndef WL_WORKER_BALLAST_H
#define WL_WORKER_BALLAST_H

#include "worker/config.h"

void ballast_keep(const struct worker_config *config);
void ballast_drop(const struct worker_config *config);

#endif
