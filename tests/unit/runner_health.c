/* Claims about the health step: a real runner process and a real sshd, and on the target an app
 * that answers as the claim says. Healthy is what was asked for, so often in a row, for so long. */
#include "tests/tap.h"
#include "tests/integration/runner_faults.h"

static struct lab lab;

#define OLD           "{\"status\":\"healthy\",\"version\":\"0.9.0\"}"
#define NEW           "{\"status\":\"healthy\",\"version\":\"1.0.0\"}"
#define ONE_IS_ENOUGH "{\"health_count\": 1, \"health_soak_s\": 0, \"health_deadline_s\": 2}"
#define BEGINS        "{\"status\":\"starting\",\"version\":\"1.0.0\"}"

/* One answer of the app: HTTP status and body. */
struct answer {
    int status;
    const char *body;
};

static void answer_forever(int listening, const struct answer *answers, int count)
{
    for (int asked = 0;; asked++) {
        char request[2000], text[400];
        const struct answer *a = &answers[asked % count];
        int peer = accept(listening, NULL, NULL);
        int len = snprintf(text, sizeof text,
                           "HTTP/1.1 %d X\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n%s",
                           a->status, strlen(a->body), a->body);
        (void)!read(peer, request, sizeof request);
        (void)!write(peer, text, (size_t)len);
        close(peer);
    }
}

/* An app that gives these answers in turn, again and again. */
static pid_t app_start(int *port, const struct answer *answers, int count)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    CHECK(bind(fd, (struct sockaddr *)&address, sizeof address) == 0 && listen(fd, 8) == 0);
    CHECK(getsockname(fd, (struct sockaddr *)&address, &size) == 0);
    *port = ntohs(address.sin_port);
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0)
        answer_forever(fd, answers, count);
    close(fd);
    return pid;
}

/* A job of two steps, connect and health, for version 1.0.0. */
static const char *judge(struct play *play, struct lab *where, const struct answer *answers,
                         int count, const char *settings)
{
    int port = 0;
    pid_t app = app_start(&port, answers, count);
    CHECK(play_release(play, where, port, "1.0.0", NULL, settings));
    json_array_clear(play->plan);
    play->step_count = 0;
    play->env[0] = '\0'; /* no lock is taken */
    play_add(play, play_step_json(0, "connect", "connect", "forward"));
    play_add(play, play_step_json(1, "health", "health", "forward"));
    const char *verdict = play_run(play);
    kill(app, SIGKILL);
    (void)waitpid(app, NULL, 0);
    printf("# %s: %s\n", verdict, play->summary);
    return verdict;
}

static const char *result_of(const struct play *play, const char *key)
{
    return play_text(play->steps[1].results, key);
}

static void an_app_that_answers_well_so_often_in_a_row_is_healthy(void)
{
    static const struct answer answers[] = {{503, "not yet"}, {200, NEW}, {200, NEW}, {200, NEW}};
    struct play play = {0};
    CHECK_STR(judge(&play, &lab, answers, 4,
                    "{\"health_count\": 3, \"health_soak_s\": 0, \"health_deadline_s\": 20}"),
              "live");
    CHECK_STR(result_of(&play, "in_a_row"), "3");
    CHECK_STR(result_of(&play, "asked"), "4");
    CHECK_STR(result_of(&play, "version_seen"), "1.0.0");
    CHECK_STR(result_of(&play, "via"), "ssh");
    play_free(&play);
}

static void check_not_healthy(const struct answer *answers, int count, const char *settings,
                              const char *words)
{
    struct play play = {0};
    CHECK_STR(judge(&play, &lab, answers, count, settings), "failed");
    CHECK(strstr(play.summary, "did not become healthy within") != NULL);
    CHECK(strstr(play.summary, words) != NULL && strstr(play.summary, "Fix: ") != NULL);
    play_free(&play);
}

static void an_app_whose_health_flaps_is_not_healthy(void)
{
    static const struct answer answers[] = {{200, NEW}, {200, NEW}, {503, "worn out"}};
    check_not_healthy(answers, 3,
                      "{\"health_count\": 3, \"health_soak_s\": 0, \"health_deadline_s\": 7}",
                      "within 7.0 s");
}

