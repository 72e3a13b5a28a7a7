/* ask_login.c - the verbs that begin and end sessions, the socket itself, and what slows down who
 * guesses. */
#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/un.h>
#include "tests/db/ask_fixture.h"
#include "lib/base/io.h"

static char program[512]; /* this test: started again as the ask child */

/* --- set-up, login, logout --- */

static void set_up_makes_the_first_admin_once(void)
{
    struct asking a;
    char token[CRYPTO_TOKEN_TEXT];
    struct session_row row;

    asking_fresh(&a);
    refused(set_up(&a, "guess"), "denied");
    MUST(vault_new_setup_token(a.f.vault, token, &fixture_err));
    CHECK(strstr(refused(
                     put_question(&a, "setup", NULL,
                                  json_pack("{s:s, s:s, s:s, s:s}", "setup_token", token, "login",
                                            "ann", "name", "Ann", "password", sealed(&a, "short"))),
                     "input"),
                 "12 characters")
          != NULL);
    take_token(a.token, set_up(&a, token));
    CHECK(session_by_token(a.f.shared, a.token, clock_now_ms(), &row, NULL) == 0);
    CHECK_STR(row.login, "ann");
    CHECK_STR(row.name, "Ann Example");
    CHECK_INT(row.role, ROLE_ADMIN);
    CHECK(vault_session_is_ours(a.f.vault, &row));
    refused(set_up(&a, token), "conflict");
    CHECK_INT(events(&a, "user.setup", "ok"), 1);
    asking_end(&a);
}

static void set_up_cut_off_before_the_vault_can_be_repeated(void)
{
    struct asking a;
    char token[CRYPTO_TOKEN_TEXT];

    asking_fresh(&a);
    MUST(user_add(a.f.shared, "0123456789abcdefghjkmnpqrs", "ann", "Ann Example", &fixture_err));
    MUST(vault_new_setup_token(a.f.vault, token, &fixture_err));
    take_token(a.token, set_up(&a, token));
    asking_end(&a);
}

static void a_login_gives_a_session_and_a_logout_ends_it(void)
{
    struct asking a;
    char token[CRYPTO_TOKEN_TEXT];
    struct session_row row;
    struct err err = {0};
    json_t *answer;

    asking_start(&a);
    take_token(token, login(&a, "ANN", PASSWORD));
    CHECK(session_by_token(a.f.shared, token, clock_now_ms(), &row, NULL) == 0);
    CHECK(session_by_token(a.f.shared, token, clock_now_ms() + SESSION_IDLE_MS + 1, &row, &err)
          == -1);
    CHECK_INT(err.code, ERR_SIGNED_OUT);
    CHECK(session_by_token(a.f.shared, token, clock_now_ms() + SESSION_LIFE_MS + 1, &row, &err)
          == -1);
    answer = put_question(&a, "logout", token, json_object());
    CHECK(is_ok(answer));
    json_decref(answer);
    CHECK(session_by_token(a.f.shared, token, clock_now_ms(), &row, &err) == -1);
    refused(put_question(&a, "logout", token, json_object()), "signed-out");
    CHECK(session_by_token(a.f.shared, a.token, clock_now_ms(), &row, NULL)
          == 0); /* the other one lives */
    asking_end(&a);
}

static void wrong_login_and_wrong_password_say_the_same(void)
{
    struct asking a;
    char first[600];

    asking_start(&a);
    add_user(&a, "u2", "bob", "", "", ROLE_NONE);
    snprintf(first, sizeof first, "%s", refused(login(&a, "ann", "not the password"), "denied"));
    CHECK_STR(refused(login(&a, "nobody-here", PASSWORD), "denied"), first);
    CHECK_STR(refused(login(&a, "../../etc", ""), "denied"), first);
    refused(login(&a, "bob", PASSWORD), "denied"); /* right, but nothing is granted to him */
    CHECK_INT(fixture_sql(a.f.shared_path, "UPDATE user SET disabled_at = 1 WHERE login = 'bob'"),
              0);
    MUST(vault_grant(a.f.vault, &(struct grant){"u2", "", "", ROLE_VIEWER, "test"}, &fixture_err));
    CHECK_STR(refused(login(&a, "bob", PASSWORD), "denied"), first);
    asking_end(&a);
}

