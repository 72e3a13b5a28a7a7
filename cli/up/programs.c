/* programs.c - starting, watching and stopping the four programs (programs.h).
 *
 * One thread, one poll. Each program gets a session of its own, so that Ctrl-C in the terminal
 * reaches only us and the stop is orderly, and TERM as its death signal, so that even a kill -9 of
 * us leaves nothing running. */
#include "cli/up/programs.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include "cli/up/descend.h"
#include "lib/base/clock.h"
#include "lib/base/fs.h"
#include "lib/base/io.h"
#include "lib/base/str.h"

#define READY_MS 15000
#define STOP_MS  15000
#define NGINX_MS 2000

static volatile sig_atomic_t stop_signals;
static int wake[2] = {-1, -1}; /* written by the handlers */

static void on_signal(int number)
{
    int saved = errno;
    ssize_t ignored;

    if (number != SIGCHLD)
        stop_signals++;
    ignored = write(wake[1], "", 1);
    (void)ignored;
    errno = saved;
}

int programs_listen_for_signals(struct err *err)
{
    static const int SIGNALS[] = {SIGCHLD, SIGINT, SIGTERM, SIGHUP};
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};

    if (pipe2(wake, O_CLOEXEC | O_NONBLOCK) != 0)
        return err_errno(err, "pipe");
    for (size_t i = 0; i < COUNT_OF(SIGNALS); i++)
        if (sigaction(SIGNALS[i], &action, NULL) != 0)
            return err_errno(err, "sigaction");
    (void)signal(SIGPIPE, SIG_IGN); /* proc_start gives children the default again */
    return 0;
}

int programs_stop_asked(void)
{
    return (int)stop_signals;
}

static int find_nginx(char path[128], struct err *err)
{
    static const char *const PLACES[] = {"/usr/sbin/nginx", "/usr/local/sbin/nginx",
                                         "/usr/local/nginx/sbin/nginx", "/usr/bin/nginx"};
    const char *given = getenv("WL_NGINX");

    if (given != NULL && str_copy(path, 128, given) && access(path, X_OK) == 0)
        return 0;
    for (size_t i = 0; given == NULL && i < COUNT_OF(PLACES); i++)
        if (access(PLACES[i], X_OK) == 0)
            return str_copy(path, 128, PLACES[i]) ? 0 : -1;
    return err_set(err, ERR_NOT_FOUND,
                   "nginx is not installed. Fix: make deps (it starts no "
                   "service), or apt-get install nginx.");
}

static void set_user(struct proc_spec *spec, uid_t uid, gid_t gid, gid_t extra)
{
    spec->uid = uid;
    spec->gid = gid;
    spec->extra_gid = extra;
}

/* One of our own programs, beside this one. */
static int prepare_own(struct programs *programs, enum program which, const char *name, char *path,
                       struct err *err)
{
    struct child *child = &programs->children[which];
    char file[64];

    (void)snprintf(file, sizeof(file), "windlass-%s", name);
    if (!fs_join(path, PLACE_SIZE, programs->place->bin, file) || access(path, X_OK) != 0)
        return err_set(err, ERR_NOT_FOUND, "%s is not beside windlass. Fix: make.", file);
    child->name = name;
    child->spec.path = path;
    child->argv[0] = path;
    return 0;
}

static void prepare_nginx(struct programs *programs)
{
    static const char *const FIXED[] = {"-e", "stderr", "-c"};
    struct child *child = &programs->children[PROGRAM_NGINX];
    size_t n = 0;

    child->name = "nginx";
    child->spec.path = programs->nginx;
    child->argv[n++] = programs->nginx;
    for (size_t i = 0; i < COUNT_OF(FIXED); i++)
        child->argv[n++] = FIXED[i];
    child->argv[n] = programs->nginx_conf;
}

int programs_prepare(struct programs *programs, struct err *err)
{
    static char worker[PLACE_SIZE], web[PLACE_SIZE], stream[PLACE_SIZE];
    const struct isolation *iso = programs->iso;
    struct child *children = programs->children;

    if (find_nginx(programs->nginx, err) != 0
        || place_path(programs->place, "run/nginx/nginx.conf", programs->nginx_conf, err) != 0)
        return -1;
    for (int i = 0; i < PROGRAM_COUNT; i++) {
        children[i] = (struct child){.spec = proc_spec_init()};
        children[i].spec.stdout_fd = children[i].spec.stderr_fd = programs->log_fd;
        children[i].spec.death_signal = SIGTERM;
        children[i].spec.new_session = true;
        children[i].ends_group = i != PROGRAM_WORKER; /* its runners finish what they must */
    }
    if (prepare_own(programs, PROGRAM_WORKER, "worker", worker, err) != 0
        || prepare_own(programs, PROGRAM_WEB, "web", web, err) != 0
        || prepare_own(programs, PROGRAM_STREAM, "stream", stream, err) != 0)
        return -1;
    prepare_nginx(programs);
    children[PROGRAM_WEB].spec.stdin_fd = programs->web_fd;
    children[PROGRAM_STREAM].spec.stdin_fd = programs->stream_fd;
    set_user(&children[PROGRAM_WORKER].spec, iso->worker, iso->group, iso->serve);
    set_user(&children[PROGRAM_WEB].spec, iso->web, iso->group, iso->serve);
    set_user(&children[PROGRAM_STREAM].spec, iso->stream, iso->group, iso->serve);
    set_user(&children[PROGRAM_NGINX].spec, iso->nginx, iso->serve, 0);
    return 0;
}

