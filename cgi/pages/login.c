/* login.c - /setup/{token}, /login, /logout: becoming the first admin, signing in, signing out.
 *
 * The web side never learns whether a password is right by itself: it seals what was typed to the
 * worker's key, asks, and gets a session token or a sentence. One message for an unknown login and
 * a wrong password. */
#include <string.h>
#include "cgi/http/ask.h"
#include "cgi/http/site.h"
#include "cgi/pages/page.h"
#include "cgi/pages/pages.h"
#include "cgi/pages/row.h"
#include "db/users.h"
#include "lib/base/str.h"
#include "lib/domain/validate.h"

/* Where to go after signing in: a path of ours, and not one that would only lead back here. */
static const char *safe_next(const char *next)
{
    if (next[0] != '/' || next[1] == '/' || next[1] == '\\' || strlen(next) > 1000
        || str_has_control(next, strlen(next), false) || str_starts(next, "/login")
        || str_starts(next, "/logout") || str_starts(next, "/setup"))
        return "/";
    return next;
}

static json_t *login_page(const struct request *req, const char *login, const char *next)
{
    json_t *page = page_new("Sign in", "");
    page_field(page, "login", login);
    page_field(page, "password", NULL);
    json_object_set_new(json_object_get(page, "values"), "next", json_string(next));
    if (!req->site->may_log_in)
        page_error(page, "login",
                   "Over plain http nobody can sign in but on this machine itself: a password "
                   "would cross the network unprotected. Put TLS in front (nginx.conf.example).");
    return page;
}

int login_show(struct request *req, struct response *res, struct err *err)
{
    const char *next = safe_next(request_query(req, "next"));
    (void)err;
    if (req->session.user_id[0] != '\0')
        return respond_redirect(res, "%s", next);
    return respond_page(res, 200, "login", json_object(), login_page(req, "", next));
}

/* A refusal a person can read on the form; everything else is an error page. */
static bool is_for_the_form(const struct err *refused)
{
    switch (refused->code) {
    case ERR_INPUT:
    case ERR_DENIED:
    case ERR_SIGNED_OUT:
    case ERR_PROVE:
    case ERR_NOT_FOUND:
    case ERR_CONFLICT:
    case ERR_THROTTLED:
    case ERR_TOO_LARGE:
        return true;
    case ERR_NONE:
    case ERR_BUSY:
    case ERR_NO_SPACE:
    case ERR_NO_MEMORY:
    case ERR_REMOTE:
    case ERR_INTERNAL:
    default:
        return false;
    }
}

static int pass_on(struct err *err, const struct err *refused)
{
    if (err != NULL)
        *err = *refused;
    return -1;
}

int login_save(struct request *req, struct response *res, struct err *err)
{
    struct err refused = {0};
    const char *login = request_field(req, "login"), *password, *token;
    const char *next = safe_next(request_field(req, "next"));
    json_t *page = login_page(req, login, next), *answer = NULL;
    size_t len;

    password = request_field_bytes(req, "password", &len);
    password = ask_seal(req, password, len, err);
    if (password == NULL)
        return -1;
    if (ask(req, "login",
            json_pack("{s:s, s:s, s:s}", "login", login, "password", password, "agent", req->agent),
            &answer, &refused)
        == 0) {
        token = row_text(answer, "token");
        respond_session(res, token);
        return respond_redirect(res, "%s", next);
    }
    if (!is_for_the_form(&refused))
        return pass_on(err, &refused);
    page_error(page, "login", refused.user);
    return respond_page(res, refused.code == ERR_THROTTLED ? 429 : 422, "login", json_object(),
                        page);
}

int logout_save(struct request *req, struct response *res, struct err *err)
{
    json_t *answer = NULL;
    if (ask(req, "logout", json_object(), &answer, err) != 0)
        return -1;
    respond_session(res, NULL);
    return respond_redirect(res, "/login");
}

static json_t *setup_data(const char *token, bool is_expired)
{
    return json_pack("{s:b, s:s}", "is_expired", (int)is_expired, "token", is_expired ? "" : token);
}

static json_t *setup_page(const struct request *req)
{
    json_t *page = page_new("Set up", "");
    page_field(page, "name", request_field(req, "name"));
    page_field(page, "login", request_field(req, "login"));
    page_field(page, "password", NULL);
    return page;
}

/* The link ends with the first admin. Whether the token itself is right only the worker knows. */
static int is_set_up(struct request *req, bool *set_up, struct err *err)
{
    int64_t users = 0;
    if (user_count(req->db, &users, err) != 0)
        return -1;
    *set_up = users > 0;
    return 0;
}

int setup_show(struct request *req, struct response *res, struct err *err)
{
    bool set_up = false;
    if (is_set_up(req, &set_up, err) != 0)
        return -1;
    return respond_page(res, set_up ? 404 : 200, "setup", setup_data(request_param(req, 0), set_up),
                        setup_page(req));
}

static void check_setup(struct request *req, json_t *page)
{
    struct err e = {0};
    const char *login = request_field(req, "login");
    if (validate_name("name", request_field(req, "name"), &e) != 0)
        page_error(page, "name", e.user);
    if (validate_login("login", login, &e) != 0)
        page_error(page, "login", e.user);
    if (validate_password("password", request_field(req, "password"), login, &e) != 0)
        page_error(page, "password", e.user);
}

int setup_save(struct request *req, struct response *res, struct err *err)
{
    struct err refused = {0};
    json_t *page = setup_page(req), *answer = NULL, *question;
    const char *token = request_param(req, 0), *password;
    size_t len;

    check_setup(req, page);
    if (page_has_errors(page))
        return respond_page(res, 422, "setup", setup_data(token, false), page);
    password = request_field_bytes(req, "password", &len);
    password = ask_seal(req, password, len, err);
    if (password == NULL)
        return -1;
    question = json_pack("{s:s, s:s, s:s, s:s, s:s}", "setup_token", token, "login",
                         request_field(req, "login"), "name", request_field(req, "name"),
                         "password", password, "agent", req->agent);
    if (ask(req, "setup", question, &answer, &refused) == 0) {
        respond_session(res, row_text(answer, "token"));
        respond_flash(res, "ok", "Welcome. You are the first admin.");
        return respond_redirect(res, "/");
    }
    if (!is_for_the_form(&refused))
        return pass_on(err, &refused);
    if (refused.field[0] == '\0' || str_equal(refused.field, "setup_token"))
        return respond_page(res, 404, "setup", setup_data(token, true), setup_page(req));
    page_error(page, refused.field, refused.user);
    return respond_page(res, 422, "setup", setup_data(token, false), page);
}
