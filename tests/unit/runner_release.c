/* Claims about a whole deploy: a real runner process, a real sshd, the release recipe, the example
 * app. */
#include "tests/tap.h"
#include "tests/integration/runner_faults.h"

static struct lab lab;
static int port;
static char artefacts[512];

static const char *artefact(const char *version)
{
    static char path[600];
    (void)snprintf(path, sizeof path, "%s/hello-%s.tar.gz", artefacts, version);
    return path;
}

/* What is locked is the folder that the recipe deploys to. */
static void lock_path(char *path, size_t size, const char *more)
{
    char place[700], hex[2 * CRYPTO_HASH_BYTES + 1];
    uint8_t hash[CRYPTO_HASH_BYTES];
    (void)snprintf(place, sizeof place, "%s/home/apps/hello", lab.folder);
    crypto_sha256(place, strlen(place), hash);
    crypto_hex(hex, sizeof hex, hash, sizeof hash);
    (void)snprintf(path, size, "%s/home/.windlass/locks/at-%.32s%s", lab.folder, hex, more);
}

static void check_serves(const char *version)
{
    char body[600], want[100];
    (void)snprintf(want, sizeof want, "{\"status\":\"healthy\",\"version\":\"%s\"}\n", version);
    play_get(port, "/health", body, sizeof body);
    CHECK_STR(body, want);
}

static void deploy(struct play *play, const char *version, const char *verdict,
                   const char *settings)
{
    CHECK(play_release(play, &lab, port, version, artefact(version), settings));
    CHECK_STR(play_run(play), verdict);
    if (strcmp(play->verdict, verdict) != 0 || getenv("WL_TEST_TALK") != NULL)
        play_print(play);
}

static void a_first_deploy_that_is_never_healthy_is_stopped_and_failed(void)
{
    struct play play = {0};
    char body[100];
    deploy(&play, "1.2.0", "failed", NULL);
    CHECK(strstr(play.left_as, "no release before") != NULL);
    CHECK(strstr(play.summary, "did not become healthy") != NULL);
    CHECK_STR(play.steps[play_find(&play, "health_old")].state, "skipped");
    play_get(port, "/health", body, sizeof body);
    CHECK_STR(body, "");
    play_free(&play);
}

static void a_deploy_goes_live(void)
{
    struct play play = {0};
    char body[1000];
    deploy(&play, "1.0.0", "live", NULL);
    check_serves("1.0.0");
    play_get(port, "/", body, sizeof body);
    CHECK(strstr(body, "It's a &quot;day&quot; $HOME `x`")
          != NULL); /* the secret arrived byte for byte */
    CHECK(strstr(play.steps[play_find(&play, "switch")].output.data, "current -> releases/")
          != NULL);
    CHECK_INT(play.starts, 1);
    CHECK(!lab_file_has(&lab, "home/.windlass/jobs", play.job));
    char path[600];
    lock_path(path, sizeof path, "");
    CHECK(!fs_exists(path));
    (void)snprintf(path, sizeof path, "%s/home/.windlass/jobs/%s", lab.folder, play.job);
    CHECK(!fs_exists(path));
    play_free(&play);
}

static void a_broken_release_is_reverted_and_the_old_one_serves(void)
{
    struct play play = {0};
    deploy(&play, "1.2.0", "reverted", NULL);
    check_serves("1.0.0");
    CHECK(strstr(play.summary, "503") != NULL);
    CHECK_STR(json_string_value(json_object_get(play.steps[play_find(&play, "health_old")].results,
                                                "version_seen")),
              "1.0.0");
    play_free(&play);
}

static void a_second_release_replaces_the_first(void)
{
    struct play play = {0};
    deploy(&play, "1.1.0", "live", NULL);
    check_serves("1.1.0");
    play_free(&play);
}

/* One of several servers; `deaths` runners are killed while they wait. */
static void deploy_held(struct play *play, const char *version, const char *word, int deaths)
{
    CHECK(play_release(play, &lab, port, version, artefact(version), NULL));
    play->word = word;
    play->die_held = deaths;
    const char *verdict = play_run(play);
    if (strcmp(verdict, strcmp(word, "undo") == 0 ? "reverted" : "live") != 0)
        play_print(play);
}

static void proven_it_waits_for_the_others_and_goes_back_when_told(void)
{
    for (int deaths = 0; deaths < 2; deaths++) {
        struct play play = {0};
        deploy_held(&play, "1.0.0", "undo", deaths);
        CHECK_STR(play.verdict, "reverted");
        CHECK_INT(play.held, deaths + 1);
        CHECK_STR(play.steps[play_find(&play, "health")].state, "ok");
        CHECK_STR(play.steps[play_find(&play, "prune")].state, "");
        CHECK_STR(play.steps[play_find(&play, "health_old")].state, "ok");
        CHECK(strstr(play.summary, "did not succeed everywhere") != NULL);
        check_serves("1.1.0");
        play_free(&play);
    }
}

