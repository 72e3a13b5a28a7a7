/* Claims about what happens when things die in the middle of a deploy: no step runs twice, no byte
 * of a log is lost or repeated, the verdict is right. Each script of the recipe first appends its
 * name to a file on the target and then takes its time. */
#include "tests/tap.h"
#include "tests/integration/runner_faults.h"

#define SLOWLY "printf '%s\\n' \"$STEP_NAME\" >>\"$HOME/ran\"\necho one\nsleep 0.4\necho two\n"

static struct lab lab;
static int port;
static char artefacts[512];

static const char *artefact(const char *version)
{
    static char path[600];
    (void)snprintf(path, sizeof path, "%s/hello-%s.tar.gz", artefacts, version);
    return path;
}

static void check_serves(const char *version)
{
    char body[600], want[100];
    (void)snprintf(want, sizeof want, "{\"status\":\"healthy\",\"version\":\"%s\"}\n", version);
    play_get(port, "/health", body, sizeof body);
    CHECK_STR(body, want);
}

static void prepare(struct play *play, const char *version, const char *settings)
{
    char ran[300];
    (void)snprintf(ran, sizeof ran, "%s/home/ran", lab.folder);
    (void)unlink(ran);
    CHECK(play_release(play, &lab, port, version, artefact(version), settings));
}

static void finish(struct play *play, const char *verdict)
{
    CHECK_STR(play_run(play), verdict);
    if (strcmp(play->verdict, verdict) != 0 || getenv("WL_TEST_TALK") != NULL) {
        play_print(play);
        printf("# %d starts\n", play->starts);
    }
    for (int i = 0; i < play->step_count; i++)
        CHECK(!play->steps[i].broken_log);
}

/* Each detached step that ran did so once, and its whole log is here. */
static void check_once(const struct play *play)
{
    for (int i = 0; i < play->step_count; i++) {
        const struct play_step *step = &play->steps[i];
        if (strcmp(step->mode, "detached") != 0 || strcmp(step->state, "") == 0)
            continue;
        int times = play_count_lines(&lab, "home/ran", step->name);
        if (times != 1)
            printf("# %s ran %d times\n", step->name, times);
        CHECK_INT(times, 1);
        CHECK(strstr(step->output.data, "one\n") == step->output.data);
        CHECK(strstr(step->output.data, "two\n") != NULL);
    }
}

/* --- hooks
 * -----------------------------------------------------------------------------------------------
 */

static bool first_time(struct play *play, int step)
{
    if ((play->hit & 1ul << step) != 0)
        return false;
    play->hit |= 1ul << step;
    return true;
}

static void kill_runner_at_go(struct play *play, const char *event, int step)
{
    if (strcmp(event, "go") == 0 && first_time(play, step))
        kill(play->pid, SIGKILL);
}

static void kill_runner_midway(struct play *play, const char *event, int step)
{
    bool script = strcmp(play->steps[step].mode, "detached") == 0;
    if (strcmp(event, "tick") == 0 && clock_mono_ms() - play->go_at >= (script ? 250 : 5)
        && first_time(play, step))
        kill(play->pid, SIGKILL);
}

static void kill_sessions_midway(struct play *play, const char *event, int step)
{
    bool script = strcmp(play->steps[step].mode, "detached") == 0;
    if (strcmp(event, "tick") == 0 && clock_mono_ms() - play->go_at >= (script ? 250 : 5)
        && first_time(play, step))
        play->hook_done += play_kill_sessions(play->lab);
}

static void kill_both_midway(struct play *play, const char *event, int step)
{
    kill_sessions_midway(play, event, step);
    if ((play->hit & 1ul << (step + 32)) == 0 && strcmp(event, "tick") == 0
        && clock_mono_ms() - play->go_at >= 300) {
        play->hit |= 1ul << (step + 32);
        kill(play->pid, SIGKILL);
    }
}

/* --- claims
 * ---------------------------------------------------------------------------------------------- */

static void a_runner_killed_as_each_step_is_let_go_repeats_nothing(void)
{
    struct play play = {.prefix = SLOWLY};
    prepare(&play, "1.0.0", "{\"migrate_command\": \"echo migrated\"}");
    play.hook = kill_runner_at_go;
    finish(&play, "live");
    CHECK(play.starts >= 11);
    check_once(&play);
    check_serves("1.0.0");
    play_free(&play);
}

static void a_runner_killed_in_the_middle_of_each_step_repeats_nothing(void)
{
    struct play play = {.prefix = SLOWLY};
    prepare(&play, "1.1.0", "{\"migrate_command\": \"echo migrated\"}");
    play.hook = kill_runner_midway;
    finish(&play, "live");
    CHECK(play.starts >= 8);
    check_once(&play);
    check_serves("1.1.0");
    play_free(&play);
}

static void a_broken_deploy_whose_runner_is_killed_in_each_step_is_reverted(void)
{
    struct play play = {.prefix = SLOWLY};
    prepare(&play, "1.2.0", NULL);
    play.hook = kill_runner_midway;
    finish(&play, "reverted");
    check_once(&play);
    check_serves("1.1.0");
    play_free(&play);
}

