/* vault_rotate_kills.c - a rotation that is killed at any point leaves the old key or the new one,
 * never a mix; and others read and write meanwhile. */
#include <signal.h>
#include "tests/db/vault_fixture.h"

static int rotate(struct filled *v, struct vault_rotation *done, struct err *err)
{
    return vault_rotate(v->f.var, v->f.shared, NULL, done, err);
}

/* --- killed --- */

struct killer {
    enum vault_rotate_point point;
    int after; /* how often it is reached before */
};

static void kill_there(enum vault_rotate_point point, void *context)
{
    struct killer *killer = context;

    if (point == killer->point && killer->after-- == 0)
        raise(SIGKILL);
}

/* `vault_rotate_kills die VAR POINT AFTER`: a process that has nothing in common with this one. */
static int die_main(char **argv)
{
    struct killer killer = {(enum vault_rotate_point)strtol(argv[3], NULL, 10),
                            (int)strtol(argv[4], NULL, 10)};
    const struct vault_watch watch = {kill_there, &killer};
    struct vault_rotation done;
    struct db *shared = NULL;
    char path[400];

    snprintf(path, sizeof path, "%s/db/windlass.db", argv[2]);
    if (crypto_start(NULL) != 0 || db_open(path, DB_SHARED, DB_ROLE_WORKER, &shared, NULL) != 0)
        return 2;
    return vault_rotate(argv[2], shared, &watch, &done, NULL) == 0 ? 0 : 1;
}