static struct child *child_of(struct programs *programs, pid_t pid)
{
    for (int i = 0; i < PROGRAM_COUNT; i++)
        if (programs->children[i].pid == pid)
            return &programs->children[i];
    return NULL;
}

/* Reap everything that has ended, adopted grandchildren too; `planned` gets ours. */
static void reap(struct programs *programs, void (*ended)(struct child *child, int wait_status))
{
    struct child *child;
    int wait_status;
    pid_t pid;

    while ((pid = waitpid(-1, &wait_status, WNOHANG)) > 0 || (pid == -1 && errno == EINTR))
        if (pid > 0 && (child = child_of(programs, pid)) != NULL)
            ended(child, wait_status);
}

static void forget(struct child *child, int wait_status)
{
    child->last_status = wait_status;
    child->pid = 0;
}

/* While we stop: an end that is no orderly one is said. */
static void note_stopped(struct child *child, int wait_status)
{
    char how[64];

    if (wait_status != 0 && !(WIFSIGNALED(wait_status) && WTERMSIG(wait_status) == SIGTERM))
        fprintf(stderr, "windlass: %s ended (%s)\n", child->name,
                child_end_text(how, sizeof(how), wait_status));
    forget(child, wait_status);
}

void programs_await_signal(int ms)
{
    char drained[64];

    (void)io_wait(wake[0], POLLIN, clock_mono_ms() + ms);
    while (read(wake[0], drained, sizeof(drained)) > 0)
        ;
}

void programs_watch(struct programs *programs, int budget_ms)
{
    for (int i = 0; i < PROGRAM_COUNT; i++) {
        int due = child_due_ms(&programs->children[i]);
        if (due >= 0 && due < budget_ms)
            budget_ms = due;
    }
    programs_await_signal(budget_ms);
    reap(programs, child_ended);
    for (int i = 0; i < PROGRAM_COUNT && stop_signals == 0; i++)
        child_tick(&programs->children[i]);
}

static bool worker_is_ready(const struct programs *programs, struct err *why)
{
    (void)err_set(why, ERR_BUSY, "No answer on its ask socket.");
    return worker_answers(programs->place);
}

static bool site_is_ready(const struct programs *programs, struct err *why)
{
    return site_answers(programs->endpoint, why);
}

/* The first of those started that is no longer there; NULL when all are. */
static const struct child *find_ended(const struct programs *programs, enum program last)
{
    for (int i = 0; i <= (int)last; i++)
        if (programs->children[i].pid == 0)
            return &programs->children[i];
    return NULL;
}

/* Until `ready`, the deadline, a death or a stop signal. */
static int await_ready(struct programs *programs, enum program which,
                       bool (*ready)(const struct programs *programs, struct err *why),
                       struct err *err)
{
    int64_t deadline = clock_mono_ms() + READY_MS;
    struct err why = {0};
    const struct child *ended;
    char how[64];

    while (stop_signals == 0 && !ready(programs, &why)) {
        reap(programs, forget);
        if ((ended = find_ended(programs, which)) != NULL)
            return err_set(err, ERR_INTERNAL,
                           "%s ended while starting (%s). The last log lines are below.",
                           ended->name, child_end_text(how, sizeof(how), ended->last_status));
        if (clock_left_ms(deadline) == 0)
            return err_set(err, ERR_INTERNAL,
                           "%s runs but does not answer well after %d s: %s The last log lines are "
                           "below.",
                           programs->children[which].name, READY_MS / 1000, why.user);
        programs_await_signal(30);
    }
    return 0;
}

int programs_start(struct programs *programs, struct err *err)
{
    struct child *children = programs->children;

    if (child_start(&children[PROGRAM_WORKER], err) != 0
        || await_ready(programs, PROGRAM_WORKER, worker_is_ready, err) != 0)
        return -1;
    for (int i = PROGRAM_WEB; i < PROGRAM_COUNT && stop_signals == 0; i++)
        if (child_start(&children[i], err) != 0)
            return -1;
    return await_ready(programs, PROGRAM_NGINX, site_is_ready, err);
}

static void ask_to_stop(struct child *child)
{
    if (child->pid > 0)
        (void)kill(child->pid, SIGTERM);
}

static bool is_running(const struct programs *programs, int first, int last)
{
    for (int i = first; i <= last; i++)
        if (programs->children[i].pid > 0)
            return true;
    return false;
}

static void await_end(struct programs *programs, int first, int last, int64_t deadline)
{
    int asked = (int)stop_signals;

    for (;;) {
        reap(programs, note_stopped);
        if (!is_running(programs, first, last) || clock_left_ms(deadline) == 0
            || stop_signals > asked)
            return;
        programs_await_signal(50);
    }
}

int programs_stop(struct programs *programs)
{
    int64_t begin = clock_mono_ms();

    ask_to_stop(&programs->children[PROGRAM_NGINX]);
    await_end(programs, PROGRAM_NGINX, PROGRAM_NGINX, begin + NGINX_MS);
    for (int i = 0; i < PROGRAM_NGINX; i++)
        ask_to_stop(&programs->children[i]);
    await_end(programs, 0, PROGRAM_NGINX, begin + STOP_MS - 3000);
    return descend_end_all(begin + STOP_MS - 2000) >= 0 ? 0 : -1;
}
