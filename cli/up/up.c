/* up.c - `windlass up`: the whole dashboard in the foreground, from an empty folder to a page, and
 * back to nothing (docs/running.md).
 *
 * Order: everything that can be refused is refused before the first file is made; then folders,
 * sockets, configuration; then the programs. What it prints was observed: the address is shown when
 * a page came from it. */
#include "cli/command.h"

#include <stdint.h>
#include <sys/stat.h>
#include "cli/setup_url.h"
#include "cli/up/conf.h"
#include "cli/up/descend.h"
#include "cli/up/layout.h"
#include "cli/up/programs.h"
#include "cli/up/runlog.h"
#include "lib/base/fs.h"
#include "lib/base/io.h"
#include "lib/base/str.h"

#define UPLOAD_MAX ((int64_t)2 * 1024 * 1024 * 1024)

struct up {
    struct place place;
    struct endpoint endpoint;
    struct isolation iso;
    struct programs programs;
    const char *origin;
    bool verbose;
    int lock_fd;
};

static int read_options(struct up *up, int argc, char **argv, struct err *err)
{
    const char *var = NULL, *port = "8080", *listen = "127.0.0.1";
    const struct cli_option options[] = {
        {"var", &var, NULL},           {"port", &port, NULL},           {"listen", &listen, NULL},
        {"origin", &up->origin, NULL}, {"verbose", NULL, &up->verbose}, {NULL, NULL, NULL}};

    if (cli_options(options, (struct cli_bounds){0, 0}, &argc, argv, err) != 0
        || place_find(&up->place, var, err) != 0 || place_find_home(&up->place, err) != 0
        || endpoint_parse(&up->endpoint, listen, port, err) != 0)
        return -1;
    if (up->origin == NULL)
        up->origin = up->endpoint.local;
    if ((!str_starts(up->origin, "http://") && !str_starts(up->origin, "https://"))
        || str_ends(up->origin, "/"))
        return err_field(err, "origin",
                         "--origin is https:// and the name people type, without a "
                         "slash at the end.");
    return 0;
}

/* A port below the first that users may take, which nginx under its own user could not open. */
static int check_low_port(const struct up *up, struct err *err)
{
    struct buf text;
    int64_t first = 1024;

    buf_init(&text, 64);
    if (fs_read_all("/proc/sys/net/ipv4/ip_unprivileged_port_start", &text, NULL) == 0) {
        text.data[strcspn(text.data, "\n")] = '\0';
        if (!str_to_int64(text.data, 0, 65535, &first))
            first = 1024;
    }
    buf_deinit(&text);
    if (!up->iso.is_separate || up->endpoint.port >= first)
        return 0;
    return err_set(err, ERR_INPUT,
                   "port %d is only for root, and nginx runs under a user of its own here. Fix: "
                   "choose one from %d up, and let an nginx of this machine stand in front "
                   "(docs/running.md)",
                   up->endpoint.port, (int)first);
}

static int export_settings(const struct up *up, struct err *err)
{
    char group[24], upload[24];
    const char *given = getenv("WL_UPLOAD_MAX");

    (void)snprintf(group, sizeof(group), "%u", up->iso.group);
    (void)snprintf(upload, sizeof(upload), "%lld", (long long)UPLOAD_MAX);
    if (setenv("WL_VAR", up->place.var, 1) != 0 || setenv("WL_HOME", up->place.home, 1) != 0
        || setenv("WL_ORIGIN", up->origin, 1) != 0 || unsetenv("WL_GROUP") != 0
        || (up->iso.is_separate && setenv("WL_GROUP", group, 1) != 0)
        || (given == NULL && setenv("WL_UPLOAD_MAX", upload, 1) != 0))
        return err_errno(err, "setenv");
    return 0;
}

static int write_web_server_conf(const struct up *up, struct err *err)
{
    struct conf conf = {.place = &up->place, .listen = up->endpoint.listen};

    if (!str_to_int64(getenv("WL_UPLOAD_MAX"), 1, (int64_t)1 << 50, &conf.upload_max))
        return err_set(err, ERR_INPUT,
                       "WL_UPLOAD_MAX is not a number of bytes. Fix: correct it, "
                       "or unset it.");
    return conf_write(&conf, up->iso.nginx, up->iso.serve, err);
}

/* For `windlass setup-url` and people who look. */
static int write_origin(const struct up *up, struct err *err)
{
    char path[PLACE_SIZE], line[256];
    int len = snprintf(line, sizeof(line), "%s\n", up->origin);

    if (len >= (int)sizeof(line))
        return err_field(err, "origin", "The origin is longer than 254 bytes.");
    if (place_path(&up->place, "run/origin", path, err) != 0)
        return -1;
    return fs_write_atomic(path, line, (size_t)len, 0600, err);
}