static void a_session_of_sshd_killed_in_each_step_repeats_nothing(void)
{
    struct play play = {.prefix = SLOWLY};
    prepare(&play, "1.0.0", "{\"migrate_command\": \"echo migrated\"}");
    play.hook = kill_sessions_midway;
    finish(&play, "live");
    CHECK_INT(play.starts, 1); /* the runner itself reconnects */
    CHECK(play.hook_done >= 8);
    check_once(&play);
    check_serves("1.0.0");
    play_free(&play);
}

static void runner_and_session_killed_in_each_step_repeat_nothing(void)
{
    struct play play = {.prefix = SLOWLY};
    prepare(&play, "1.2.0", NULL);
    play.hook = kill_both_midway;
    finish(&play, "reverted");
    check_once(&play);
    check_serves("1.0.0");
    play_free(&play);
}

/* The step's own processes die on the target: KILL to the session that `begun` names. */
static void kill_step_there(struct play *play, const char *event, int step)
{
    char path[400];
    struct buf bytes;
    if (step != play->hook_step || strcmp(event, "tick") != 0 || (play->hit & 1ul << step) != 0
        || play_count_lines(&lab, "home/ran", play->steps[step].name) == 0) /* it is midway */
        return;
    buf_init(&bytes, 4096);
    (void)snprintf(path, sizeof path, "%s/home/.windlass/jobs/%s/%d/begun", play->lab->folder,
                   play->job, step);
    int leader = 0;
    if (fs_read_all(path, &bytes, NULL) == 0 && sscanf(bytes.data, "pid=%d", &leader) == 1
        && leader > 1) {
        play->hit |= 1ul << step;
        kill(-leader, SIGKILL);
    }
    buf_deinit(&bytes);
}

static void a_step_that_must_not_be_repeated_and_was_cut_off_is_unknown(void)
{
    struct play play = {.prefix = SLOWLY};
    prepare(&play, "1.1.0", "{\"migrate_command\": \"sleep 1; echo migrated\"}");
    play.hook = kill_step_there;
    play.hook_step = play_find(&play, "migrate");
    finish(&play, "unknown");
    CHECK_INT(play_count_lines(&lab, "home/ran", "migrate"), 1);
    CHECK_INT(play_count_lines(&lab, "home/ran", "switch"), 0);
    CHECK_STR(play.steps[play_find(&play, "migrate")].state, "unknown");
    CHECK(strstr(play.summary, "cut off midway") != NULL);
    check_serves("1.0.0");
    play_free(&play);
}

static void a_step_that_may_be_repeated_and_was_cut_off_runs_again(void)
{
    struct play play = {.prefix = SLOWLY};
    prepare(&play, "1.1.0", NULL);
    play.hook = kill_step_there;
    play.hook_step = play_find(&play, "switch");
    finish(&play, "live");
    CHECK_INT(play_count_lines(&lab, "home/ran", "switch"), 2);
    check_serves("1.1.0");
    play_free(&play);
}

static void cancel_when_due(struct play *play, const char *event, int step)
{
    if (step == play->hook_step && strcmp(event, "tick") == 0
        && clock_mono_ms() - play->go_at >= 200 && first_time(play, step)) {
        play->cancel = play->hook_how;
        play_send(play, json_pack("{s:s, s:i}", "t", "cancel", "how", play->hook_how));
    }
}

static void a_cancel_before_the_switch_changes_nothing(void)
{
    struct play play = {.prefix = SLOWLY};
    prepare(&play, "1.0.0", NULL);
    play.hook = cancel_when_due;
    play.hook_how = 1;
    play.hook_step = play_find(&play, "unpack");
    finish(&play, "cancelled");
    CHECK_STR(play.left_as, "Nothing that serves was changed.");
    CHECK_INT(play_count_lines(&lab, "home/ran", "switch"), 0);
    CHECK_STR(play.steps[play_find(&play, "unlock")].state, "ok");
    check_serves("1.1.0");
    play_free(&play);
}

static void a_cancel_after_the_switch_puts_the_old_release_back(void)
{
    struct play play = {.prefix = SLOWLY};
    prepare(&play, "1.2.0", NULL);
    play.hook = cancel_when_due;
    play.hook_how = 1;
    play.hook_step = play_find(&play, "health");
    finish(&play, "cancelled");
    CHECK(strstr(play.left_as, "The old release serves, proven healthy") != NULL);
    check_serves("1.1.0");
    play_free(&play);
}

/* A zombie that nobody has reaped yet is dead. */
static bool is_alive(long pid)
{
    char path[64], text[512] = "";
    (void)snprintf(path, sizeof path, "/proc/%ld/stat", pid);
    FILE *file = fopen(path, "r");
    bool alive = file != NULL && fgets(text, sizeof text, file) != NULL
                 && strrchr(text, ')') != NULL && strncmp(strrchr(text, ')'), ") Z", 3) != 0;
    if (file != NULL)
        fclose(file);
    return alive;
}

