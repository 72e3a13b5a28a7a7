/* profile.c - /profile: one's own name, colours, password, sessions and API tokens (tokens.c). The
 * password is checked and changed by the worker; all other sessions end with it. */
#include <string.h>
#include "cgi/http/ask.h"
#include "cgi/pages/page.h"
#include "cgi/pages/pages.h"
#include "cgi/pages/parts.h"
#include "cgi/pages/row.h"
#include "cgi/pages/tokens.h"
#include "db/profiles.h"
#include "db/sessions.h"
#include "lib/base/str.h"
#include "lib/domain/validate.h"

static const char *const THEMES[][2] = {
    {"system", "As the system"}, {"light", "Light"}, {"dark", "Dark"}};

static const char *role_words(enum role role)
{
    switch (role) {
    case ROLE_VIEWER:
        return "Viewer";
    case ROLE_DEPLOYER:
        return "Deployer";
    case ROLE_MAINTAINER:
        return "Maintainer";
    case ROLE_ADMIN:
        return "Admin";
    case ROLE_NONE:
    default:
        return "None";
    }
}

static json_t *session_model(const json_t *row)
{
    return json_pack("{s:s, s:b, s:s, s:s, s:o, s:o, s:o}", "id", row_text(row, "id"), "is_current",
                     (int)row_is(row, "is_current"), "ip", row_text(row, "ip"), "agent",
                     row_text(row, "agent"), "created", part_time(row_int(row, "created_at")),
                     "seen", part_time(row_int(row, "seen_at")), "expires",
                     part_time(row_int(row, "expires_at")));
}

/* new_token: stolen; NULL: none. */
static int profile_data(struct request *req, const char *theme, json_t *new_token, json_t **data,
                        struct err *err)
{
    json_t *rows = NULL, *sessions = json_array(), *themes = json_array();
    const json_t *row;
    size_t i;
    if (session_list(req->db, req->session.user_id, req->session.id_hash, &rows, err) != 0)
        return -1;
    json_array_foreach(rows, i, row) json_array_append_new(sessions, session_model(row));
    for (i = 0; i < COUNT_OF(THEMES); i++)
        json_array_append_new(
            themes, part_choice(THEMES[i][0], THEMES[i][1], str_equal(THEMES[i][0], theme)));
    *data = json_pack("{s:{s:s, s:s, s:s, s:s}, s:o, s:o, s:b}", "user", "name", req->session.name,
                      "login", req->session.login, "role", role_name(req->session.role),
                      "role_text", role_words(req->session.role), "themes", themes, "sessions",
                      sessions, "has_other_sessions", (int)(json_array_size(sessions) > 1));
    return tokens_model(req, *data, new_token, err);
}

json_t *profile_page(const char *name)
{
    json_t *page = page_new("Profile", "");
    page_crumb(page, "Profile", "");
    page_field(page, "name", name);
    page_field(page, "theme", NULL);
    page_field(page, "current", NULL);
    page_field(page, "password", NULL);
    page_field(page, "password_again", NULL);
    tokens_fields(page);
    return page;
}

int profile_respond(struct request *req, struct response *res, int status, json_t *page,
                    struct err *err)
{
    const char *theme = status == 200 ? req->session.theme : request_field(req, "theme");
    json_t *data = NULL;
    if (profile_data(req, theme[0] != '\0' ? theme : req->session.theme, NULL, &data, err) != 0)
        return -1;
    return respond_page(res, status, "profile", data, page);
}

int profile_respond_new_token(struct request *req, struct response *res, json_t *new_token,
                              struct err *err)
{
    json_t *data = NULL;
    if (profile_data(req, req->session.theme, new_token, &data, err) != 0)
        return -1;
    return respond_page(res, 200, "profile", data, profile_page(req->session.name));
}

int profile_show(struct request *req, struct response *res, struct err *err)
{
    return profile_respond(req, res, 200, profile_page(req->session.name), err);
}