static void proven_it_waits_for_the_others_and_finishes_when_told(void)
{
    struct play play = {0};
    deploy_held(&play, "1.1.0", "finish", 1);
    CHECK_STR(play.verdict, "live");
    CHECK_INT(play.held, 2);
    CHECK_STR(play.steps[play_find(&play, "prune")].state, "ok");
    check_serves("1.1.0");
    play_free(&play);
}

static void an_app_that_cannot_start_is_reverted_with_its_own_words(void)
{
    struct play play = {0};
    deploy(&play, "1.0.0", "reverted", "{\"start_command\": \"echo no database here; exit 3\"}");
    CHECK(strstr(play.summary, "status 3") != NULL
          && strstr(play.summary, "no database here") != NULL);
    check_serves("1.1.0");
    play_free(&play);
}

static void a_failing_migration_changes_nothing_that_serves(void)
{
    struct play play = {0};
    deploy(&play, "1.0.0", "failed",
           "{\"migrate_command\": \"echo migrating with $GREETING; exit 4\"}");
    CHECK(strstr(play.summary, "status 4") != NULL);
    CHECK(strstr(play.left_as, "The old release serves") != NULL);
    CHECK(strstr(play.steps[play_find(&play, "migrate")].output.data,
                 "migrating with It's a \"day\" $HOME `x`")
          != NULL);
    check_serves("1.1.0");
    play_free(&play);
}

static void a_tarball_that_is_not_what_was_recorded_is_refused(void)
{
    struct play play = {0};
    CHECK(play_release(&play, &lab, port, "1.0.0", artefact("1.0.0"), NULL));
    play.corrupt_sha = "0000000000000000000000000000000000000000000000000000000000000000";
    CHECK_STR(play_run(&play), "failed");
    CHECK(strstr(play.summary, "arrived damaged") != NULL);
    CHECK_STR(play.left_as, "Nothing that serves was changed.");
    check_serves("1.1.0");
    play_free(&play);
}

static void a_taken_port_is_named(void)
{
    struct play play = {0};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), other;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    CHECK(bind(fd, (struct sockaddr *)&address, sizeof address) == 0 && listen(fd, 1) == 0);
    CHECK(getsockname(fd, (struct sockaddr *)&address, &size) == 0);
    other = ntohs(address.sin_port);
    CHECK(play_release(&play, &lab, other, "1.0.0", artefact("1.0.0"),
                       "{\"deploy_dir\": \"apps/other\"}"));
    CHECK_STR(play_run(&play), "failed");
    char want[100];
    (void)snprintf(want, sizeof want, "Port %d is taken by runner_release", other);
    CHECK(strstr(play.summary, want) != NULL || strstr(play.summary, "is taken by") != NULL);
    play_free(&play);
    close(fd);
}

static void an_unreachable_server_is_failed_with_nothing_changed(void)
{
    struct play play = {0};
    CHECK(play_release(&play, &lab, port, "1.0.0", artefact("1.0.0"), NULL));
    struct lab elsewhere = lab;
    elsewhere.port = lab_free_port();
    play.lab = &elsewhere;
    json_object_set_new(json_array_get(play.plan, 0), "deadline_ms", json_integer(3000));
    CHECK_STR(play_run(&play), "failed");
    CHECK(strstr(play.summary, "cannot be reached") != NULL);
    CHECK_STR(play.left_as, "Nothing that serves was changed.");
    play_free(&play);
}

static void a_changed_host_key_is_reported_with_its_fingerprint(void)
{
    struct play play = {0};
    CHECK(play_release(&play, &lab, port, "1.0.0", artefact("1.0.0"), NULL));
    struct lab changed = lab;
    changed.blob[40] ^= 1;
    play.lab = &changed;
    CHECK_STR(play_run(&play), "failed");
    CHECK(strstr(play.summary, "not the pinned one") != NULL);
    CHECK_STR(json_string_value(json_object_get(play.server, "state")), "key_changed");
    CHECK(strncmp(json_string_value(json_object_get(play.server, "print")), "SHA256:", 7) == 0);
    play_free(&play);
}

