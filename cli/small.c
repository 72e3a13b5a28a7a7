/* small.c - commands of a few lines, for scripts and units: `windlass ready`, `windlass pages`,
 * `windlass free-port`. */
#include "cli/command.h"

#include <stdint.h>
#include "cli/place.h"
#include "cli/up/conf.h"
#include "cli/up/ready.h"
#include "lib/base/clock.h"
#include "lib/base/str.h"

int ready_command(int argc, char **argv, struct err *err)
{
    const char *var = NULL, *seconds = "0";
    const struct cli_option options[] = {
        {"var", &var, NULL}, {"wait", &seconds, NULL}, {NULL, NULL, NULL}};
    struct place place;
    int64_t wait_s, deadline;

    if (cli_options(options, (struct cli_bounds){0, 0}, &argc, argv, err) != 0
        || place_find(&place, var, err) != 0)
        return -1;
    if (!str_to_int64(seconds, 0, 3600, &wait_s))
        return err_field(err, "wait", "--wait is a number of seconds, at most 3600.");
    deadline = clock_mono_ms() + wait_s * 1000;
    while (!worker_answers(&place)) {
        if (clock_left_ms(deadline) == 0)
            return err_set(err, ERR_BUSY, "The worker does not answer.");
        clock_sleep_ms(100);
    }
    return CLI_OK;
}

int pages_command(int argc, char **argv, struct err *err)
{
    const struct cli_option options[] = {{NULL, NULL, NULL}};

    if (cli_options(options, (struct cli_bounds){1, 1}, &argc, argv, err) != 0)
        return -1;
    return conf_write_pages(argv[1], err);
}

int free_port_command(int argc, char **argv, struct err *err)
{
    const struct cli_option options[] = {{NULL, NULL, NULL}};
    struct endpoint endpoint;
    char port[16];
    int64_t from;

    if (cli_options(options, (struct cli_bounds){1, 1}, &argc, argv, err) != 0)
        return -1;
    if (!str_to_int64(argv[1], 1, 65000, &from))
        return err_set(err, ERR_INPUT, "free-port takes a number from 1 to 65000.");
    for (int64_t candidate = from; candidate < from + 500; candidate++) {
        (void)snprintf(port, sizeof(port), "%lld", (long long)candidate);
        if (endpoint_parse(&endpoint, "127.0.0.1", port, err) != 0)
            return -1;
        if (endpoint_is_free(&endpoint, NULL) == 0) {
            printf("%s\n", port);
            return CLI_OK;
        }
    }
    return err_set(err, ERR_BUSY, "No port from %lld on is free.", (long long)from);
}
