/* secrets.c - /apps/{app}/{env}/secrets: the environment's variables, as a plain list.
 *
 * The one page that meets a secret: a typed value is sealed to the worker's key in the same
 * request, stored as a draft, and the worker makes the next numbered set of it. Nothing that was
 * stored hidden ever comes back to this program. */
#include <stdio.h>
#include <string.h>
#include "cgi/http/ask.h"
#include "cgi/http/site.h"
#include "cgi/pages/page.h"
#include "cgi/pages/pages.h"
#include "cgi/pages/parts.h"
#include "cgi/pages/row.h"
#include "cgi/pages/secrets_form.h"
#include "db/environments.h"
#include "db/secrets.h"
#include "lib/base/log.h"
#include "lib/base/str.h"
#include "lib/crypto/crypto.h"
#include "lib/crypto/seal.h"
#include "lib/domain/validate.h"

#define HISTORY_SHOWN 20
#define MESSAGE_MAX   200

struct secrets_view {
    struct places places;
    json_t *card, *set, *entries, *history, *differences;
};

static int read_view(struct request *req, struct secrets_view *v, struct err *err)
{
    const char *id;
    if (environment_card(req->db, request_param(req, 0), request_param(req, 1), &v->card, err) != 0)
        return -1;
    id = row_text(v->card, "id");
    if (places_load(req, &v->places, err) != 0 || secret_set_current(req->db, id, &v->set, err) != 0
        || secret_set_entries(req->db, id, row_int(v->set, "number"), &v->entries, err) != 0
        || secret_set_history(req->db, id, HISTORY_SHOWN, &v->history, err) != 0)
        return -1;
    return secret_set_difference(req->db, id, row_int(v->card, "live_secret_set"),
                                 row_int(v->set, "number"), &v->differences, err);
}

static json_t *set_model(const json_t *set)
{
    int64_t number = row_int(set, "number");
    if (number == 0)
        return json_null();
    return json_pack("{s:I, s:o, s:o, s:I, s:o, s:o, s:s}", "number", number, "label",
                     part_set_label(number), "next_label", part_set_label(number + 1), "count",
                     row_int(set, "entries"), "created", part_time(row_int(set, "created_at")),
                     "by", part_person(row_text(set, "by_name"), row_text(set, "by_login")),
                     "message", row_text(set, "message"));
}

static json_t *history_model(const struct secrets_view *v)
{
    json_t *list = json_array();
    const json_t *row;
    size_t i;
    json_array_foreach(v->history, i, row) json_array_append_new(
        list,
        json_pack("{s:o, s:o, s:o, s:s, s:b}", "label", part_set_label(row_int(row, "number")),
                  "created", part_time(row_int(row, "created_at")), "by",
                  part_person(row_text(row, "by_name"), row_text(row, "by_login")), "message",
                  row_text(row, "message"), "is_live",
                  (int)(row_int(row, "number") == row_int(v->card, "live_secret_set"))));
    return list;
}

static json_t *undeployed_text(const struct secrets_view *v)
{
    size_t count = json_array_size(v->differences);
    if (count == 0 || !row_has(v->card, "live_number"))
        return json_string("");
    return part_text("%zu key%s changed since v%lld went live", count, count == 1 ? "" : "s",
                     (long long)row_int(v->card, "live_number"));
}

static json_t *secrets_page(const struct secrets_view *v, const char *message)
{
    const char *app = row_text(v->card, "app_slug"), *env = row_text(v->card, "slug");
    char title[128];
    json_t *page;
    snprintf(title, sizeof title, "Secrets of %.50s / %.50s", app, env);
    page = page_new(title, "apps");
    page_crumbs_of(page, app, env, row_text(v->card, "tier"));
    page_crumb(page, "Secrets", "");
    page_field(page, "message", message);
    json_object_set_new(json_object_get(page, "values"), "base_set",
                        json_integer(row_int(v->set, "number")));
    return page;
}

/* form NULL: as stored. */
static int secrets_respond(struct response *res, int status, const struct secrets_view *v,
                           const struct secrets_form *form, json_t *page)
{
    json_t *data = json_object();
    json_object_set_new(data, "environment", part_environment(&v->places, v->card));
    json_object_set_new(data, "set", set_model(v->set));
    json_object_set_new(data, "has_set", json_boolean(row_int(v->set, "number") > 0));
    secrets_form_model(v->entries, form, page, data);
    json_object_set_new(data, "undeployed_text", undeployed_text(v));
    json_object_set_new(data, "history", history_model(v));
    return respond_page(res, status, "secrets", data, page);
}

int secrets_show(struct request *req, struct response *res, struct err *err)
{
    struct secrets_view v;
    if (read_view(req, &v, err) != 0)
        return -1;
    return secrets_respond(res, 200, &v, NULL, secrets_page(&v, ""));
}