static void good_answers_must_last_through_the_soak_time(void)
{
    static const struct answer answers[] = {{200, NEW}, {200, NEW}, {503, "worn out"}};
    check_not_healthy(answers, 3,
                      "{\"health_count\": 1, \"health_soak_s\": 3, \"health_deadline_s\": 5}",
                      "within 5.0 s");
}

static void an_old_version_that_still_answers_is_not_the_new_release(void)
{
    static const struct answer answers[] = {{200, OLD}};
    check_not_healthy(answers, 1, ONE_IS_ENOUGH, "version 0.9.0 answers, not 1.0.0");
}

static void an_app_that_says_it_is_not_well_is_not_healthy(void)
{
    static const struct answer answers[] = {{200, BEGINS}};
    check_not_healthy(answers, 1, ONE_IS_ENOUGH, "it answers 200 with status \"starting\"");
}

static void where_ssh_may_not_forward_the_server_asks_itself(void)
{
    static const struct answer good[] = {{200, NEW}}, bad[] = {{500, "broken"}};
    static const char settings[] =
        "{\"health_count\": 2, \"health_soak_s\": 0, \"health_deadline_s\": 4}";
    struct lab closed;
    struct play play = {0};
    CHECK(lab_start(&closed, "--option", "AllowTcpForwarding no", NULL));
    CHECK_STR(judge(&play, &closed, good, 1, settings), "live");
    CHECK_STR(result_of(&play, "via"), "curl");
    CHECK(strstr(play.notes, "asked by the server itself") != NULL);
    play_free(&play);
    CHECK_STR(judge(&play, &closed, bad, 1, settings), "failed");
    CHECK(strstr(play.summary, "it answers 500, not 200: broken") != NULL);
    play_free(&play);
    lab_stop(&closed);
}

/* The runner dies when the outcome of the step that tells the port is kept. */
static void kill_behind_the_teller(struct play *play, const char *event, int step)
{
    if (step == 2 && strcmp(event, "outcome") == 0 && play->hook_done++ == 0)
        kill(play->pid, SIGKILL);
}

/* The settings name a port on which nobody answers; a script before the health step names the right
 * one, as the recipe `image` does. */
static void a_script_says_which_port_is_asked_also_to_a_runner_that_takes_over(void)
{
    static const struct answer answers[] = {{200, NEW}};
    char script[100];
    struct play play = {0};
    int port = 0;
    pid_t app = app_start(&port, answers, 1);
    CHECK(play_release(&play, &lab, 1, "1.0.0", NULL, ONE_IS_ENOUGH));
    json_array_clear(play.plan);
    play.step_count = 0;
    (void)snprintf(script, sizeof script, "echo port=%d >>\"$WL_RESULT\"\n", port);
    json_t *teller = play_step_json(2, "start", "detached", "forward");
    json_object_set_new(teller, "script", json_string(script));
    play_add(&play, play_step_json(0, "connect", "connect", "forward"));
    play_add(&play, play_step_json(1, "lock", "lock", "forward"));
    play_add(&play, teller);
    play_add(&play, play_step_json(3, "health", "health", "forward"));
    play_add(&play, play_step_json(4, "unlock", "unlock", "forward"));
    play.hook = kill_behind_the_teller;
    CHECK_STR(play_run(&play), "live");
    CHECK_INT(play.starts, 2);
    CHECK_STR(play_text(play.steps[3].results, "version_seen"), "1.0.0");
    kill(app, SIGKILL);
    (void)waitpid(app, NULL, 0);
    play_free(&play);
}

int main(void)
{
    (void)signal(SIGPIPE, SIG_IGN);
    if (crypto_start(NULL) != 0)
        return 1;
    if (!lab_start(&lab, NULL))
        printf("# the private sshd did not start\n");
    TAP_RUN(an_app_that_answers_well_so_often_in_a_row_is_healthy);
    TAP_RUN(an_app_whose_health_flaps_is_not_healthy);
    TAP_RUN(good_answers_must_last_through_the_soak_time);
    TAP_RUN(an_old_version_that_still_answers_is_not_the_new_release);
    TAP_RUN(an_app_that_says_it_is_not_well_is_not_healthy);
    TAP_RUN(where_ssh_may_not_forward_the_server_asks_itself);
    TAP_RUN(a_script_says_which_port_is_asked_also_to_a_runner_that_takes_over);
    lab_stop(&lab);
    return tap_done();
}
