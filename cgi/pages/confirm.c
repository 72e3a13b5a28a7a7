/* confirm.c - what was confirmed is what is asked for (confirm.h). */
#include "cgi/pages/confirm.h"

#include <stdlib.h>
#include <string.h>
#include "cgi/http/ask.h"
#include "cgi/pages/page.h"
#include "cgi/pages/row.h"
#include "cgi/pages/submit.h"
#include "db/json_text.h"
#include "db/pauses.h"
#include "lib/domain/plan.h"
#include "lib/domain/validate.h"

#define IDEM_MAX  64
#define BASIS_MAX ((size_t)256 * 1024)

int confirm_field(struct request *req, const json_t *basis, char hash[65], const char **field,
                  struct err *err)
{
    char *text = NULL, *coded;
    size_t len;
    if (plan_hash(basis, hash, err) != 0 || json_text(basis, &text, err) != 0)
        return -1;
    len = strlen(text);
    coded = arena_alloc(req->arena, CRYPTO_B64_SIZE(len));
    if (coded != NULL)
        crypto_b64url(coded, CRYPTO_B64_SIZE(len), text, len);
    free(text);
    *field = coded == NULL ? NULL : arena_printf(req->arena, "%s.%s", hash, coded);
    if (*field == NULL)
        return err_set(err, ERR_NO_MEMORY, "There was not enough memory. Try again.");
    return 0;
}

int confirm_compare(struct request *req, const char *name, const json_t *basis, struct err *err)
{
    const char *field = request_field(req, name), *dot = strchr(field, '.');
    char now[65];
    json_t *confirmed = NULL;
    uint8_t *bytes;
    int len;
    if (plan_hash(basis, now, err) != 0)
        return -1;
    if (strncmp(field, now, 64) == 0 && (field[64] == '\0' || field[64] == '.'))
        return 0;
    if (dot != NULL && strlen(dot) < BASIS_MAX) {
        bytes = arena_alloc(req->arena, strlen(dot));
        len = bytes == NULL ? -1 : crypto_unb64url(dot + 1, bytes, strlen(dot));
        if (len > 0)
            confirmed = json_loadb((const char *)bytes, (size_t)len, JSON_REJECT_DUPLICATES, NULL);
    }
    if (plan_compare(confirmed, basis, err) != 0)
        return -1;
    return err_set(err, ERR_CONFLICT,
                   "The plan was not confirmed as it stands. Look at it and confirm again.");
}

void confirm_fields(struct request *req, json_t *page)
{
    const char *idem = request_field(req, "idem");
    char fresh[CRYPTO_ID_SIZE];
    crypto_new_id(fresh);
    page_field(page, "why", request_field(req, "why"));
    page_field(page, "plan_hash", "");
    json_object_set_new(json_object_get(page, "values"), "idem",
                        json_string(idem[0] != '\0' ? idem : fresh));
}

void confirm_error(json_t *page, const char *text)
{
    page_error(page, "plan", text);
    json_object_del(json_object_get(page, "errors"), "plan");
    json_object_set_new(json_object_get(page, "errors"), "plan_hash", json_string(text));
}

static bool is_key(const char *text)
{
    size_t len = strlen(text);
    return len >= 8 && len <= IDEM_MAX
           && strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")
                  == len;
}

void confirm_check(struct request *req, json_t *page)
{
    struct err e = {0};
    const char *idem = request_field(req, "idem");
    if (validate_note("why", page_lines(req, request_field(req, "why")), CONFIRM_WHY_MAX, &e) != 0)
        page_error(page, "why", e.user);
    if (idem[0] != '\0' && !is_key(idem))
        confirm_error(page, "This form is damaged. Open the page again.");
}

struct job_request confirm_job(struct request *req, const json_t *card, const char *kind,
                               const char *verb)
{
    const char *idem = request_field(req, "idem");
    const char *name =
        arena_printf(req->arena, "%s / %s", row_text(card, "app_slug"), row_text(card, "slug"));
    return (struct job_request){.kind = kind,
                                .lock_class = "exclusive",
                                .environment_id = row_text(card, "id"),
                                .app_id = row_text(card, "app_id"),
                                .target_name = name == NULL ? "" : name,
                                .verb = verb,
                                .idem = idem[0] == '\0' ? NULL : idem,
                                .requested_by = req->session.user_id,
                                .why = page_lines(req, request_field(req, "why"))};
}

int confirm_second_click(struct request *req, struct response *res, const struct job_request *job,
                         struct err *err)
{
    struct job_added added;
    int found;
    if (job->idem == NULL)
        return 0;
    found = job_request_find(req->db, job, &added, err);
    if (found == 1)
        respond_redirect(res, "/jobs/%s", added.id);
    return found;
}

int confirm_add(struct request *req, struct response *res, struct deploy_request *deploy,
                struct err *err)
{
    struct job_added added;
    deploy->asked_from = req->ip;
    if (deploy->trigger == NULL)
        deploy->trigger = req->has_bearer ? TRIGGER_TOKEN : TRIGGER_BUTTON;
    if (submit_prepare(req, &deploy->job, err) != 0
        || job_request_deploy(req->db, &req->actor, deploy, &added, err) != 0)
        return -1;
    ask_poke(req);
    return respond_redirect(res, "/jobs/%s", added.id);
}
