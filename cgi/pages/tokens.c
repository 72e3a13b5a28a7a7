/* tokens.c - /profile/tokens: making and removing one's own API tokens.
 *
 * The worker makes a token and tells it once; the answer (the profile again) shows it and nothing
 * here keeps it. */
#include "cgi/pages/tokens.h"

#include <stdio.h>
#include <string.h>
#include "cgi/http/ask.h"
#include "cgi/pages/page.h"
#include "cgi/pages/pages.h"
#include "cgi/pages/parts.h"
#include "cgi/pages/row.h"
#include "db/tokens.h"
#include "lib/base/clock.h"
#include "lib/base/str.h"
#include "lib/domain/validate.h"

static json_t *token_model(const json_t *row)
{
    const char *places = row_text(row, "places");
    /* Those it was made for may all be gone: that is not "all". */
    bool is_for_all = json_array_size(json_object_get(row, "environments")) == 0;

    return json_pack("{s:s, s:s, s:s, s:s, s:o, s:o, s:o, s:b}", "id", row_text(row, "id"), "name",
                     row_text(row, "name"), "scopes", row_text(row, "scopes"), "places",
                     is_for_all          ? "all your environments"
                     : places[0] != '\0' ? places
                                         : "no environment that is still there",
                     "created", part_time(row_int(row, "created_at")), "expires",
                     part_time(row_int(row, "expires_at")), "used",
                     part_time(row_int(row, "used_at")), "is_expired",
                     (int)(row_int(row, "expires_at") <= clock_now_ms()));
}

static bool is_ticked(struct request *req, const char *scope)
{
    char field[40];

    snprintf(field, sizeof field, "scope.%s", scope);
    return req->form != NULL && request_field(req, field)[0] != '\0';
}

int tokens_model(struct request *req, json_t *data, json_t *new_token, struct err *err)
{
    json_t *rows = NULL, *tokens = json_array(), *scopes = json_array();
    const json_t *row;
    size_t i;

    if (token_list(req->db, req->session.user_id, &rows, err) != 0)
        return -1;
    json_array_foreach(rows, i, row) json_array_append_new(tokens, token_model(row));
    for (const struct scope_words *s = SCOPES; s->name != NULL; s++)
        json_array_append_new(
            scopes, json_pack("{s:s, s:s, s:b}", "name", s->name, "help", s->help, "is_selected",
                              (int)(new_token == NULL && is_ticked(req, s->name))));
    part_set_list(data, "tokens", "has_tokens", tokens);
    json_object_set_new(data, "token_scopes", scopes);
    json_object_set_new(data, "token_days_max", json_integer(TOKEN_DAYS_MAX));
    json_object_set_new(data, "new_token", new_token != NULL ? new_token : json_null());
    return 0;
}

void tokens_fields(json_t *page)
{
    char days[16];

    snprintf(days, sizeof days, "%d", TOKEN_DAYS_USUAL);
    page_field(page, "token_name", "");
    page_field(page, "token_scopes", NULL);
    page_field(page, "token_environments", "");
    page_field(page, "token_days", days);
    page_field(page, "token_password", NULL);
}

/* --- a new one --- */

static void set_value(json_t *page, const char *field, const char *value)
{
    json_object_set_new(json_object_get(page, "values"), field, json_string(value));
}

/* The ticked scopes as text; an unticked form is refused by its field. */
static const char *typed_scopes(struct request *req, json_t *page, char text[SCOPE_TEXT_SIZE])
{
    unsigned scopes = SCOPE_NONE;

    for (const struct scope_words *s = SCOPES; s->name != NULL; s++)
        if (is_ticked(req, s->name))
            scopes |= (unsigned)s->scope;
    if (scopes == SCOPE_NONE)
        page_error(page, "token_scopes", "Choose at least one thing that the token may do.");
    return scope_text(text, scopes);
}

static json_t *read_form(struct request *req, json_t *page)
{
    char scopes[SCOPE_TEXT_SIZE], text[80];
    struct err e = {0};
    int64_t days = 0;

    set_value(page, "token_name", request_field(req, "name"));
    set_value(page, "token_environments", request_field(req, "environments"));
    set_value(page, "token_days", request_field(req, "days"));
    if (validate_name("token_name", request_field(req, "name"), &e) != 0)
        page_error(page, "token_name", e.user);
    if (!str_to_int64(request_field(req, "days"), 1, TOKEN_DAYS_MAX, &days)) {
        snprintf(text, sizeof text, "A whole number of days from 1 to %d.", TOKEN_DAYS_MAX);
        page_error(page, "token_days", text);
    }
    if (request_field(req, "password")[0] == '\0')
        page_error(page, "token_password", "Enter your password.");
    return json_pack("{s:s, s:s, s:s, s:I}", "name", request_field(req, "name"), "scopes",
                     typed_scopes(req, page, scopes), "environments",
                     request_field(req, "environments"), "days", (json_int_t)days);
}

static int respond_made(struct request *req, struct response *res, const json_t *answer,
                        struct err *err)
{
    return profile_respond_new_token(
        req, res,
        json_pack("{s:s, s:s, s:o}", "token", row_text(answer, "api_token"), "name",
                  request_field(req, "name"), "expires", part_time(row_int(answer, "expires_at"))),
        err);
}

/* The worker names fields as the verb does; the page's forms each have names of their own. */
static int respond_refused(struct request *req, struct response *res, const struct err *refused,
                           json_t *page, struct err *err)
{
    char field[sizeof refused->field + 8];

    if (refused->code != ERR_DENIED && refused->code != ERR_INPUT && refused->code != ERR_CONFLICT
        && refused->code != ERR_THROTTLED) {
        *err = *refused;
        return -1;
    }
    snprintf(field, sizeof field, "token_%s",
             refused->field[0] != '\0' ? refused->field : "password");
    page_error(page, field, refused->user);
    return profile_respond(req, res, refused->code == ERR_THROTTLED ? 429 : 422, page, err);
}

int token_add_save(struct request *req, struct response *res, struct err *err)
{
    json_t *page = profile_page(req->session.name), *answer = NULL;
    json_t *question = read_form(req, page);
    struct err refused = {0};
    const char *password;
    size_t len;

    if (page_has_errors(page))
        return profile_respond(req, res, 422, page, err);
    password = request_field_bytes(req, "password", &len);
    password = ask_seal(req, password, len, err);
    if (password == NULL)
        return -1;
    json_object_set_new(question, "password", json_string(password));
    if (ask(req, "token.add", question, &answer, &refused) != 0)
        return respond_refused(req, res, &refused, page, err);
    return respond_made(req, res, answer, err);
}

int token_remove_save(struct request *req, struct response *res, struct err *err)
{
    json_t *answer = NULL;

    if (ask(req, "token.remove", json_pack("{s:s}", "id", request_param(req, 0)), &answer, err)
        != 0)
        return -1;
    respond_flash(res, "ok", "The API token is removed. Nothing can be done with it any more.");
    return respond_redirect(res, "/profile");
}
