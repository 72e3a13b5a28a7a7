/* authorize.c - opening a job's sealed proof and believing only what this worker itself once
 * signed. */
#include "worker/authorize.h"

#include "db/jobs_proof.h"
#include "db/sessions.h"
#include "db/vault/access.h"
#include "lib/base/buf.h"
#include "lib/base/clock.h"
#include "lib/base/str.h"

#define PROOF_MAX 4096
/* A command is a shell on a server, so the password must have been entered lately: ten minutes
 * before it was asked for (worker/ask/prove.c), and it may have waited as long. */
#define PASSWORD_LASTS_MS ((int64_t)20 * 60 * 1000)

enum capability authorize_capability(const char *kind)
{
    static const struct {
        const char *kind;
        enum capability capability;
    } NEEDS[] = {
        {"plan", CAP_DEPLOY},           {"deploy", CAP_DEPLOY},
        {"rollback", CAP_DEPLOY},       {"redeploy", CAP_DEPLOY},
        {"promote", CAP_DEPLOY},        {"restart", CAP_DEPLOY},
        {"stop", CAP_DEPLOY},           {"start", CAP_DEPLOY},
        {"maintenance_on", CAP_DEPLOY}, {"maintenance_off", CAP_DEPLOY},
        {"backup", CAP_DEPLOY},         {"verify", CAP_DEPLOY},
        {"command", CAP_COMMAND},       {"logs", CAP_DEPLOY},
        {"restore", CAP_CONFIGURE},     {"fetch", CAP_CONFIGURE},
        {"check", CAP_SERVERS},
    };

    for (size_t i = 0; i < COUNT_OF(NEEDS); i++)
        if (strcmp(NEEDS[i].kind, kind) == 0)
            return NEEDS[i].capability;
    return CAP_NOBODY;
}

static const char *text_of(const json_t *proof, const char *name)
{
    const char *text = json_string_value(json_object_get(proof, name));

    return text == NULL ? "" : text;
}

static int not_proven(struct err *err, const char *why)
{
    err_set(err, ERR_DENIED, "It could not be proven who asked for this job. Start it again.");
    return err_detail(err, "job proof: %s", why);
}

static int open_proof(struct vault *vault, const struct job_proof *job, json_t **proof,
                      struct err *err)
{
    struct err unopened = {0};
    struct buf text;

    buf_init(&text, PROOF_MAX);
    *proof = NULL;
    if (vault_unseal(vault, job->auth, job->auth_len, &text, &unopened) == 0)
        *proof = json_loadb(text.data, text.len, JSON_REJECT_DUPLICATES, NULL);
    buf_wipe(&text);
    buf_deinit(&text);
    return json_is_object(*proof) ? 0 : not_proven(err, "does not open");
}

static int believe_command_line(struct vault *vault, const char *job_id,
                                const struct job_proof *job, const json_t *proof,
                                struct requester *who, struct err *err)
{
    char want[2 * CRYPTO_MAC_BYTES + 1];
    const char *given = text_of(proof, "proof");

    vault_command_proof(vault, job_id, job->kind, want);
    if (strlen(given) != sizeof want - 1 || !crypto_equal(given, want, sizeof want - 1))
        return not_proven(err, "command line proof is wrong");
    who->is_command_line = true;
    who->role = ROLE_ADMIN;
    who->actor = ACTOR_COMMAND_LINE;
    return 0;
}

static bool has_entered_password(const struct vault *vault, const struct session_row *row)
{
    int64_t at = row->created_at;

    if (row->proved_at > at && vault_session_proof_is_ours(vault, row))
        at = row->proved_at;
    return clock_now_ms() - at < PASSWORD_LASTS_MS;
}

static int believe_session(struct db *shared, struct vault *vault, const struct job_proof *job,
                           const json_t *proof, struct requester *who, struct err *err)
{
    struct session_row row;

    if (session_for_job(shared, text_of(proof, "token"), clock_now_ms(), &row, err) != 0)
        return err_wrap(err, "The session that asked for this job has ended");
    if (!vault_session_is_ours(vault, &row))
        return not_proven(err, "session MAC is wrong");
    if (vault_role(vault, row.user_id, job->app_id, job->environment_id, &who->role, err) != 0)
        return -1;
    str_copy(who->user_id, sizeof who->user_id, row.user_id);
    str_copy(who->name, sizeof who->name, row.login);
    who->actor = (struct actor){"user", who->user_id, who->name, "", "", NULL};
    if (!role_may(who->role, authorize_capability(job->kind)))
        return err_set(err, ERR_DENIED, "%s may not start this kind of job here.", row.login);
    if (strcmp(job->kind, "command") == 0 && !has_entered_password(vault, &row))
        return err_set(err, ERR_DENIED,
                       "%s has not entered the password lately. Ask for the command again.",
                       row.login);
    return 0;
}

int authorize_job(struct db *shared, struct vault *vault, const char *job_id, struct requester *who,
                  struct err *err)
{
    struct job_proof job;
    json_t *proof = NULL;
    int rc = -1;

    *who = (struct requester){.actor = {"nobody", "", "", "", "", NULL}};
    if (job_proof_read(shared, job_id, &job, err) != 0 || open_proof(vault, &job, &proof, err) != 0)
        goto out;
    if (json_is_true(json_object_get(proof, "command_line")))
        rc = believe_command_line(vault, job_id, &job, proof, who, err);
    else if (strcmp(text_of(proof, "job"), job_id) != 0
             || strcmp(text_of(proof, "kind"), job.kind) != 0
             || strcmp(text_of(proof, "environment"), job.environment_id) != 0)
        not_proven(err, "made for another job, kind or environment");
    else
        rc = believe_session(shared, vault, &job, proof, who, err);
out:
    if (rc != 0)
        who->role = ROLE_NONE;
    json_decref(proof);
    return rc;
}
