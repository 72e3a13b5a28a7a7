/* history.c - the audit chain: what a forger with the database file in hand can and cannot hide.
 *
 * The forgeries are done with the sqlite3 program after dropping the append-only triggers, as
 * somebody would who has the file. */
#include "tests/db/fixture.h"

#define DROP_TRIGGERS                                                                              \
    "DROP TRIGGER audit_event_is_append_only_update; DROP TRIGGER "                                \
    "audit_event_is_append_only_delete; "

static int add(struct fixture *f, const char *name, struct err *err)
{
    struct audit_entry entry = {.actor = &ACTOR_SYSTEM,
                                .verb = "test.note",
                                .target_kind = "thing",
                                .target_name = name,
                                .detail = json_pack("{s:s, s:i}", "z", "last", "a", 1)};

    if (db_begin(f->shared, err) != 0)
        return -1;
    if (audit_append(f->shared, &entry, err) == 0 && db_commit(f->shared, err) == 0)
        return 0;
    db_rollback(f->shared);
    return -1;
}

/* Five events and the instance's own; the head is signed after the fourth and the sixth. */
static void history(struct fixture *f)
{
    int64_t seq = 0;

    fixture_full(f);
    MUST(add(f, "one", &fixture_err));
    MUST(add(f, "two", &fixture_err));
    MUST(add(f, "three", &fixture_err));
    MUST(vault_sign_head(f->vault, f->shared, &seq, &fixture_err));
    CHECK_INT(seq, 4);
    MUST(add(f, "four", &fixture_err));
    MUST(add(f, "five", &fixture_err));
    MUST(vault_sign_head(f->vault, f->shared, &seq, &fixture_err));
    CHECK_INT(seq, 6);
}

/* After a change of the schema by others a connection refuses to go on, so take a new one. */
static void reopen(struct fixture *f)
{
    db_close(f->shared);
    f->shared = NULL;
    MUST(db_open(f->shared_path, DB_SHARED, DB_ROLE_WORKER, &f->shared, &fixture_err));
}

static struct audit_report verify(struct fixture *f)
{
    struct audit_report report = {0};
    struct err err = {0};

    reopen(f);
    if (audit_verify(f->shared, &report, &err) != 0)
        printf("# verify: %s [%s]\n", err.user, err.detail);
    return report;
}

/* Apply the forgery and say what verify finds. */
static struct audit_report forged(const char *sql)
{
    struct fixture f;
    struct audit_report report;
    char text[2000];

    history(&f);
    snprintf(text, sizeof text, DROP_TRIGGERS "%s", sql);
    CHECK_INT(fixture_sql(f.shared_path, text), 0);
    report = verify(&f);
    fixture_end(&f);
    return report;
}

static void an_untouched_history_is_whole(void)
{
    struct fixture f;
    struct audit_report report;
    int64_t seq = 1;

    history(&f);
    report = verify(&f);
    CHECK(report.ok);
    CHECK_INT(report.events, 6);
    CHECK_INT(report.heads, 2);
    CHECK(vault_sign_head(f.vault, f.shared, &seq, NULL) == 0);
    CHECK_INT(seq, 0); /* nothing new to sign */
    fixture_end(&f);
}

static void an_edited_event_is_found(void)
{
    struct audit_report report = forged("UPDATE audit_event SET target_name = 'twx' WHERE seq = 3");

    CHECK(!report.ok);
    CHECK_INT(report.first_bad, 3);
    CHECK(strstr(report.why, "changed") != NULL);
}

static void every_column_is_under_the_hash(void)
{
    static const char *const edits[] = {"at = at + 1",         "actor_kind = 'user'",
                                        "actor_id = 'x'",      "actor_name = 'x'",
                                        "verb = 'x.y'",        "target_kind = 'x'",
                                        "target_id = 'x'",     "app_id = ''",
                                        "environment_id = ''", "ip = 'x'",
                                        "request_id = 'x'",    "result = 'failed'",
                                        "detail = '{\"a\":2}'"};

    for (size_t i = 0; i < COUNT_OF(edits); i++) {
        char sql[200];
        struct audit_report report;

        snprintf(sql, sizeof sql, "UPDATE audit_event SET %s WHERE seq = 3", edits[i]);
        report = forged(sql);
        if (report.ok || report.first_bad != 3)
            printf("# not found: %s\n", edits[i]);
        CHECK(!report.ok && report.first_bad == 3);
    }
}

static void a_deleted_event_is_found(void)
{
    struct audit_report report = forged("DELETE FROM audit_event WHERE seq = 3");

    CHECK(!report.ok);
    CHECK_INT(report.first_bad, 3);
    CHECK(strstr(report.why, "missing") != NULL);
}

