/* authorize.c - whose jobs the worker believes: only those whose sealed proof is of a session it
 * issued itself, for this job, kind and environment, and only while the grant holds. */
#include "tests/db/ask_fixture.h"
#include "worker/authorize.h"

/* A queued job row whose proof is this JSON text, sealed. */
static void job(struct asking *a, const char *id, const char *kind, const char *environment,
                const char *proof)
{
    uint8_t box[2000];
    char hex[4200], text[6000];
    size_t len = strlen(proof);

    MUST(seal_to(a->instance.seal_key, proof, len, box, &fixture_err));
    crypto_hex(hex, sizeof hex, box, len + SEAL_OVERHEAD);
    snprintf(text, sizeof text,
             "INSERT INTO job (id, serial, environment_id, kind, lock_class, params, idem, auth, "
             "requested_by, nonce, created_at) "
             "VALUES ('%s', (SELECT count(*) FROM job) + 1, nullif('%s', ''), '%s', 'none', '{}', "
             "'%s', x'%s', " ANN ", 'n', 1)",
             id, environment, kind, id, hex);
    sql(a, text);
}

static const char *proof_of(const char *token, const char *job_id, const char *kind,
                            const char *environment)
{
    static char text[500];

    snprintf(text, sizeof text,
             "{\"token\":\"%s\",\"job\":\"%s\",\"kind\":\"%s\",\"environment\":\"%s\"}", token,
             job_id, kind, environment);
    return text;
}

static enum err_code judged(struct asking *a, const char *id, struct requester *who)
{
    struct err err = {0};

    if (authorize_job(a->f.shared, a->f.vault, id, who, &err) == 0)
        return ERR_NONE;
    CHECK_INT(who->role, ROLE_NONE);
    CHECK(err.user[0] != '\0');
    return err.code;
}

static void a_job_with_its_own_proof_is_believed(void)
{
    struct asking a;
    struct requester who;

    asking_with_environment(&a);
    job(&a, "j1", "deploy", ENV, proof_of(a.token, "j1", "deploy", ENV));
    CHECK_INT(judged(&a, "j1", &who), ERR_NONE);
    CHECK_STR(who.actor.kind, "user");
    CHECK_STR(who.actor.name, "ann");
    CHECK_INT(who.role, ROLE_ADMIN);
    CHECK(!who.is_command_line);
    job(&a, "j2", "check", "", proof_of(a.token, "j2", "check", ""));
    CHECK_INT(judged(&a, "j2", &who), ERR_NONE);
    asking_end(&a);
}

static void a_proof_of_another_job_kind_or_environment_is_refused(void)
{
    struct asking a;
    struct requester who;

    asking_with_environment(&a);
    job(&a, "j1", "deploy", ENV, proof_of(a.token, "other", "deploy", ENV));
    job(&a, "j2", "command", ENV, proof_of(a.token, "j2", "deploy", ENV));
    job(&a, "j3", "deploy", ENV, proof_of(a.token, "j3", "deploy", ENV2));
    job(&a, "j4", "deploy", ENV, proof_of(a.token, "j4", "deploy", ""));
    job(&a, "j5", "deploy", ENV, "{}");
    job(&a, "j6", "deploy", ENV, "not json");
    job(&a, "j7", "deploy", ENV, "[1]");
    for (char id[] = "j1"; id[1] <= '7'; id[1]++)
        CHECK_INT(judged(&a, id, &who), ERR_DENIED);
    job(&a, "j8", "deploy", ENV, proof_of(a.token, "j8", "deploy", ENV));
    sql(&a, "UPDATE job SET auth = x'00' WHERE id = 'j8'");
    CHECK_INT(judged(&a, "j8", &who), ERR_DENIED);
    sql(&a, "UPDATE job SET auth = (SELECT auth FROM job WHERE id = 'j1') WHERE id = 'j8'");
    CHECK_INT(judged(&a, "j8", &who), ERR_DENIED);
    asking_end(&a);
}

static void a_job_of_an_ended_or_forged_session_is_refused(void)
{
    struct asking a;
    struct requester who;
    char token[CRYPTO_TOKEN_TEXT];

    asking_with_environment(&a);
    job(&a, "j1", "deploy", ENV, proof_of("no-such-token", "j1", "deploy", ENV));
    CHECK_INT(judged(&a, "j1", &who), ERR_SIGNED_OUT);
    take_token(token, login(&a, "ann", PASSWORD));
    job(&a, "j2", "deploy", ENV, proof_of(token, "j2", "deploy", ENV));
    CHECK_INT(judged(&a, "j2", &who), ERR_NONE);
    json_decref(put_question(&a, "logout", token, json_object()));
    CHECK_INT(judged(&a, "j2", &who), ERR_SIGNED_OUT);
    add_user(&a, "u2", "bob", APP, "", ROLE_VIEWER);
    take_token(token, login(&a, "bob", PASSWORD));
    job(&a, "j3", "deploy", ENV, proof_of(token, "j3", "deploy", ENV));
    CHECK_INT(judged(&a, "j3", &who), ERR_DENIED); /* a viewer does not deploy */
    sql(&a, "UPDATE session SET role = 'admin' WHERE user_id = 'u2'");
    CHECK_INT(judged(&a, "j3", &who), ERR_DENIED); /* nor with a role the web side wrote */
    sql(&a, "UPDATE session SET expires_at = expires_at + 1000000, role = 'viewer' WHERE user_id = "
            "'u2'");
    CHECK_INT(judged(&a, "j3", &who), ERR_DENIED);
    /* What would be enough if rows were believed: an admin's name in bob's session, and more time
     * in the admin's own. */
    take_token(token, login(&a, "bob", PASSWORD));
    job(&a, "j4", "deploy", ENV, proof_of(token, "j4", "deploy", ENV));
    sql(&a, "UPDATE session SET user_id = " ANN " WHERE user_id = 'u2'");
    CHECK_INT(judged(&a, "j4", &who), ERR_DENIED);
    take_token(token, login(&a, "ann", PASSWORD));
    job(&a, "j5", "deploy", ENV, proof_of(token, "j5", "deploy", ENV));
    CHECK_INT(judged(&a, "j5", &who), ERR_NONE);
    sql(&a, "UPDATE session SET expires_at = expires_at + 1000000 WHERE user_id = " ANN);
    CHECK_INT(judged(&a, "j5", &who), ERR_DENIED);
    asking_end(&a);
}