/* --- saving --- */

/* Sealed here and not by ask_seal: it goes into the draft's row, not through the socket, so it may
 * be as long as a variable can be. */
static int seal_row(struct request *req, const struct secret_typed *row,
                    struct secret_draft_entry *entry, struct err *err)
{
    uint8_t *sealed;
    *entry = (struct secret_draft_entry){.key = row->key, .kind = row->kind, .comment = ""};
    if (row->stored != NULL)
        entry->comment = row_text(row->stored, "comment");
    if (secret_is_kept(row))
        return 0;
    if (!req->site->has_instance)
        return err_set(err, ERR_BUSY,
                       "The worker has not started for the first time yet, so there is no key to "
                       "seal with. Try again in a moment.");
    sealed = arena_alloc(req->arena, row->len + SEAL_OVERHEAD);
    if (sealed == NULL)
        return err_set(err, ERR_NO_MEMORY, "There was not enough memory. Try again.");
    if (seal_to(req->site->seal_key, row->value, row->len, sealed, err) != 0)
        return -1;
    entry->sealed = sealed;
    entry->sealed_len = row->len + SEAL_OVERHEAD;
    return 0;
}

static int store_draft(struct request *req, const struct secrets_view *v,
                       const struct secrets_form *form, char id[CRYPTO_ID_SIZE], struct err *err)
{
    struct secret_draft draft = {.environment_id = row_text(v->card, "id"),
                                 .user_id = req->session.user_id,
                                 .base_set = form->base_set};
    struct secret_draft_entry *entries = arena_array(req->arena, form->count + 1, sizeof *entries);
    if (entries == NULL)
        return err_set(err, ERR_NO_MEMORY, "There was not enough memory. Try again.");
    for (size_t i = 0; i < form->count; i++)
        if (!form->rows[i].is_removed
            && seal_row(req, &form->rows[i], &entries[draft.count++], err) != 0)
            return -1;
    draft.entries = entries;
    return secret_draft_add(req->db, &draft, id, err);
}

/* Refusals a person can mend on this page; -1 when it is something else. */
static int refused_status(const struct err *e)
{
    return e->code == ERR_INPUT       ? 422
           : e->code == ERR_CONFLICT  ? 409
           : e->code == ERR_TOO_LARGE ? 413
                                      : -1;
}

static int save_draft(struct request *req, struct response *res, const struct secrets_view *v,
                      struct secrets_form *form, json_t *page, struct err *err)
{
    struct err e = {0}, ignored = {0};
    char id[CRYPTO_ID_SIZE];
    json_t *answer = NULL;
    if (store_draft(req, v, form, id, err) != 0)
        return -1;
    if (ask(req, "secrets.save", json_pack("{s:s, s:s}", "draft_id", id, "message", form->message),
            &answer, &e)
        == 0) {
        respond_flash(res, "ok", "%s: %lld added, %lld changed, %lld removed.",
                      row_int(answer, "number") > form->base_set ? "Saved"
                                                                 : "Nothing was different",
                      (long long)row_int(answer, "added"), (long long)row_int(answer, "changed"),
                      (long long)row_int(answer, "removed"));
        return respond_redirect(res, "/apps/%s/%s/secrets", row_text(v->card, "app_slug"),
                                row_text(v->card, "slug"));
    }
    if (secret_draft_remove(req->db, id, &ignored) != 0)
        log_err("draft-not-removed", &ignored);
    if (refused_status(&e) < 0) {
        *err = e;
        return -1;
    }
    if (!secrets_form_refuse(form, e.field, e.user))
        page_error(page, "message", e.user);
    return secrets_respond(res, refused_status(&e), v, form, page);
}

int secrets_save(struct request *req, struct response *res, struct err *err)
{
    struct secrets_view v;
    struct secrets_form form;
    struct err e = {0};
    json_t *page;
    char text[200];
    int wrong;

    if (read_view(req, &v, err) != 0)
        return -1;
    wrong = secrets_form_read(req, v.entries, &form);
    if (wrong < 0)
        return err_set(err, ERR_NO_MEMORY, "There was not enough memory. Try again.");
    page = secrets_page(&v, form.message);
    if (validate_note("message", form.message, MESSAGE_MAX, &e) != 0)
        page_error(page, "message", e.user);
    if (form.base_set != row_int(v.set, "number")) {
        snprintf(
            text, sizeof text,
            "The secrets were saved as s%lld while this page was open. Your changes are below, "
            "over the new set: look at them, then save again.",
            (long long)row_int(v.set, "number"));
        page_error(page, "message", text);
        return secrets_respond(res, 409, &v, &form, page);
    }
    if (wrong > 0 || page_has_errors(page))
        return secrets_respond(res, 422, &v, &form, page);
    return save_draft(req, res, &v, &form, page, err);
}