static void reordered_events_are_found(void)
{
    struct audit_report report = forged("UPDATE audit_event SET seq = 99 WHERE seq = 3;"
                                        "UPDATE audit_event SET seq = 3 WHERE seq = 4;"
                                        "UPDATE audit_event SET seq = 4 WHERE seq = 99");

    CHECK(!report.ok);
    CHECK_INT(report.first_bad, 3);
}

static void a_tail_cut_off_is_found(void)
{
    struct audit_report report = forged("DELETE FROM audit_event WHERE seq > 4");

    CHECK(!report.ok);
    CHECK_INT(report.first_bad, 5);
    CHECK(strstr(report.why, "end is missing") != NULL);
}

static void a_forged_head_is_found(void)
{
    struct audit_report report = forged("DELETE FROM audit_event WHERE seq > 5;"
                                        "UPDATE audit_head SET seq = 5, hash = (SELECT hash FROM "
                                        "audit_event WHERE seq = 5) WHERE seq = 6");

    CHECK(!report.ok);
    CHECK(strstr(report.why, "signature") != NULL);
}

/* Somebody who knows the format writes the end of the history afresh, with right hashes: only the
 * head tells. */
static void a_history_written_afresh_is_found(void)
{
    struct fixture f;
    struct audit_report report;

    history(&f);
    CHECK_INT(fixture_sql(f.shared_path, DROP_TRIGGERS "DELETE FROM audit_event WHERE seq > 3"), 0);
    reopen(&f);
    CHECK(add(&f, "three, but other", NULL) == 0);
    CHECK(add(&f, "four", NULL) == 0);
    CHECK(add(&f, "five", NULL) == 0);
    report = verify(&f);
    CHECK(!report.ok);
    CHECK_INT(report.first_bad, 4);
    CHECK(strstr(report.why, "signed") != NULL);
    fixture_end(&f);
}

static void events_cannot_be_changed_while_the_triggers_are_there(void)
{
    struct fixture f;

    history(&f);
    CHECK(fixture_sql(f.shared_path, "UPDATE audit_event SET verb = 'x' WHERE seq = 2") != 0);
    CHECK(fixture_sql(f.shared_path, "DELETE FROM audit_event WHERE seq = 2") != 0);
    CHECK(fixture_sql(f.shared_path,
                      "INSERT OR REPLACE INTO audit_event SELECT * FROM audit_event WHERE seq = 2")
          != 0);
    CHECK(verify(&f).ok);
    fixture_end(&f);
}

static void no_event_no_change(void)
{
    struct fixture f;
    struct audit_entry bad = {
        .actor = &ACTOR_SYSTEM, .verb = "test.note", .result = "no such result"};
    struct audit_entry good = {.actor = &ACTOR_SYSTEM, .verb = "test.note"};
    struct err err = {0};

    history(&f);
    CHECK(audit_append(f.shared, &good, &err) == -1); /* no transaction is open */
    CHECK(db_begin(f.shared, &err) == 0);
    CHECK(session_prune(f.shared, 0, &err) == 0);
    CHECK(audit_append(f.shared, &bad, &err) == -1);
    db_rollback(f.shared);
    CHECK(db_begin(f.shared, &err) == 0);
    CHECK(audit_append(f.shared, &good, &err) == 0);
    db_rollback(f.shared);
    CHECK(verify(&f).ok);
    CHECK_INT(verify(&f).events, 6);
    fixture_end(&f);
}

static void pages_are_newest_first_and_filtered(void)
{
    struct fixture f;
    json_t *filter = json_pack("{s:s}", "verb", "test.*"), *events = NULL;

    history(&f);
    CHECK(audit_list(f.shared, filter, 0, 2, &events, NULL) == 0);
    CHECK_INT(json_array_size(events), 2);
    CHECK_INT(json_integer_value(json_object_get(json_array_get(events, 0), "seq")), 6);
    json_decref(events);
    CHECK(audit_list(f.shared, filter, 3, 10, &events, NULL) == 0);
    CHECK_INT(json_array_size(events), 1);
    json_decref(events);
    json_object_set_new(filter, "verb", json_string("test"));
    CHECK(audit_list(f.shared, filter, 0, 10, &events, NULL) == 0);
    CHECK_INT(json_array_size(events), 0);
    json_decref(events);
    json_decref(filter);
    fixture_end(&f);
}

int main(void)
{
    TAP_RUN(an_untouched_history_is_whole);
    TAP_RUN(an_edited_event_is_found);
    TAP_RUN(every_column_is_under_the_hash);
    TAP_RUN(a_deleted_event_is_found);
    TAP_RUN(reordered_events_are_found);
    TAP_RUN(a_tail_cut_off_is_found);
    TAP_RUN(a_forged_head_is_found);
    TAP_RUN(a_history_written_afresh_is_found);
    TAP_RUN(events_cannot_be_changed_while_the_triggers_are_there);
    TAP_RUN(no_event_no_change);
    TAP_RUN(pages_are_newest_first_and_filtered);
    return tap_done();
}
