/* command.h - the shape of a subcommand of `windlass`, and the exit statuses all of them share. */
#ifndef WL_CLI_COMMAND_H
#define WL_CLI_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include "lib/base/attr.h"
#include "lib/base/err.h"

enum cli_exit {
    CLI_OK = 0,
    CLI_FAILED = 1,      /* the operation failed */
    CLI_USAGE = 2,       /* it was not said right */
    CLI_NEEDS_SETUP = 3, /* there is no dashboard here yet */
    CLI_DENIED = 4,
    CLI_BUSY = 5, /* locked, taken, in use */
    CLI_INTERRUPTED = 130
};

/* argv[0] is the command's own name. Returns an exit status, or -1 with err filled: main prints the
 * sentence and turns the code into a status. */
typedef int command_fn(int argc, char **argv, struct err *err);

struct command {
    const char *name;      /* "user add": up to two words */
    const char *arguments; /* as shown after the name */
    const char *summary;   /* one line; NULL: not listed (used by our own scripts) */
    const char *help;      /* the rest of --help, ends with a newline */
    command_fn *run;
};

/* One option of a command. Exactly one of text and flag is set. */
struct cli_option {
    const char *name; /* without the dashes */
    const char **text;
    bool *flag;
};
/* Take `--name value`, `--name=value` and `--flag` out of argv (options ends with a NULL name);
 * `--` ends them. What is left is positional: argv is compacted, argv[0] kept. More than
 * max_positional or fewer than min_positional is ERR_INPUT. */
struct cli_bounds {
    int min_positional, max_positional;
};
int cli_options(const struct cli_option *options, struct cli_bounds bounds, int *argc, char **argv,
                struct err *err) MUST_USE;

/* Read a password from standard input: one line, no echo on a terminal (asked twice there).
 * buffer_size at least 2; the newline is removed. */
int cli_read_password(char *buffer, size_t buffer_size, struct err *err) MUST_USE;
/* The same for one that exists already: asked once. */
int cli_read_one_password(char *buffer, size_t buffer_size, struct err *err) MUST_USE;

/* The commands, one function each; main.c holds the table. */
command_fn up_command, nest_command, audit_verify_command, setup_url_command, user_list_command,
    user_add_command, user_reset_command, server_add_command, server_list_command, job_list_command,
    key_rotate_command, key_backup_command, key_restore_command, demo_seed_command,
    demo_smoke_command, version_command, ready_command, pages_command, free_port_command,
    token_add_command, token_list_command, token_remove_command, secrets_pull_command,
    secrets_push_command, secrets_diff_command, secrets_set_command;

#endif
