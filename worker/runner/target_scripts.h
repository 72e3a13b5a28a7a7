/* target_scripts.h - the fixed shell scripts that the runner sends to a target
 * (worker/runner/target/, and the check), compiled into the program: the runner opens no file, and
 * what runs on a target is what was built and tested. */
#ifndef WL_WORKER_RUNNER_TARGET_SCRIPTS_H
#define WL_WORKER_RUNNER_TARGET_SCRIPTS_H

enum target_script {
    TARGET_COMMON, /* in front of every other */
    TARGET_WRAPPER,
    TARGET_HOME,
    TARGET_LOCK,
    TARGET_UNLOCK,
    TARGET_INSPECT,
    TARGET_RESET,
    TARGET_FOLLOW,
    TARGET_STOP,
    TARGET_VERIFY,
    TARGET_GET,
    TARGET_LIBRARY, /* recipes/lib.sh */
    TARGET_CHECK    /* recipes/check/check.sh: a Check belongs to no environment, so no recipe comes
                       with it */
};

/* The script's text, NUL-terminated; never NULL. */
const char *target_script(enum target_script script);

#endif
