/* secrets.c - /apps/{app}/{env}/secrets: the environment's secrets as a table, all rows at once.
 *
 * What is typed is sealed to the worker's key in the same request and kept as a draft; the worker
 * compares it with what is stored, and the review page (secrets_review.c) shows what would change
 * before anything does. Nothing that was stored hidden ever comes back to this program, but for the
 * worker's audited answer to a reveal (secrets_reveal.c). */
#include <stdio.h>
#include "cgi/pages/page.h"
#include "cgi/pages/pages.h"
#include "cgi/pages/row.h"
#include "cgi/pages/secrets_form.h"
#include "cgi/pages/secrets_required.h"
#include "lib/base/str.h"

static int table_respond(struct request *req, struct response *res, int status,
                         const struct secrets_view *v, const struct secrets_form *form,
                         struct err *err)
{
    json_t *page = secrets_page_new(req, v, "Secrets", "table"), *data, *shared;
    if (secret_shared(req->db, row_text(v->card, "id"), &shared, err) != 0)
        return -1;
    data = secrets_data_new(v, "table");
    secrets_form_model(v, form, shared, secrets_used_by(v->card), page, data);
    if (form != NULL)
        json_object_set_new(data, "base_set", json_integer(form->base_set));
    if (secrets_required_model(req, v, data, err) != 0)
        return -1;
    return respond_page(res, status, "secrets", data, page);
}

int secrets_show(struct request *req, struct response *res, struct err *err)
{
    const char *draft_id = request_query(req, "draft");
    struct secrets_form form;
    struct secrets_view v;
    json_t *draft, *entries;
    if (secrets_view_read(req, &v, err) != 0)
        return -1;
    if (draft_id[0] == '\0')
        return table_respond(req, res, 200, &v, NULL, err);
    if (secret_draft_get(req->db, draft_id, req->session.user_id, &draft, &entries, err) != 0)
        return -1;
    if (secrets_view_rebase(req, &v, row_int(draft, "base_set"), err) != 0)
        return -1;
    if (secrets_form_of_draft(req, &v, draft, entries, &form) != 0)
        return err_set(err, ERR_NO_MEMORY, "There was not enough memory. Try again.");
    return table_respond(req, res, 200, &v, &form, err);
}

/* What the worker says is wrong with single values, at their rows. */
static int refuse_rows(struct secrets_form *form, const json_t *answer)
{
    const json_t *fault;
    int wrong = 0;
    size_t i;
    json_array_foreach(json_object_get(answer, "faults"), i, fault)
    {
        wrong++;
        if (!secrets_form_refuse(form, row_text(fault, "key"), row_text(fault, "text"))
            && form->count > 0)
            secrets_form_refuse(form, form->rows[0].key, row_text(fault, "text"));
    }
    return wrong;
}

int secrets_save(struct request *req, struct response *res, struct err *err)
{
    struct secrets_form form;
    struct secrets_view v;
    char id[CRYPTO_ID_SIZE];
    json_t *answer;
    int wrong;
    if (secrets_view_read(req, &v, err) != 0)
        return -1;
    if (secrets_view_rebase(req, &v, secrets_form_base(req, &v), err) != 0)
        return -1;
    wrong = secrets_form_read(req, &v, &form);
    if (wrong < 0)
        return err_set(err, ERR_NO_MEMORY, "There was not enough memory. Try again.");
    if (secrets_form_store(req, &v, &form, id, err) != 0)
        return -1;
    if (wrong == 0) {
        if (secrets_draft_compare(req, id, &answer, err) != 0)
            return -1;
        wrong = refuse_rows(&form, answer);
    }
    if (wrong > 0)
        return table_respond(req, res, 422, &v, &form, err);
    return respond_redirect(res, "/apps/%s/%s/secrets/review/%s", row_text(v.card, "app_slug"),
                            row_text(v.card, "slug"), id);
}