static void rotate_and_die(struct filled *v, struct killer killer)
{
    char point[16], after[16];
    pid_t pid = fork();
    int status = 0;

    if (pid == 0) {
        snprintf(point, sizeof point, "%d", (int)killer.point);
        snprintf(after, sizeof after, "%d", killer.after);
        execl("/proc/self/exe", "vault_rotate_kills", "die", v->f.var, point, after, (char *)NULL);
        _exit(127);
    }
    MUST(pid < 0 || waitpid(pid, &status, 0) != pid);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

/* After the kill: one or the other, for who had it open and for who opens it. */
static void check_after_kill(struct filled *v, const struct killer *killer, const char *old_number)
{
    struct vault_rotation done;
    char number[VAULT_KEY_ID_SIZE], now[VAULT_KEY_ID_SIZE];
    bool is_new = killer->point >= ROTATE_COMMITTED;
    int64_t events;
    bool opens = all_is_there(v, v->f.vault) && all_is_there_anew(v);

    CHECK(opens);
    if (!opens)
        return;
    vault_key_id(v->f.vault, number);
    CHECK((strcmp(number, old_number) != 0) == is_new);
    events = key_events(v, "key.rotate");
    CHECK(is_new ? events <= 1 : events == 0);
    if (killer->point % 2 == 0) { /* the worker starts anew */
        vault_close(v->f.vault);
        CHECK(vault_prepare(v->f.var, v->f.shared, NULL) == 0);
        MUST(vault_open(v->f.var, DB_ROLE_WORKER, &v->f.vault, &fixture_err));
        CHECK_INT(key_events(v, "key.rotate"), is_new ? 1 : 0);
        CHECK_INT(ask_number(v->f.vault_path, "SELECT settled FROM master_key"), 1);
        CHECK(!is_new || !has_key_file(v, "master.key.next"));
        CHECK(all_is_there_anew(v));
    }
    /* The command again: it finishes, or starts over. */
    CHECK(rotate(v, &done, &fixture_err) == 0);
    CHECK(done.only_finished == (is_new && killer->point % 2 != 0));
    CHECK(all_is_there(v, v->f.vault));
    CHECK(all_is_there_anew(v));
    vault_key_id(v->f.vault, now);
    CHECK_STR(now, done.after);
    CHECK(done.only_finished ? strcmp(now, number) == 0 : strcmp(now, number) != 0);
    CHECK(!has_key_file(v, "master.key.next"));
    CHECK_INT(key_events(v, "key.rotate"), is_new && !done.only_finished ? 2 : 1);
    CHECK_INT(ask_number(v->f.vault_path, "SELECT settled FROM master_key"), 1);
}

static void killed_at_any_point_it_is_the_old_key_or_the_new(void)
{
    static const struct killer KILLERS[] = {
        {ROTATE_BEGUN, 0},     {ROTATE_KEY_WRITTEN, 0}, {ROTATE_VALUE, 0},  {ROTATE_VALUE, 1},
        {ROTATE_VALUE, 2},     {ROTATE_VALUE, 6},       {ROTATE_VALUE, 40}, {ROTATE_VALUE, 80},
        {ROTATE_ENCRYPTED, 0}, {ROTATE_COMMITTED, 0},   {ROTATE_NOTED, 0},  {ROTATE_RENAMED, 0},
        {ROTATE_SCRUBBED, 0},
    };
    static struct filled v;
    struct audit_report report;

    for (size_t i = 0; i < COUNT_OF(KILLERS); i++) {
        char number[VAULT_KEY_ID_SIZE];

        fill(&v);
        vault_key_id(v.f.vault, number);
        printf("# killed at %s %d\n", vault_rotate_point_name(KILLERS[i].point), KILLERS[i].after);
        rotate_and_die(&v, KILLERS[i]);
        check_after_kill(&v, &KILLERS[i], number);
        CHECK(audit_verify(v.f.shared, &report, NULL) == 0 && report.ok);
        fill_end(&v);
    }
}

static void what_a_broken_off_rotation_left_is_never_taken_for_the_key(void)
{
    static struct filled v;
    struct vault_rotation done;

    fill(&v);
    rotate_and_die(&v, (struct killer){ROTATE_ENCRYPTED, 0});
    CHECK(has_key_file(&v, "master.key.next"));
    CHECK(all_is_there_anew(&v));
    CHECK(has_key_file(&v, "master.key.next")); /* only a rotation replaces it */
    CHECK(rotate(&v, &done, NULL) == 0 && !done.only_finished);
    CHECK(all_is_there_anew(&v));
    fill_end(&v);
}

/* --- beside it --- */

/* `vault_rotate_kills busy VAR reads|writes`: until killed; ends by itself at the first thing
 * wrong. */
static int busy_main(char **argv)
{
    bool writes = strcmp(argv[3], "writes") == 0;
    struct vault *vault = NULL;

    log_init("test", LOG_LEVEL_ERROR);
    if (crypto_start(NULL) != 0 || vault_open(argv[2], DB_ROLE_WORKER, &vault, NULL) != 0)
        return 3;
    for (int64_t number = 100; number < 1000000; number++) {
        struct secret_value value = {"A", "value of a", 10};

        if (writes && vault_put_secrets(vault, ENV_B, number, &value, 1, NULL) != 0)
            return 4;
        if (!holds(vault, ENV_A, 1 + number % 12, "B", "value of b", 10)
            || (writes && !holds(vault, ENV_B, number, "A", "value of a", 10)))
            return 5;
        if (number % 10 == 0) {
            vault_close(vault);
            vault = NULL;
            if (vault_open(argv[2], DB_ROLE_WORKER, &vault, NULL) != 0)
                return 6;
        }
    }
    return 7;
}

static pid_t start_busy(struct filled *v, const char *how)
{
    pid_t pid = fork();

    if (pid == 0) {
        execl("/proc/self/exe", "vault_rotate_kills", "busy", v->f.var, how, (char *)NULL);
        _exit(127);
    }
    MUST(pid < 0);
    return pid;
}

static void check_still_busy(pid_t pid)
{
    int status = 0;

    CHECK(waitpid(pid, &status, WNOHANG) == 0);
    if (kill(pid, SIGKILL) == 0 && status == 0)
        MUST(waitpid(pid, &status, 0) != pid);
    if (WIFEXITED(status))
        printf("# it ended with %d\n", WEXITSTATUS(status));
    CHECK(WIFSIGNALED(status));
}

static void readers_and_writers_notice_nothing(void)
{
    static struct filled v;
    struct err err = {0};
    pid_t reader, writer;

    fill(&v);
    reader = start_busy(&v, "reads");
    writer = start_busy(&v, "writes");
    for (int i = 0; i < 12; i++) {
        struct vault_rotation done;

        err = (struct err){0};
        clock_sleep_ms(60);
        if (rotate(&v, &done, &err) != 0 && err.code != ERR_BUSY)
            printf("# %s [%s]\n", err.user, err.detail);
        CHECK(err.code == ERR_NONE || err.code == ERR_BUSY);
        CHECK(all_is_there(&v, v.f.vault));
    }
    check_still_busy(reader);
    check_still_busy(writer);
    CHECK(all_is_there_anew(&v));
    CHECK(key_events(&v, "key.rotate") >= 6);
    fill_end(&v);
}

int main(int argc, char **argv)
{
    if (argc == 5 && strcmp(argv[1], "die") == 0)
        return die_main(argv);
    if (argc == 4 && strcmp(argv[1], "busy") == 0)
        return busy_main(argv);
    TAP_RUN(killed_at_any_point_it_is_the_old_key_or_the_new);
    TAP_RUN(what_a_broken_off_rotation_left_is_never_taken_for_the_key);
    TAP_RUN(readers_and_writers_notice_nothing);
    return tap_done();
}