static void a_lock_of_somebody_else_is_respected_and_named(void)
{
    struct play play = {0};
    char path[600];
    CHECK(play_release(&play, &lab, port, "1.0.0", artefact("1.0.0"), NULL));
    lock_path(path, sizeof path, "");
    CHECK(fs_mkdirs(path, 0700, NULL) == 0);
    lock_path(path, sizeof path, "/owner");
    static const char owner[] =
        "instance=other\njob=j1\nepoch=1\nwho=Bob\nwhy=maintenance\nsince=2026-11-21T00:00:00Z\n";
    CHECK(fs_write_atomic(path, owner, sizeof owner - 1, 0600, NULL) == 0);
    CHECK_STR(play_run(&play), "failed");
    CHECK(strstr(play.summary, "locked by Bob since 2026-11-21T00:00:00Z") != NULL
          && strstr(play.summary, "maintenance") != NULL);
    CHECK(lab_file_has(&lab, path + strlen(lab.folder) + 1, "who=Bob"));
    *strrchr(path, '/') = '\0';
    CHECK(fs_remove_tree(path, NULL) == 0);
    play_free(&play);
    check_serves("1.1.0");
}

static void the_rest_of_an_unfinished_job_of_ours_is_taken_over(void)
{
    struct play play = {0};
    char path[600], owner[300];
    CHECK(play_release(&play, &lab, port, "1.1.0", artefact("1.1.0"), NULL));
    lock_path(path, sizeof path, "");
    CHECK(fs_mkdirs(path, 0700, NULL) == 0);
    lock_path(path, sizeof path, "/owner");
    int len = snprintf(owner, sizeof owner,
                       "instance=%s\nenvironment=%s\njob=gone\nepoch=7\nwho=Ann\nwhy=\nsince=2026-"
                       "11-21T00:00:00Z\n",
                       play.instance, play.env);
    CHECK(fs_write_atomic(path, owner, (size_t)len, 0600, NULL) == 0);
    CHECK_STR(play_run(&play), "live");
    CHECK(strstr(play.notes, "Took the lock over from job gone") != NULL);
    play_free(&play);
}

static void a_check_finds_what_a_server_has_and_writes_nothing(void)
{
    struct play play = {0};
    char path[600];
    CHECK(play_release(&play, &lab, port, "1.0.0", NULL, NULL));
    json_array_clear(play.plan);
    json_object_clear(play.settings);
    play.step_count = 0;
    play.kind = "check";
    play.env[0] = '\0';
    play_add(&play, play_step_json(0, "connect", "connect", "forward"));
    json_t *check = play_step_json(1, "check", "check", "forward");
    json_object_set_new(check, "script", json_string("check.sh"));
    play_add(&play, check);
    CHECK_STR(play_run(&play), "ok");
    CHECK_STR(json_string_value(json_object_get(play.server, "state")), "ready");
    CHECK(json_array_size(json_object_get(play.server, "checks")) >= 12);
    CHECK(json_string_length(json_object_get(json_object_get(play.server, "facts"), "arch")) > 0);
    size_t i;
    json_t *each;
    json_array_foreach(json_object_get(play.server, "checks"), i, each)
    {
        bool fine = strcmp(play_text(each, "state"), "ok") == 0;
        CHECK(json_string_length(json_object_get(each, "label")) > 0);
        CHECK(fine || json_string_length(json_object_get(each, "fix")) > 0);
    }
    CHECK(strstr(play.steps[1].output.data, "Operating system") != NULL);
    (void)snprintf(path, sizeof path, "%s/home/.windlass/jobs/%s", lab.folder, play.job);
    CHECK(!fs_exists(path));
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
    TAP_RUN(a_first_deploy_that_is_never_healthy_is_stopped_and_failed);
    TAP_RUN(a_deploy_goes_live);
    TAP_RUN(a_broken_release_is_reverted_and_the_old_one_serves);
    TAP_RUN(a_second_release_replaces_the_first);
    TAP_RUN(proven_it_waits_for_the_others_and_goes_back_when_told);
    TAP_RUN(proven_it_waits_for_the_others_and_finishes_when_told);
    TAP_RUN(an_app_that_cannot_start_is_reverted_with_its_own_words);
    TAP_RUN(a_failing_migration_changes_nothing_that_serves);
    TAP_RUN(a_tarball_that_is_not_what_was_recorded_is_refused);
    TAP_RUN(a_taken_port_is_named);
    TAP_RUN(an_unreachable_server_is_failed_with_nothing_changed);
    TAP_RUN(a_changed_host_key_is_reported_with_its_fingerprint);
    TAP_RUN(a_lock_of_somebody_else_is_respected_and_named);
    TAP_RUN(the_rest_of_an_unfinished_job_of_ours_is_taken_over);
    TAP_RUN(a_check_finds_what_a_server_has_and_writes_nothing);
    lab_stop(&lab);
    return tap_done();
}
