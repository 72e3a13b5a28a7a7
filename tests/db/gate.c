/* gate.c - a lock, as the worker judges it when a job begins: by who asked, as proven, at this
 * moment. */
#include "tests/db/ask_fixture.h"

#include "db/pauses.h"
#include "lib/base/str.h"
#include "worker/authorize.h"
#include "worker/jobs/gate.h"
#include "worker/jobs/kind.h"

/* A queued deploy of this session. */
static void job(struct asking *a, const char *id, const char *token)
{
    uint8_t box[2000];
    char hex[4200], proof[500], text[6000];
    int len = snprintf(proof, sizeof proof,
                       "{\"token\":\"%s\",\"job\":\"%s\",\"kind\":\"deploy\",\"environment\":"
                       "\"" ENV "\"}",
                       token, id);
    MUST(seal_to(a->instance.seal_key, proof, (size_t)len, box, &fixture_err));
    crypto_hex(hex, sizeof hex, box, (size_t)len + SEAL_OVERHEAD);
    snprintf(text, sizeof text,
             "INSERT INTO job (id, serial, environment_id, kind, lock_class, params, idem, auth, "
             "requested_by, nonce, created_at) VALUES ('%s', (SELECT count(*) FROM job) + 1, '" ENV
             "', 'deploy', 'none', '{}', '%s', x'%s', " ANN ", 'n', 1)",
             id, id, hex);
    sql(a, text);
}

/* The refusal, or "". */
static const char *judged(struct asking *a, const char *id, json_t *environment,
                          const char *trigger)
{
    static char text[600];
    struct worker w = {.db = a->f.shared, .vault = a->f.vault};
    struct run run = {.phase = RUN_OPENING};
    struct err err = {0};
    snprintf(run.hold.id, sizeof run.hold.id, "%s", id);
    snprintf(text, sizeof text, "%s",
             job_gate(&w, &run, environment, trigger, &err) == 0 ? "" : err.user);
    return text;
}

static json_t *locked(void)
{
    return json_pack("{s:s, s:s, s:s, s:I, s:s, s:s}", "id", ENV, "app_slug", "shop", "slug",
                     "prod", "locked_at", (json_int_t)1764000000000, "locked_why", "moving",
                     "locked_by_name", "Ann");
}

static void who_may_unlock_acts_and_nobody_else(void)
{
    struct asking a;
    char token[CRYPTO_TOKEN_TEXT];
    json_t *environment = locked(), *open = json_pack("{s:n}", "locked_at");
    asking_with_environment(&a);
    job(&a, "j1", a.token);
    CHECK_STR(judged(&a, "j1", environment, TRIGGER_BUTTON), "");
    CHECK_STR(judged(&a, "j1", environment, TRIGGER_ROLLBACK), "");
    CHECK(strstr(judged(&a, "j1", environment, TRIGGER_TOKEN), "locked since") != NULL);
    CHECK(strstr(judged(&a, "j1", environment, "schedule"), "locked since") != NULL);
    add_user(&a, "u2", "dora", APP, ENV, ROLE_DEPLOYER);
    take_token(token, login(&a, "dora", PASSWORD));
    job(&a, "j2", token);
    CHECK_STR(judged(&a, "j2", environment, TRIGGER_BUTTON),
              "shop / prod is locked since 2025-11-24T16:00:00 UTC by Ann: moving. Who may unlock "
              "it does so on its page Operate.");
    CHECK_STR(judged(&a, "j2", open, TRIGGER_BUTTON), "");
    /* A maintainer until a moment ago. */
    MUST(vault_grant(a.f.vault, &(struct grant){"u2", APP, ENV, ROLE_MAINTAINER, "test"},
                     &fixture_err));
    CHECK_STR(judged(&a, "j2", environment, TRIGGER_BUTTON), "");
    MUST(vault_grant(a.f.vault, &(struct grant){"u2", APP, ENV, ROLE_DEPLOYER, "test"},
                     &fixture_err));
    CHECK(strstr(judged(&a, "j2", environment, TRIGGER_BUTTON), "locked since") != NULL);
    json_decref(environment);
    json_decref(open);
    asking_end(&a);
}

/* A window that holds at any time but one minute of the week. */
#define ALWAYS "{\"zone\":\"UTC\",\"windows\":\"Mon 00:01 - Mon 00:00 # audit\"}"

static const char *deploys(struct asking *a, const char *id, const struct job_kind *kind,
                           const char *trigger, const char *despite)
{
    static char text[600];
    struct worker w = {.db = a->f.shared, .vault = a->f.vault};
    struct run run = {.phase = RUN_OPENING, .kind = kind};
    struct err err = {0};
    json_t *environment = json_pack("{s:s, s:s, s:s, s:s}", "id", ENV, "app_slug", "shop", "slug",
                                    "prod", "freeze", ALWAYS);
    run.job = json_pack("{s:{s:s}}", "params", "despite_freeze", despite);
    run.release = json_object();
    snprintf(run.hold.id, sizeof run.hold.id, "%s", id);
    snprintf(text, sizeof text, "%s",
             job_gate(&w, &run, environment, trigger, &err) == 0 ? "" : err.user);
    json_decref(environment);
    json_decref(run.job);
    json_decref(run.release);
    return text;
}

static void within_a_freeze_an_admin_says_why_and_nobody_else_deploys(void)
{
    struct asking a;
    char token[CRYPTO_TOKEN_TEXT];
    asking_with_environment(&a);
    job(&a, "j1", a.token);
    add_user(&a, "u2", "mona", APP, ENV, ROLE_MAINTAINER);
    take_token(token, login(&a, "mona", PASSWORD));
    job(&a, "j2", token);
    CHECK(strstr(deploys(&a, "j1", &JOB_DEPLOY, TRIGGER_BUTTON, ""),
                 "Deploys to shop / prod are frozen (audit) until Mon ")
          != NULL);
    CHECK_STR(deploys(&a, "j1", &JOB_DEPLOY, TRIGGER_BUTTON, "it burns"), "");
    CHECK(deploys(&a, "j1", &JOB_DEPLOY, TRIGGER_TOKEN, "it burns")[0] != '\0');
    CHECK(deploys(&a, "j2", &JOB_DEPLOY, TRIGGER_BUTTON, "it burns")[0] != '\0');
    CHECK(deploys(&a, "j2", &JOB_REDEPLOY, TRIGGER_REDEPLOY, "")[0] != '\0');
    CHECK_STR(deploys(&a, "j2", &JOB_ROLLBACK, TRIGGER_ROLLBACK, ""), "");
    asking_end(&a);
}

static void a_proof_that_does_not_open_is_no_reason_to_go_on(void)
{
    struct asking a;
    json_t *environment = locked();
    asking_with_environment(&a);
    job(&a, "j1", a.token);
    sql(&a, "UPDATE job SET auth = x'00' WHERE id = 'j1'");
    CHECK(judged(&a, "j1", environment, TRIGGER_BUTTON)[0] != '\0');
    json_decref(environment);
    asking_end(&a);
}

int main(void)
{
    TAP_RUN(who_may_unlock_acts_and_nobody_else);
    TAP_RUN(within_a_freeze_an_admin_says_why_and_nobody_else_deploys);
    TAP_RUN(a_proof_that_does_not_open_is_no_reason_to_go_on);
    return tap_done();
}