static void the_grant_counts_at_the_moment_the_job_starts(void)
{
    struct asking a;
    struct requester who;

    asking_with_environment(&a);
    add_user(&a, "u2", "bob", APP, "", ROLE_DEPLOYER);
    take_token(a.token, login(&a, "bob", PASSWORD));
    job(&a, "j1", "deploy", ENV, proof_of(a.token, "j1", "deploy", ENV));
    job(&a, "j2", "deploy", ENV2, proof_of(a.token, "j2", "deploy", ENV2));
    job(&a, "j3", "restore", ENV, proof_of(a.token, "j3", "restore", ENV));
    job(&a, "j4", "check", "", proof_of(a.token, "j4", "check", ""));
    CHECK_INT(judged(&a, "j1", &who), ERR_NONE);
    CHECK_INT(judged(&a, "j2", &who), ERR_DENIED); /* another app */
    CHECK_INT(judged(&a, "j3", &who), ERR_DENIED); /* more than a deployer may */
    CHECK_INT(judged(&a, "j4", &who), ERR_DENIED); /* servers are nobody's app */
    CHECK(vault_grant(a.f.vault, &(struct grant){"u2", APP, "", ROLE_NONE, "test"}, NULL) == 0);
    CHECK_INT(judged(&a, "j1", &who), ERR_DENIED);
    asking_end(&a);
}

static void the_command_line_proves_itself_with_the_vault(void)
{
    struct asking a;
    struct requester who;
    char proof[2 * CRYPTO_MAC_BYTES + 1], text[200];

    asking_with_environment(&a);
    vault_command_proof(a.f.vault, "j1", "deploy", proof);
    snprintf(text, sizeof text, "{\"command_line\":true,\"proof\":\"%s\"}", proof);
    job(&a, "j1", "deploy", ENV, text);
    CHECK_INT(judged(&a, "j1", &who), ERR_NONE);
    CHECK(who.is_command_line);
    CHECK_STR(who.actor.kind, "command_line");
    job(&a, "j2", "deploy", ENV, text);
    CHECK_INT(judged(&a, "j2", &who), ERR_DENIED);
    job(&a, "j3", "deploy", ENV, "{\"command_line\":true}");
    CHECK_INT(judged(&a, "j3", &who), ERR_DENIED);
    asking_end(&a);
}

static void a_command_needs_a_password_that_was_entered_lately(void)
{
    struct asking a;
    struct requester who;
    char text[100];

    asking_with_environment(&a);
    job(&a, "j1", "command", ENV, proof_of(a.token, "j1", "command", ENV));
    CHECK_INT(judged(&a, "j1", &who), ERR_NONE); /* who has just signed in */
    let_time_pass(&a, (int64_t)21 * 60 * 1000);
    CHECK_INT(judged(&a, "j1", &who), ERR_DENIED);
    job(&a, "j2", "deploy", ENV, proof_of(a.token, "j2", "deploy", ENV));
    CHECK_INT(judged(&a, "j2", &who), ERR_NONE);
    /* The web side can write the time, and not its MAC. */
    snprintf(text, sizeof text, "UPDATE session SET proved_at = %lld", (long long)clock_now_ms());
    sql(&a, text);
    CHECK_INT(judged(&a, "j1", &who), ERR_DENIED);
    json_decref(put_question(&a, "session.prove", a.token,
                             json_pack("{s:s}", "password", sealed(&a, PASSWORD))));
    CHECK_INT(judged(&a, "j1", &who), ERR_NONE);
    asking_end(&a);
}

int main(void)
{
    TAP_RUN(a_job_with_its_own_proof_is_believed);
    TAP_RUN(a_proof_of_another_job_kind_or_environment_is_refused);
    TAP_RUN(a_job_of_an_ended_or_forged_session_is_refused);
    TAP_RUN(the_grant_counts_at_the_moment_the_job_starts);
    TAP_RUN(the_command_line_proves_itself_with_the_vault);
    TAP_RUN(a_command_needs_a_password_that_was_entered_lately);
    return tap_done();
}
