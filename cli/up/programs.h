/* programs.h - the four programs of `windlass up` as one thing that starts, is watched and stops.
 */
#ifndef WL_CLI_UP_PROGRAMS_H
#define WL_CLI_UP_PROGRAMS_H

#include <stdbool.h>
#include "cli/place.h"
#include "cli/up/child.h"
#include "cli/up/isolation.h"
#include "cli/up/ready.h"
#include "lib/base/attr.h"
#include "lib/base/err.h"

enum program { PROGRAM_WORKER, PROGRAM_WEB, PROGRAM_STREAM, PROGRAM_NGINX, PROGRAM_COUNT };

struct programs {
    const struct place *place;
    const struct isolation *iso;
    const struct endpoint *endpoint;
    int web_fd, stream_fd; /* listening; open for our whole life, so a restart refuses nobody */
    int log_fd;            /* standard error of all; -1: ours */
    char nginx[128];
    char nginx_conf[PLACE_SIZE];
    struct child children[PROGRAM_COUNT];
};

/* Signals that stop or wake us. Once per process. */
int programs_listen_for_signals(struct err *err) MUST_USE;
/* How many stop signals came. */
int programs_stop_asked(void);
/* Sleep until any of those signals, at most ms. */
void programs_await_signal(int ms);

/* Fill in what each program is started with. nginx is looked for where packages put it. */
int programs_prepare(struct programs *programs, struct err *err) MUST_USE;
/* Worker, then web and stream, then nginx, each only when the one before answers (15 s each). A
 * program that dies meanwhile is an error that says so; 0 with programs_stop_asked() is a stop. */
int programs_start(struct programs *programs, struct err *err) MUST_USE;
/* Wait up to budget_ms for something to happen; reap, plan and start again. */
void programs_watch(struct programs *programs, int budget_ms);
/* TERM to nginx, then to the others, then KILL to whatever is left of us; at most 15 s, at once on
 * a second stop signal. Returns 0, or -1 when a process could not be ended. */
int programs_stop(struct programs *programs);

#endif
