/* ask.h - the ask socket, as the supervisor sees it (docs/architecture.md "The ask socket").
 *
 *     listen_fd = ask_listen(var_dir, group, &err);
 *     poll: when listen_fd is readable     -> ask_accept(listen_fd, program)
 *     SIGCHLD: for every pid that ended    -> ask_reaped(pid)      (true: it was one of ours)
 *     about every 5 s                      -> ask_tick(shared)
 *     main, for `windlass-worker -x ask`   -> return ask_child_main();
 *
 * Each question is answered by a short-lived process of its own (the connection on fd 3), so that a
 * slow password hash or an unreachable server never holds up the supervisor. */
#ifndef WL_WORKER_ASK_ASK_H
#define WL_WORKER_ASK_ASK_H

#include <stdbool.h>
#include <sys/types.h>
#include "db/db.h"
#include "lib/base/attr.h"
#include "lib/base/err.h"

/* Bind <var_dir>/run/ask.sock (a stale one is replaced): 0600, or 0660 and this gid when group >=
 * 0. Returns a non-blocking listening descriptor or -1. */
int ask_listen(const char *var_dir, int group, struct err *err) MUST_USE;

/* Take what is waiting and start a child for each. Refused with a sentence: a peer that is neither
 * this user, root nor a member of WL_GROUP, and a 33rd question at the same time. `program` is the
 * absolute path of windlass-worker. Never fails; faults are logged. */
void ask_accept(int listen_fd, const char *program);
bool ask_reaped(pid_t pid);

/* Write the minute's event of failed sign-ins, and forget old ones and ended sessions. */
void ask_tick(struct db *shared);

/* The child: reads WL_VAR, WL_GROUP and the connection on fd 3. The process' exit code. */
int ask_child_main(void);

#endif
