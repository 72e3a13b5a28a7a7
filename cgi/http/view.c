/* view.c - the model that templates see, and the body of a response in either of its two faces. */
#include "cgi/http/response_impl.h"

#include <string.h>
#include "cgi/http/cookie.h"
#include "cgi/http/site.h"
#include "db/activity.h"
#include "lib/base/clock.h"
#include "lib/base/str.h"
#include "lib/crypto/crypto.h"

static const char *const TABS[] = {"home", "apps", "jobs", "servers", "registries", "audit"};

static const struct {
    const char *name;
    enum capability capability;
} MAY[] = {
    {"deploy", CAP_DEPLOY}, {"secrets", CAP_SECRETS}, {"configure", CAP_CONFIGURE},
    {"lock", CAP_LOCK},     {"command", CAP_COMMAND}, {"servers", CAP_SERVERS},
    {"audit", CAP_AUDIT},
};

/* "Ann Weaver" -> "AW": the first letters of the first and the last word, whole characters. */
static json_t *initials(const char *name)
{
    char text[16] = "";
    const char *word = name;
    const char *last = strrchr(name, ' ');

    for (int i = 0; i < 2 && word != NULL; i++) {
        size_t len = 1;

        while (((unsigned char)word[len] & 0xC0) == 0x80)
            len++;
        if (word[0] != '\0' && len <= 4)
            memcpy(text + strlen(text), word, len);
        word = last != NULL ? last + 1 : NULL;
    }
    return json_string(text);
}

static json_t *user_model(const struct session *session)
{
    if (session->user_id[0] == '\0')
        return json_null();
    return json_pack("{s:s, s:s, s:s, s:s, s:o, s:b}", "id", session->user_id, "login",
                     session->login, "name", session->name, "role", role_name(session->role),
                     "initials", initials(session->name), "is_admin", session->role == ROLE_ADMIN);
}

/* The flash cookie: base64url of "kind text". Text only, escaped like all text; a forged one can
 * say a lie once, to whoever could set a cookie here. */
static json_t *flash_model(const struct request *req)
{
    const char *coded =
        cookie_read(req->arena, req->site, COOKIE_FLASH, request_header(req, "HTTP_COOKIE"));
    char text[FLASH_TEXT_MAX + 16];
    bool is_warn;
    int len;

    if (coded == NULL)
        return json_null();
    len = crypto_unb64url(coded, text, sizeof text - 1);
    if (len < 0 || !str_is_utf8(text, (size_t)len) || str_has_control(text, (size_t)len, false))
        return json_null();
    text[len] = '\0';
    is_warn = str_starts(text, "warn ");
    if (!is_warn && !str_starts(text, "ok "))
        return json_null();
    return json_pack("{s:s, s:s, s:b}", "kind", is_warn ? "warn" : "ok", "text",
                     text + (is_warn ? 5 : 3), "is_warn", is_warn);
}

static json_t *site_model(const struct response *res)
{
    const struct request *req = res->req;
    const struct session *who = &req->session;
    bool is_known = who->user_id[0] != '\0';
    struct err ignored = {0};
    int64_t running = 0;

    if (is_known && req->db != NULL && activity_running_jobs(req->db, &running, &ignored) != 0)
        running = 0;
    return json_pack("{s:s, s:o, s:I, s:o, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:I}", "csrf",
                     req->csrf, "user", user_model(who), "running_jobs", (json_int_t)running,
                     "flash", flash_model(req), "theme", is_known ? who->theme : "system", "static",
                     arena_printf(req->arena, "/static/%s", req->site->static_version), "origin",
                     req->site->origin, "path", req->path, "url", req->url, "request_id", req->id,
                     "version", WL_VERSION, "now", (json_int_t)clock_now_ms());
}

static json_t *tabs_model(const char *current)
{
    json_t *tabs = json_object();

    for (size_t i = 0; i < COUNT_OF(TABS); i++)
        json_object_set_new(tabs, TABS[i], json_boolean(str_equal(TABS[i], current)));
    return tabs;
}

static json_t *may_model(enum role role)
{
    json_t *may = json_object();

    for (size_t i = 0; i < COUNT_OF(MAY); i++)
        json_object_set_new(may, MAY[i].name, json_boolean(role_may(role, MAY[i].capability)));
    return may;
}

