/* runner_look.c - a look at a server before a deploy, over a real sshd: what it tells, in whose
 * words it fails, and that it leaves nothing there. */
#include "tests/tap.h"

#include "tests/integration/runner_lab.h"

static struct lab lab;

/* A job of kind plan whose look runs this script, with lib.sh in front. */
static bool play_look(struct play *play, const char *script)
{
    struct buf lib, input;
    json_t *step;
    bool fine = play_release(play, &lab, 4000, "1.0.0", NULL, NULL);
    buf_init(&lib, 1 << 20);
    buf_init(&input, 1 << 16);
    json_array_clear(play->plan);
    play->step_count = 0;
    play->kind = "plan";
    play_add(play, play_step_json(0, "connect", "connect", "forward"));
    step = play_step_json(1, "look", "look", "forward");
    fine = fine && fs_read_all("recipes/lib.sh", &lib, NULL) == 0;
    play_assign(&input, "WL_SET_DEPLOY_DIR", "apps/hello");
    play_assign(&input, "WL_RELEASE_ID", "");
    play_assign(&input, "WL_ARTEFACT_SIZE", "1000000");
    json_object_set_new(step, "lib", json_string(lib.data));
    json_object_set_new(step, "input", json_string(input.data));
    json_object_set_new(step, "script", json_string(script));
    play_add(play, step);
    buf_deinit(&lib);
    buf_deinit(&input);
    return fine;
}

static const char *result_of(const struct play *play, const char *key)
{
    const char *text = json_string_value(json_object_get(play->steps[1].results, key));
    return text == NULL ? "" : text;
}

static void a_look_tells_what_is_there_and_leaves_nothing(void)
{
    struct play play = {0};
    struct buf script;
    char path[600];
    buf_init(&script, 1 << 20);
    CHECK(fs_read_all("recipes/release/plan.sh", &script, NULL) == 0);
    CHECK(play_look(&play, script.data));
    CHECK_STR(play_run(&play), "ok");
    CHECK_STR(result_of(&play, "looked"), "1");
    CHECK(strstr(result_of(&play, "disk_2"), "the release\t") != NULL);
    CHECK(strstr(play.steps[1].output.data, "Live now: nothing") != NULL);
    CHECK(strstr(play.steps[1].output.data, "wl-result") == NULL);
    (void)snprintf(path, sizeof path, "%s/home/.windlass/jobs/%s", lab.folder, play.job);
    CHECK(!fs_exists(path));
    (void)snprintf(path, sizeof path, "%s/home/apps", lab.folder);
    CHECK(!fs_exists(path));
    play_free(&play);
    buf_deinit(&script);
}

static void a_script_that_fails_is_told_in_its_own_words(void)
{
    struct play play = {0};
    CHECK(play_look(&play, "wl_result first 1\nwl_fail \"No engine. Fix: start it.\"\n"));
    CHECK_STR(play_run(&play), "failed");
    CHECK_STR(play.steps[1].cause, "No engine. Fix: start it.");
    CHECK_STR(play.left_as, "Nothing that serves was changed.");
    play_free(&play);
}

static void what_ended_early_is_not_taken_for_all_of_it(void)
{
    struct play play = {0};
    CHECK(play_look(&play, "wl_result first 1\n"));
    CHECK_STR(play_run(&play), "failed");
    CHECK(strstr(play.steps[1].cause, "did not say all of it") != NULL);
    play_free(&play);
    CHECK(play_look(&play, "wl_result looked 1\nkill -9 $$\n"));
    CHECK_STR(play_run(&play), "failed");
    CHECK(strstr(play.steps[1].cause, "was ended by signal KILL") != NULL
          || strstr(play.steps[1].cause, "without saying how") != NULL);
    play_free(&play);
}

static void results_are_few_and_of_the_script_alone(void)
{
    struct play play = {0};
    CHECK(play_look(&play, "for i in 1 2 3 4 5 6 7; do for k in 0 1 2 3 4 5 6 7 8 9; do "
                           "wl_result \"r$i$k\" x; done; done\nwl_result looked 1\n"));
    (void)play_run(&play);
    CHECK(json_object_size(play.steps[1].results) == 60);
    CHECK_STR(result_of(&play, "looked"), "");
    play_free(&play);
}

static void a_server_that_does_not_answer_says_so(void)
{
    struct play play = {0};
    int port = lab.port;
    CHECK(play_look(&play, "wl_result looked 1\n"));
    lab.port = lab_free_port();
    json_object_set_new(json_array_get(play.plan, 0), "deadline_ms", json_integer(1000));
    CHECK_STR(play_run(&play), "failed");
    lab.port = port;
    CHECK(strstr(play.steps[0].cause, "Fix:") != NULL);
    CHECK_STR(play.left_as, "Nothing that serves was changed.");
    play_free(&play);
}

int main(void)
{
    if (crypto_start(NULL) != 0)
        return 1;
    if (!lab_start(&lab, NULL))
        printf("# the private sshd did not start\n");
    TAP_RUN(a_look_tells_what_is_there_and_leaves_nothing);
    TAP_RUN(a_script_that_fails_is_told_in_its_own_words);
    TAP_RUN(what_ended_early_is_not_taken_for_all_of_it);
    TAP_RUN(results_are_few_and_of_the_script_alone);
    TAP_RUN(a_server_that_does_not_answer_says_so);
    lab_stop(&lab);
    return tap_done();
}