static bool is_theme(const char *theme)
{
    for (size_t i = 0; i < COUNT_OF(THEMES); i++)
        if (str_equal(THEMES[i][0], theme))
            return true;
    return false;
}

int profile_save(struct request *req, struct response *res, struct err *err)
{
    struct err e = {0};
    const char *name = request_field(req, "name"), *theme = request_field(req, "theme");
    json_t *page = profile_page(name);
    if (validate_name("name", name, &e) != 0)
        page_error(page, "name", e.user);
    if (!is_theme(theme))
        page_error(page, "theme", "Choose one of the three: as the system, light or dark.");
    if (page_has_errors(page))
        return profile_respond(req, res, 422, page, err);
    if (profile_change(req->db, &req->actor, name, theme, err) != 0)
        return -1;
    respond_flash(res, "ok", "Your profile is saved.");
    return respond_redirect(res, "/profile");
}

static void check_password(struct request *req, json_t *page)
{
    struct err e = {0};
    const char *password = request_field(req, "password");
    if (request_field(req, "current")[0] == '\0')
        page_error(page, "current", "Enter the password you have now.");
    if (validate_password("password", password, req->session.login, &e) != 0)
        page_error(page, "password", e.user);
    else if (!str_equal(password, request_field(req, "password_again")))
        page_error(page, "password_again", "The two new passwords differ. Type the new one again.");
}

int profile_password(struct request *req, struct response *res, struct err *err)
{
    struct err refused = {0};
    json_t *page = profile_page(req->session.name), *answer = NULL;
    const char *current, *password;
    size_t len;

    check_password(req, page);
    if (page_has_errors(page))
        return profile_respond(req, res, 422, page, err);
    current = request_field_bytes(req, "current", &len);
    current = ask_seal(req, current, len, err);
    password = request_field_bytes(req, "password", &len);
    password = current == NULL ? NULL : ask_seal(req, password, len, err);
    if (password == NULL)
        return -1;
    if (ask(req, "password.change",
            json_pack("{s:s, s:s}", "current", current, "password", password), &answer, &refused)
        == 0) {
        respond_session(res, row_text(answer, "token"));
        respond_flash(res, "ok", "The password is changed. All other sessions have ended.");
        return respond_redirect(res, "/profile");
    }
    if (refused.code != ERR_DENIED && refused.code != ERR_INPUT && refused.code != ERR_THROTTLED) {
        *err = refused;
        return -1;
    }
    page_error(page, refused.field[0] != '\0' ? refused.field : "current", refused.user);
    return profile_respond(req, res, refused.code == ERR_THROTTLED ? 429 : 422, page, err);
}

static int revoke_others(struct request *req, int64_t *ended, struct err *err)
{
    struct audit_entry entry = {.actor = &req->actor,
                                .verb = "session.revoke_others",
                                .target_kind = "user",
                                .target_id = req->session.user_id,
                                .target_name = req->session.login};
    int rc = -1;
    if (db_begin(req->db, err) != 0)
        return -1;
    if (session_revoke_all(req->db, req->session.user_id, req->session.id_hash, ended, err) == 0) {
        entry.detail = json_pack("{s:I}", "ended", (json_int_t)*ended);
        if (*ended == 0
            || (audit_append(req->db, &entry, err) == 0 && db_commit(req->db, err) == 0))
            rc = 0;
    }
    db_rollback(req->db);
    return rc;
}

int profile_sessions(struct request *req, struct response *res, struct err *err)
{
    const char *id = request_field(req, "session");
    int64_t ended = 1;
    if (str_equal(id, "others")) {
        if (revoke_others(req, &ended, err) != 0)
            return -1;
    } else if (session_revoke(req->db, &req->actor, req->session.user_id, id, err) != 0)
        return -1;
    respond_flash(res, "ok", "%lld session%s ended.", (long long)ended, ended == 1 ? "" : "s");
    return respond_redirect(res, "/profile");
}