static void set_missing(json_t *page, const char *name, json_t *value)
{
    if (json_object_get(page, name) == NULL)
        json_object_set_new(page, name, value);
    else
        json_decref(value);
}

static void complete_page(json_t *page, enum role role)
{
    const json_t *tab = json_object_get(page, "tab");

    if (!json_is_object(tab))
        json_object_set_new(page, "tab", tabs_model(json_string_value(tab)));
    set_missing(page, "title", json_string(""));
    set_missing(page, "tier", json_string(""));
    set_missing(page, "refresh", json_string(""));
    set_missing(page, "crumbs", json_array());
    set_missing(page, "undeployed", json_null());
    set_missing(page, "paused", json_null());
    set_missing(page, "holds", json_array());
    set_missing(page, "may", may_model(role));
    set_missing(page, "errors", json_object());
    set_missing(page, "error_list", json_array());
    set_missing(page, "values", json_object());
}

json_t *view_model(const struct response *res)
{
    complete_page(res->page, res->req->session.role);
    return json_pack("{s:O, s:O, s:o}", "data", res->data, "page", res->page, "site",
                     site_model(res));
}

static int add_to_buf(const char *bytes, size_t len, void *out)
{
    buf_add(out, bytes, len);
    return buf_ok(out) ? 0 : -1;
}

static int no_room(struct err *err)
{
    return err_set(err, ERR_NO_MEMORY,
                   "The page became larger than one request may be. Narrow it down: choose fewer "
                   "rows, or a filter.");
}

static int render_json(const json_t *value, struct buf *body, struct err *err)
{
    if (value == NULL
        || json_dump_callback(value, add_to_buf, body, JSON_COMPACT | JSON_ENCODE_ANY) != 0)
        return no_room(err);
    buf_add_char(body, '\n');
    return buf_ok(body) ? 0 : no_room(err);
}

/* Without JavaScript a page looks again by itself only for who asked for it: what changes under
 * someone's eyes must be wanted. */
static void keep_watching(struct response *res)
{
    const char *seconds = json_string_value(json_object_get(res->page, "refresh"));

    if (seconds != NULL && seconds[0] != '\0' && str_equal(request_query(res->req, "watch"), "1"))
        respond_header(res, "Refresh", seconds);
}

/* A refused form as RFC 9457 problem details: {status, title, detail, errors: [{field, text}]}. */
static json_t *problem_of_page(const struct response *res)
{
    const json_t *list = json_object_get(res->page, "error_list");
    const json_t *first = json_object_get(json_array_get(list, 0), "text");
    json_t *error;
    size_t i;

    json_array_foreach(list, i, error) json_object_del(error, "anchor");

    return json_pack("{s:s, s:s, s:i, s:s, s:O, s:s}", "type", "about:blank", "title",
                     response_status_words(res->status), "status", res->status, "detail",
                     json_is_string(first) ? json_string_value(first) : "", "errors",
                     list != NULL ? list : json_null(), "request_id", res->req->id);
}

static int render_page(struct response *res, struct buf *body, struct err *err)
{
    json_t *model;

    if (res->data == NULL || res->page == NULL)
        return no_room(err);
    if (res->req->wants_json && res->status >= 400)
        return render_json(problem_of_page(res), body, err);
    if (res->req->wants_json)
        return render_json(res->data, body, err);
    model = view_model(res);
    if (model == NULL)
        return no_room(err);
    keep_watching(res);
    /* What the page shows is not shown again. */
    res->clears_flash = !json_is_null(json_object_get(json_object_get(model, "site"), "flash"));
    return template_render(res->req->site->templates, res->template_name, model, body, err);
}

int response_render(struct response *res, struct buf *body, struct err *err)
{
    switch (res->kind) {
    case RESPONSE_PAGE:
        return render_page(res, body, err);
    case RESPONSE_JSON:
        return render_json(res->data, body, err);
    case RESPONSE_REDIRECT:
        return res->req->wants_json
                   ? render_json(json_pack("{s:s}", "location", res->location), body, err)
                   : 0;
    case RESPONSE_BYTES:
        buf_add(body, res->bytes, res->len);
        return buf_ok(body) ? 0 : no_room(err);
    case RESPONSE_FILE:
        return 0;
    case RESPONSE_NONE:
    default:
        return err_set(err, ERR_INTERNAL, "This page gave no answer.");
    }
}