static int64_t time_of_login(struct asking *a, const char *who)
{
    int64_t best = INT64_MAX;

    for (int i = 0; i < 5; i++) { /* the quickest of them: the machine may be busy */
        int64_t start = clock_mono_ms(), took;

        json_decref(login(a, who, "not the password"));
        took = clock_mono_ms() - start;
        best = took < best ? took : best;
    }
    return best;
}

static void unknown_users_take_as_long_as_known_ones(void)
{
    struct asking a;
    int64_t known, unknown;

    asking_start(&a);
    known = time_of_login(&a, "ann");
    unknown = time_of_login(&a, "nobody-here");
    if (unknown * 2 < known || known * 2 < unknown)
        printf("# known %lld ms, unknown %lld ms\n", (long long)known, (long long)unknown);
    CHECK(unknown >= 10 && unknown * 2 >= known && known * 2 >= unknown);
    asking_end(&a);
}

static void a_session_row_the_web_made_up_is_worth_nothing(void)
{
    struct asking a;
    struct session_row row;

    asking_start(&a);
    add_user(&a, "u2", "bob", "", "", ROLE_VIEWER);
    take_token(a.token, login(&a, "bob", PASSWORD));
    CHECK_INT(
        fixture_sql(a.f.shared_path, "UPDATE session SET role = 'admin' WHERE user_id = 'u2'"), 0);
    CHECK(session_by_token(a.f.shared, a.token, clock_now_ms(), &row, NULL) == 0);
    refused(put_question(&a, "logout", a.token, json_object()), "signed-out");
    refused(put_question(&a, "server.add", a.token, json_object()), "signed-out");
    asking_end(&a);
}

/* --- throttling --- */

static void guessing_is_slowed_down_for_known_and_unknown_alike(void)
{
    static const char *const who[] = {"ann", "nobody-here"};

    for (size_t i = 0; i < COUNT_OF(who); i++) {
        struct asking a;
        int tries = 0;
        json_t *answer;

        asking_start(&a);
        while (tries < 20) {
            answer = login(&a, who[i], "not the password");
            tries++;
            if (strcmp(json_string_value(json_object_get(answer, "code")), "throttled") == 0)
                break;
            json_decref(answer);
        }
        CHECK(tries >= 6 && tries <= 10); /* a guess that takes a second lets its wait pass */
        CHECK(strstr(refused(answer, "throttled"), "Wait 1 seconds") != NULL);
        refused(login(&a, who[i], PASSWORD), "throttled"); /* also with the right one */
        a.ip = "192.0.2.8"; /* another address: the account's own wait is over in a second */
        clock_sleep_ms(1100);
        take_token(a.token, login(&a, "ann", PASSWORD));
        asking_end(&a);
    }
}

static void an_address_that_tries_many_accounts_is_slowed_down(void)
{
    struct asking a;
    char who[20];
    int tries = 0;

    asking_start(&a);
    CHECK_INT(fixture_sql(a.f.shared_path,
                          "INSERT INTO login_failure VALUES ('address:2001:db8::/64', 19,"
                          " unixepoch() * 1000, unixepoch() * 1000, 0, 0, unixepoch() * 1000)"),
              0);
    a.ip = "2001:db8::1";
    for (; tries < 5; tries++) {
        json_t *answer;

        snprintf(who, sizeof who, "user%d", tries);
        a.ip = tries % 2 ? "2001:db8::1" : "2001:db8::ffff:2"; /* the same /64 */
        answer = login(&a, who, "x");
        if (strcmp(json_string_value(json_object_get(answer, "code")), "throttled") == 0)
            tries += 100;
        json_decref(answer);
    }
    CHECK_INT(tries, 102);
    a.ip = "2001:db8:0:1::1";
    take_token(a.token, login(&a, "ann", PASSWORD));
    asking_end(&a);
}

static void failures_are_one_event_a_minute(void)
{
    struct asking a;

    asking_start(&a);
    for (int i = 0; i < 4; i++)
        json_decref(login(&a, "ann", "not the password"));
    CHECK_INT(events(&a, "session.login", "denied"), 1);
    ask_tick(a.f.shared);
    CHECK_INT(events(&a, "session.login", "denied"), 1);
    CHECK_INT(
        fixture_sql(a.f.shared_path, "UPDATE login_failure SET reported_at = reported_at - 61000"),
        0);
    ask_tick(a.f.shared);
    CHECK_INT(events(&a, "session.login", "denied"), 2); /* the three that came after the first */
    ask_tick(a.f.shared);
    CHECK_INT(events(&a, "session.login", "denied"), 2);
    asking_end(&a);
}