/* Everything before the first program. */
static int prepare(struct up *up, struct err *err)
{
    const char *const reached[] = {up->place.bin, up->place.home, up->place.var, NULL};
    struct programs *programs = &up->programs;

    if (layout_check(&up->place, err) != 0 || endpoint_is_free(&up->endpoint, err) != 0)
        return -1;
    up->lock_fd = layout_lock(&up->place, err);
    if (up->lock_fd == -1)
        return -1;
    if (geteuid() == 0 && chmod(up->place.var, 0711) != 0) /* so that the probe below can tell */
        return err_errno(err, "chmod");
    isolation_choose(&up->iso, reached);
    if (check_low_port(up, err) != 0 || layout_make(&up->place, &up->iso, err) != 0
        || write_origin(up, err) != 0 || export_settings(up, err) != 0
        || write_web_server_conf(up, err) != 0)
        return -1;
    programs->place = &up->place;
    programs->iso = &up->iso;
    programs->endpoint = &up->endpoint;
    if ((programs->log_fd = runlog_open(&up->place, err)) == -1
        || (programs->web_fd = socket_listen(&up->place, "web.sock", up->iso.serve, err)) == -1
        || (programs->stream_fd = socket_listen(&up->place, "stream.sock", up->iso.serve, err))
               == -1)
        return -1;
    if (up->verbose)
        io_close(&programs->log_fd);
    return programs_prepare(programs, err);
}

static void print_start(const struct up *up, const char *setup_url)
{
    char isolation[512];

    isolation_describe(&up->iso, up->programs.children[PROGRAM_WEB].pid, isolation,
                       sizeof(isolation));
    printf("\nWindlass " WL_VERSION " runs.\n\n  Open       %s\n", up->origin);
    if (setup_url[0] != '\0')
        printf("  Set up     %s\n             (makes the first admin; works once, for 30 minutes; "
               "a new one: windlass setup-url)\n",
               setup_url);
    printf("  Isolation  %s\n  Data       %s\n", isolation, up->place.var);
    if (!up->verbose)
        printf("  Log        %s/run/log/windlass.log\n", up->place.var);
    printf("  Stop       Ctrl-C, or kill %d\n\n", (int)getpid());
    if (strcmp(up->origin, up->endpoint.local) == 0 && !str_starts(up->endpoint.host, "127.")
        && strcmp(up->endpoint.host, "::1") != 0)
        printf("  Note       other machines see plain http: sign-in is refused there. For TLS see "
               "docs/running.md.\n\n");
    fflush(stdout);
}

static int run(struct up *up, struct err *err)
{
    char setup_url[SETUP_URL_SIZE] = "";

    if (programs_start(&up->programs, err) != 0)
        return -1;
    if (programs_stop_asked() != 0)
        return 0;
    if (setup_url_renew(&up->place, up->origin, setup_url, err) != 0)
        return -1;
    print_start(up, setup_url);
    while (programs_stop_asked() == 0) {
        programs_watch(&up->programs, 60000);
        if (up->programs.log_fd != -1)
            runlog_bound(&up->place, up->programs.log_fd);
    }
    return 0;
}

int up_command(int argc, char **argv, struct err *err)
{
    struct up up = {.lock_fd = -1, .programs = {.web_fd = -1, .stream_fd = -1, .log_fd = -1}};
    struct err late = {0};
    int rc = -1;

    if (read_options(&up, argc, argv, err) != 0 || descend_adopt(err) != 0
        || programs_listen_for_signals(err) != 0)
        return -1;
    if (prepare(&up, err) != 0)
        goto out;
    rc = run(&up, err);
    if (rc == 0)
        fprintf(stderr, "windlass: stopping\n");
    if (programs_stop(&up.programs) != 0) {
        rc = rc != 0 ? rc : err_set(err, ERR_INTERNAL, "A process could not be ended.");
    } else if (rc == 0) {
        fprintf(stderr, "windlass: stopped, nothing is left running\n");
    }
    if (rc != 0 && up.programs.log_fd != -1)
        runlog_show_end(up.programs.log_fd);
    setup_url_forget(&up.place, &late);
out:
    io_close(&up.programs.web_fd);
    io_close(&up.programs.stream_fd);
    io_close(&up.programs.log_fd);
    io_close(&up.lock_fd);
    return rc == 0 ? CLI_OK : -1;
}