static void a_kill_ends_a_step_that_ignores_term(void)
{
    struct play play = {0};
    prepare(&play, "1.0.0",
            "{\"migrate_command\": \"trap : TERM; echo $$ >$HOME/stubborn; while :; do sleep 1; "
            "done\"}");
    play.hook = cancel_when_due;
    play.hook_how = 2;
    play.hook_step = play_find(&play, "migrate");
    finish(&play, "cancelled");
    CHECK(strstr(play.left_as, "stays changed") != NULL);
    char path[300];
    struct buf pid;
    buf_init(&pid, 64);
    (void)snprintf(path, sizeof path, "%s/home/stubborn", lab.folder);
    CHECK(fs_read_all(path, &pid, NULL) == 0);
    CHECK(!is_alive(strtol(pid.data, NULL, 10)));
    buf_deinit(&pid);
    check_serves("1.1.0");
    play_free(&play);
}

static void a_step_over_its_deadline_is_ended_and_failed(void)
{
    struct play play = {0};
    prepare(&play, "1.0.0", "{\"migrate_command\": \"echo $$ >$HOME/slow; sleep 1000\"}");
    json_object_set_new(json_array_get(play.plan, (size_t)play_find(&play, "migrate")),
                        "deadline_ms", json_integer(1000));
    int64_t begun = clock_mono_ms();
    finish(&play, "failed");
    CHECK(clock_mono_ms() - begun < 15000);
    CHECK(strstr(play.summary, "took longer than 1.0 s") != NULL);
    check_serves("1.1.0");
    play_free(&play);
}

static void a_flood_of_output_is_cut_and_told(void)
{
    struct play play = {0};
    prepare(&play, "1.0.0",
            "{\"migrate_command\": \"i=0; while [ $i -lt 400 ]; do head -c 100000 /dev/zero | tr "
            "'\\\\0' x; i=$((i+1)); done; sleep 1; echo; echo end\"}");
    finish(&play, "live");
    const struct play_step *migrate = &play.steps[play_find(&play, "migrate")];
    CHECK(migrate->output.len < 45000000); /* cut once the limit of 1 MiB was seen to be passed */
    CHECK(strstr(play.notes, "the rest was not kept") != NULL);
    check_serves("1.0.0");
    play_free(&play);
}

static void stop_sshd(struct play *play, const char *event, int step)
{
    if (step == play->hook_step && strcmp(event, "tick") == 0
        && clock_mono_ms() - play->go_at >= 200 && first_time(play, step)) {
        kill(play->lab->pid, SIGSTOP); /* nobody gets in between */
        (void)play_kill_sessions(play->lab);
        kill(play->lab->pid, SIGKILL);
        (void)waitpid(play->lab->pid, NULL, 0);
    }
}

static void a_host_that_cannot_be_asked_any_more_is_unknown(void)
{
    struct play play = {.prefix = SLOWLY};
    prepare(&play, "1.1.0", NULL);
    play.hook = stop_sshd;
    play.hook_step = play_find(&play, "restart");
    finish(&play, "unknown");
    CHECK(strstr(play.summary, "cannot be asked since") != NULL);
    CHECK(strstr(play.left_as, "not known") != NULL);
    lab.pid = 0;
    play_free(&play);
}

int main(void)
{
    if (crypto_start(NULL) != 0)
        return 1;
    const char *hello = getenv("WL_HELLO");
    if (!lab_start(&lab, NULL))
        printf("# the private sshd did not start\n");
    (void)snprintf(artefacts, sizeof artefacts, "%s/artefacts", lab.folder);
    const char *const package[] = {"examples/hello/package.sh", hello != NULL ? hello : LAB_HELLO,
                                   artefacts, NULL};
    if (lab_command(package) != 0)
        printf("# the example app could not be packaged\n");
    port = lab_free_port();
    TAP_RUN(a_runner_killed_as_each_step_is_let_go_repeats_nothing);
    TAP_RUN(a_runner_killed_in_the_middle_of_each_step_repeats_nothing);
    TAP_RUN(a_broken_deploy_whose_runner_is_killed_in_each_step_is_reverted);
    TAP_RUN(a_session_of_sshd_killed_in_each_step_repeats_nothing);
    TAP_RUN(runner_and_session_killed_in_each_step_repeat_nothing);
    TAP_RUN(a_step_that_must_not_be_repeated_and_was_cut_off_is_unknown);
    TAP_RUN(a_step_that_may_be_repeated_and_was_cut_off_runs_again);
    TAP_RUN(a_cancel_before_the_switch_changes_nothing);
    TAP_RUN(a_cancel_after_the_switch_puts_the_old_release_back);
    TAP_RUN(a_kill_ends_a_step_that_ignores_term);
    TAP_RUN(a_step_over_its_deadline_is_ended_and_failed);
    TAP_RUN(a_flood_of_output_is_cut_and_told);
    TAP_RUN(a_host_that_cannot_be_asked_any_more_is_unknown);
    if (lab.pid == 0) { /* the last test ended it: its leftovers are ours to end */
        const char *const reap[] = {"tools/private-sshd.sh", "--reap", lab.folder, NULL};
        (void)lab_command(reap);
    }
    lab_stop(&lab);
    return tap_done();
}