static void a_full_queue_is_told_to_come_back(void)
{
    struct asking a;
    char path[300];
    int fds[10];

    asking_start(&a);
    for (int i = 0; i < 10; i++) {
        snprintf(path, sizeof path, "%s/run/%s.%d", a.f.var, i < 2 ? "slot" : "queue",
                 i < 2 ? i : i - 2);
        fds[i] = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        CHECK(fds[i] >= 0 && flock(fds[i], LOCK_EX | LOCK_NB) == 0);
    }
    refused(login(&a, "ann", PASSWORD), "throttled");
    for (int i = 0; i < 10; i++)
        close(fds[i]);
    take_token(a.token, login(&a, "ann", PASSWORD)); /* and it did not count as a failure */
    asking_end(&a);
}

/* --- password --- */

static void changing_the_password_ends_every_other_session(void)
{
    struct asking a;
    char other[CRYPTO_TOKEN_TEXT], fresh[CRYPTO_TOKEN_TEXT];
    struct session_row row;

    asking_start(&a);
    take_token(other, login(&a, "ann", PASSWORD));
    CHECK(strstr(refused(put_question(&a, "password.change", a.token,
                                      json_pack("{s:s, s:s}", "current", sealed(&a, "wrong"),
                                                "password", sealed(&a, "another good password"))),
                         "input"),
                 "current")
          != NULL);
    take_token(fresh, put_question(&a, "password.change", a.token,
                                   json_pack("{s:s, s:s}", "current", sealed(&a, PASSWORD),
                                             "password", sealed(&a, "another good password"))));
    CHECK(session_by_token(a.f.shared, a.token, clock_now_ms(), &row, NULL) == -1);
    CHECK(session_by_token(a.f.shared, other, clock_now_ms(), &row, NULL) == -1);
    CHECK(session_by_token(a.f.shared, fresh, clock_now_ms(), &row, NULL) == 0);
    refused(login(&a, "ann", PASSWORD), "denied");
    take_token(fresh, login(&a, "ann", "another good password"));
    CHECK_INT(events(&a, "password.change", "ok"), 1);
    asking_end(&a);
}

static void without_its_event_no_session_begins_or_ends_and_no_password_changes(void)
{
    struct asking a;
    char token[CRYPTO_TOKEN_TEXT];
    struct session_row row;

    asking_start(&a);
    fixture_takes_events(&a.f, false);
    fails(login(&a, "ann", PASSWORD));
    fails(put_question(&a, "logout", a.token, json_object()));
    fails(put_question(&a, "password.change", a.token,
                       json_pack("{s:s, s:s}", "current", sealed(&a, PASSWORD), "password",
                                 sealed(&a, "another good password"))));
    fixture_takes_events(&a.f, true);
    CHECK_INT(fixture_sql(a.f.shared_path, "SELECT 1 / (count(*) = 1) FROM session"), 0);
    CHECK(session_by_token(a.f.shared, a.token, clock_now_ms(), &row, NULL) == 0);
    take_token(token, login(&a, "ann", PASSWORD));
    asking_end(&a);
}

/* --- the socket --- */

/* One question over the real socket, answered by a real child. NULL when no answer came. */
static json_t *over_socket(struct asking *a, int listen_fd, const char *bytes, size_t len)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    static char reply[70000];
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0), status;
    ssize_t got;
    pid_t pid;

    MUST(!fs_join(address.sun_path, sizeof address.sun_path, a->f.var, "run/ask.sock"));
    CHECK(connect(fd, (const struct sockaddr *)&address, sizeof address) == 0);
    CHECK(send(fd, bytes, len, 0) == (ssize_t)len);
    CHECK(io_wait(listen_fd, POLLIN, clock_mono_ms() + 2000) == 1);
    ask_accept(listen_fd, program);
    got = io_wait(fd, POLLIN, clock_mono_ms() + 5000) == 1 ? recv(fd, reply, sizeof reply, 0) : -1;
    close(fd);
    pid = waitpid(-1, &status, 0);
    CHECK(pid > 0 && ask_reaped(pid) && !ask_reaped(pid));
    return got > 0 ? json_loadb(reply, (size_t)got, 0, NULL) : NULL;
}

