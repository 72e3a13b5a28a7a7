/* start.h - what happens once when the supervisor starts: its folders, the lock, both databases. */
#ifndef WL_WORKER_START_H
#define WL_WORKER_START_H

#include <stdbool.h>
#include "db/db.h"
#include "db/vault/vault.h"
#include "lib/base/attr.h"
#include "worker/config.h"

/* As many open descriptors as the system lets us have: each host at work takes one, and jobs have
 * up to 250 hosts. */
void start_limits(void);
/* Make the data folder's parts where they are missing, and take run/worker.lock. While another
 * supervisor holds it, wait; *stop is set when a signal (on `signals`) said to end instead. */
int start_lock(const struct worker_config *config, int signals, int *lock, bool *stop,
               struct err *err) MUST_USE;
/* Migrate both databases, prepare and open the vault. */
int start_databases(const struct worker_config *config, struct db **db, struct vault **vault,
                    struct err *err) MUST_USE;
/* Remove uploads that were given up a day ago. */
void start_sweep(const struct worker_config *config);

#endif
