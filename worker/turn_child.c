/* Starting and ending the process that works on a host: its descriptors, and the begin frame that
 * tells it where to go on. */
#include "worker/turn.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include "lib/base/clock.h"
#include "lib/base/io.h"
#include "lib/base/log.h"
#include "lib/base/proc.h"
#include "lib/base/str.h"
#include "worker/jobs/kind.h"
#include "worker/run.h"

#define REAP_TRIES     200
#define REAP_EVERY_MS  2
#define START_WATCH_MS ((int64_t)10 * 60 * 1000)

/* Steps that are to run, with the plan's own keys; `begin` of the kind adds scripts and inputs. */
static json_t *steps_to_run(const struct turn *turn)
{
    json_t *list = json_array(), *step;
    size_t i;
    json_array_foreach(json_object_get(turn->run->plan, "steps"), i, step)
    {
        if (turn->steps[i].state == STEP_SKIPPED)
            continue;
        json_array_append_new(list, json_copy(step));
    }
    return list;
}

/* Every step that was not pending, and how much of its output the log has. */
static json_t *resume_info(const struct turn *turn, const json_t *origins)
{
    json_t *list = json_array();
    for (int i = 0; i < turn->run->step_count; i++) {
        const struct step_run *s = &turn->steps[i];
        char key[32];
        if (s->state == STEP_PENDING)
            continue;
        snprintf(key, sizeof key, "%d/%d", turn->host, i);
        json_array_append_new(list, json_pack("{s:i, s:s, s:I, s:s}", "step", i, "state",
                                              step_state_name(s->state), "origin",
                                              json_integer_value(json_object_get(origins, key)),
                                              "cause", s->cause == NULL ? "" : s->cause));
    }
    return list;
}

static const char *job_text(const struct run *run, const char *key)
{
    const char *text = json_string_value(json_object_get(run->job, key));
    return text == NULL ? "" : text;
}

static int make_begin(struct worker *w, struct turn *turn, json_t **frame, int *fd, struct err *err)
{
    struct run *run = turn->run;
    json_t *origins = NULL, *begin;
    const char *who = job_text(run, "by_name");
    if (!turn_is_untouched(turn) && journal_origins(&run->journal, &origins, err) != 0)
        return -1;
    begin = json_pack("{s:s, s:s, s:s, s:i, s:s, s:I, s:s, s:s, s:s, s:s, s:o, s:o, s:i, s:{s:I}}",
                      "t", "begin", "job", run->hold.id, "kind", run->kind->name, "host",
                      turn->host, "nonce", job_text(run, "nonce"), "epoch",
                      (json_int_t)run->hold.epoch, "instance", vault_instance_id(w->vault), "env",
                      job_text(run, "environment_id"), "who", who[0] == '\0' ? "command line" : who,
                      "why", job_text(run, "why"), "steps", steps_to_run(turn), "resume",
                      resume_info(turn, origins), "cancel", turn->is_balancer ? 0 : run->cancel,
                      "limits", "log_max", (json_int_t)w->config.log_max);
    json_decref(origins);
    if (begin == NULL)
        return err_set(err, ERR_INTERNAL, "The job could not be put together.");
    json_object_set_new(begin, "holds", json_boolean(run->holds && !turn->is_balancer));
    json_object_set_new(begin, "balancer", json_boolean(turn->is_balancer));
    if (run->kind->begin(w, turn, begin, fd, err) != 0) {
        json_decref(begin);
        return -1;
    }
    *frame = begin;
    return 0;
}

static int spawn(struct worker *w, struct turn *turn, int socket, int artefact, struct err *err)
{
    static const char *const bare[] = {"PATH=/usr/bin:/bin", "LANG=C.UTF-8", NULL};
    const struct run *run = turn->run;
    bool stand_in = w->config.runner[0] != '\0' && str_equal(run->kind->child, "runner");
    const char *argv[] = {"windlass-worker", "-x", run->kind->child, NULL};
    struct proc_spec spec = proc_spec_init();
    spec.path = stand_in ? w->config.runner : w->config.program;
    spec.argv = argv;
    spec.envp = stand_in || getenv("ASAN_OPTIONS") != NULL ? NULL : bare;
    spec.extra_fd = socket;
    spec.extra_fd2 = artefact;
    spec.extra_fd3 = run->journal.pipe;
    spec.death_signal = SIGKILL; /* it must not act once nobody can commit its intents */
    spec.new_session = true;
    turn->child = proc_start(&spec, err);
    if (turn->child > 0)
        return 0;
    turn->child = 0;
    return -1;
}

/* The begin frame holds the server's key: it leaves over the socket and nowhere else. */
static int start_with(struct worker *w, struct turn *turn, json_t *begin, int artefact,
                      struct err *err)
{
    int ends[2] = {-1, -1}, nothing = -1, rc = -1;
    if (artefact < 0)
        artefact = nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
        json_decref(begin);
        err_errno(err, "make the runner's socket");
        goto out;
    }
    if (spawn(w, turn, ends[1], artefact, err) != 0) {
        json_decref(begin);
        io_close(&ends[0]);
        goto out;
    }
    link_open(&turn->link, ends[0]);
    rc = link_send(&turn->link, begin, err);
out:
    io_close(&ends[1]);
    io_close(&nothing);
    return rc;
}

int turn_child_start(struct worker *w, struct turn *turn, struct err *err)
{
    json_t *begin = NULL;
    int artefact = -1, rc = -1;

    turn_child_stop(turn);
    if (make_begin(w, turn, &begin, &artefact, err) != 0)
        goto out;
    turn->watch_at = clock_mono_ms() + START_WATCH_MS;
    turn->hung_up = false;
    rc = start_with(w, turn, begin, artefact, err);
    if (rc != 0)
        turn_child_stop(turn);
out:
    io_close(&artefact);
    return rc;
}

void turn_child_note_end(const char *part, pid_t pid, int status)
{
    if (WIFSIGNALED(status))
        LOG_ERROR("child-ended", "part=%s pid=%d signal=%d", part, (int)pid, WTERMSIG(status));
    else if (WEXITSTATUS(status) != 0)
        LOG_WARN("child-ended", "part=%s pid=%d status=%d", part, (int)pid, WEXITSTATUS(status));
}

void turn_child_dismiss(struct turn *turn)
{
    link_close(&turn->link);
#ifndef WL_SANITIZE /* its leak check comes last: it is let finish */
    if (turn->child > 0)
        (void)kill(turn->child, SIGKILL);
#endif
    turn->child = 0; /* reaped as one whose job is gone */
}

void turn_child_stop(struct turn *turn)
{
    link_close(&turn->link);
    if (turn->child <= 0)
        return;
    (void)kill(turn->child, SIGKILL);
    /* Prompt, unless the kernel holds it (a disk that hangs): then it is reaped when it lets go. */
    for (int tries = 0; tries < REAP_TRIES && waitpid(turn->child, NULL, WNOHANG) == 0; tries++)
        clock_sleep_ms(REAP_EVERY_MS);
    turn->child = 0;
}

void turns_stop_children(struct run *run)
{
    for (int h = 0; run->turns != NULL && h < run->host_count; h++) {
        if (run->turns[h].child > 0)
            (void)kill(run->turns[h].child, SIGKILL);
    }
    for (int h = 0; run->turns != NULL && h < run->host_count; h++)
        turn_child_stop(&run->turns[h]);
}