static json_t *text_over_socket(struct asking *a, int listen_fd, const char *text)
{
    return over_socket(a, listen_fd, text, strlen(text));
}

static void questions_come_over_the_socket(void)
{
    struct asking a;
    struct stat st;
    char path[300], question[5000];
    json_t *answer;
    int fd;

    asking_start(&a);
    setenv("WL_VAR", a.f.var, 1);
    fd = ask_listen(a.f.var, -1, &fixture_err);
    MUST(fd < 0);
    close(fd);
    fd =
        ask_listen(a.f.var, -1, &fixture_err); /* what a worker that died left behind is replaced */
    MUST(fd < 0);
    snprintf(path, sizeof path, "%s/run/ask.sock", a.f.var);
    CHECK(stat(path, &st) == 0 && (st.st_mode & 0777) == 0600);
    answer = text_over_socket(&a, fd, "{\"verb\":\"ping\"}");
    CHECK(is_ok(answer));
    CHECK_STR(json_string_value(json_object_get(answer, "version")), WL_VERSION);
    json_decref(answer);
    snprintf(question, sizeof question,
             "{\"verb\":\"login\",\"login\":\"ann\",\"ip\":\"192.0.2.1\",\"password\":\"%s\"}",
             sealed(&a, PASSWORD));
    take_token(a.token, text_over_socket(&a, fd, question));
    refused(text_over_socket(&a, fd, "{\"verb\":\"logout\"}"), "signed-out");
    close(fd);
    asking_end(&a);
}

static void nonsense_is_answered_with_a_sentence(void)
{
    static const char *const texts[] = {"",
                                        "x",
                                        "[]",
                                        "{\"verb\":1}",
                                        "{\"verb\":\"nosuch\"}",
                                        "{\"verb\":\"ping\"",
                                        "null",
                                        "{\"verb\":\"login\",\"password\":\"!!\"}",
                                        "\xff\xfe",
                                        "{\"verb\":\"server.add\",\"token\":{\"a\":1}}"};
    struct asking a;
    char *big = malloc(66000);
    int fd;

    asking_start(&a);
    MUST(big == NULL);
    setenv("WL_VAR", a.f.var, 1);
    fd = ask_listen(a.f.var, -1, &fixture_err);
    MUST(fd < 0);
    for (size_t i = 1; i < COUNT_OF(texts); i++) {
        json_t *answer = text_over_socket(&a, fd, texts[i]);

        CHECK(json_is_false(json_object_get(answer, "ok")));
        CHECK(json_string_length(json_object_get(answer, "user")) > 10);
        json_decref(answer);
    }
    memset(big, ' ', 66000);
    refused(over_socket(&a, fd, big, 66000), "input");
    free(big);
    close(fd);
    asking_end(&a);
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "-x") == 0)
        return ask_child_main();
    CHECK(readlink("/proc/self/exe", program, sizeof program - 1) > 0);
    TAP_RUN(set_up_makes_the_first_admin_once);
    TAP_RUN(set_up_cut_off_before_the_vault_can_be_repeated);
    TAP_RUN(a_login_gives_a_session_and_a_logout_ends_it);
    TAP_RUN(wrong_login_and_wrong_password_say_the_same);
    TAP_RUN(unknown_users_take_as_long_as_known_ones);
    TAP_RUN(a_session_row_the_web_made_up_is_worth_nothing);
    TAP_RUN(guessing_is_slowed_down_for_known_and_unknown_alike);
    TAP_RUN(an_address_that_tries_many_accounts_is_slowed_down);
    TAP_RUN(failures_are_one_event_a_minute);
    TAP_RUN(a_full_queue_is_told_to_come_back);
    TAP_RUN(changing_the_password_ends_every_other_session);
    TAP_RUN(without_its_event_no_session_begins_or_ends_and_no_password_changes);
    TAP_RUN(questions_come_over_the_socket);
    TAP_RUN(nonsense_is_answered_with_a_sentence);
    return tap_done();
}
