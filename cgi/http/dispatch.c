/* dispatch.c - the order of work of every request, one function a step. A step that fails fills the
 * error; what is done about it is decided in one place, `answer`. */
#include "cgi/http/dispatch.h"

#include <string.h>
#include "cgi/http/bearer.h"
#include "cgi/http/cookie.h"
#include "cgi/http/csrf.h"
#include "cgi/http/form.h"
#include "cgi/http/json_arena.h"
#include "cgi/http/request_read.h"
#include "cgi/http/response_impl.h"
#include "cgi/http/route_match.h"
#include "cgi/http/session.h"
#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/base/str.h"
#include "lib/crypto/crypto.h"

#define SPARE_MEMORY_MAX ((size_t)1024 * 1024)
#define API_PREFIX       "/api/v1"

/* One request on its way through the steps. */
struct exchange {
    struct dispatcher *d;
    struct request req;
    struct response res;
    struct route_match match;
    struct err err;
    int status; /* of the error, when its code alone does not say it */
    char signed_out_why[256];
};

int dispatcher_init(struct dispatcher *d, const struct site *site, const struct route *routes,
                    size_t routes_count)
{
    *d = (struct dispatcher){.site = site, .routes = routes, .routes_count = routes_count};
    d->arena = arena_new(REQUEST_MEMORY_MAX);
    d->spare = arena_new(SPARE_MEMORY_MAX);
    if (d->arena == NULL || d->spare == NULL) {
        dispatcher_deinit(d);
        return -1;
    }
    return 0;
}

void dispatcher_deinit(struct dispatcher *d)
{
    arena_free(d->arena);
    arena_free(d->spare);
    d->arena = d->spare = NULL;
}

static int refuse(struct exchange *x, int status)
{
    x->status = status;
    return -1;
}

static int match_path(struct exchange *x, const char *path)
{
    if (path == NULL
        || route_match(x->d->routes, x->d->routes_count, path, x->req.method, x->req.arena,
                       &x->match)
               != 0)
        return err_set(&x->err, ERR_NO_MEMORY, "The request is too large.");
    return 0;
}

/* Below /api/v1 there are addresses of its own; the others are the JSON face of pages. */
static int find_route(struct exchange *x)
{
    if (x->req.is_api
        && match_path(x, arena_printf(x->req.arena, API_PREFIX "%s", x->req.path)) != 0)
        return -1;
    if (!x->match.path_exists && !str_starts(x->req.path, API_PREFIX "/")
        && match_path(x, x->req.path) != 0)
        return -1;
    memcpy(x->req.params, x->match.params, sizeof x->req.params);
    return 0;
}

/* The owner of the API token. One that is not good is refused here: unlike a dead session there is
 * no page to lead to. */
static int find_bearer(struct exchange *x)
{
    if (bearer_read(&x->req, x->match.route, &x->err) == 0)
        return 0;
    if (x->err.code == ERR_SIGNED_OUT)
        return refuse(x, 401);
    return refuse(x, x->err.code == ERR_INPUT ? 400 : 0);
}

/* Who is it? A dead session is nobody, with a reason to show at the login page. */
static int find_session(struct exchange *x)
{
    struct request *req = &x->req;
    struct err err = {0};

    if (req->db == NULL)
        return err_set(&x->err, ERR_BUSY,
                       "The dashboard's database cannot be opened just now. Running jobs are not "
                       "affected.");
    if (bearer_is_sent(req))
        return find_bearer(x);
    if (session_read(req->db, req->site, req->arena, request_header(req, "HTTP_COOKIE"),
                     &req->session, &err)
        != 0) {
        if (err.code != ERR_SIGNED_OUT) {
            x->err = err;
            return -1;
        }
        str_copy(x->signed_out_why, sizeof x->signed_out_why, err.user);
    }
    if (req->session.user_id[0] == '\0')
        return 0;
    req->actor =
        (struct actor){"user", req->session.user_id, req->session.login, req->ip, req->id, NULL};
    if (session_seen(req->db, &req->session, &err) != 0)
        log_err("session-not-touched", &err); /* costs at most some idle time */
    return 0;
}

static bool is_signed_in(const struct exchange *x)
{
    return x->req.session.user_id[0] != '\0';
}

/* The token this page's forms carry; a visitor gets a cookie for it when a page is shown. */
static int find_csrf(struct exchange *x)
{
    struct request *req = &x->req;
    const char *secret = req->session.token;
    char fresh[CRYPTO_TOKEN_TEXT];

    if (req->has_bearer) {
        req->csrf = "";
        return 0;
    }
    if (!is_signed_in(x))
        secret =
            cookie_read(req->arena, req->site, COOKIE_VISITOR, request_header(req, "HTTP_COOKIE"));
    req->csrf = csrf_token(req->arena, secret);
    if (req->csrf == NULL && !is_signed_in(x) && req->method == METHOD_GET && !req->wants_json) {
        crypto_new_token(fresh);
        x->res.visitor_token = arena_strdup(req->arena, fresh);
        req->csrf = csrf_token(req->arena, x->res.visitor_token);
    }
    if (req->csrf == NULL)
        req->csrf = "";
    return 0;
}

static int check_route(struct exchange *x)
{
    if (x->match.route != NULL)
        return 0;
    if (!x->match.path_exists) {
        err_set(&x->err, ERR_NOT_FOUND, "There is no page at this address.");
        return refuse(x, 404);
    }
    err_set(&x->err, ERR_INPUT, "This address takes %s only.", x->match.allow);
    return refuse(x, 405);
}

static bool is_reading(const struct request *req)
{
    return req->method == METHOD_GET || req->method == METHOD_HEAD;
}

/* A refused write of a person we know is part of the history; reads and strangers are in the log.
 */
static void note_denied(struct exchange *x, const char *why)
{
    struct request *req = &x->req;
    struct err err = {0};
    struct audit_entry entry = {.actor = &req->actor,
                                .verb = "access.denied",
                                .target_kind = "page",
                                .target_id = req->path,
                                .target_name = req->path,
                                .result = "denied"};

    LOG_WARN("denied", "request=%s why=%s role=%s", req->id, why, role_name(req->session.role));
    if (!is_signed_in(x) || is_reading(req))
        return;
    entry.detail = json_pack("{s:s}", "why", why);
    if (db_begin(req->db, &err) != 0 || audit_append(req->db, &entry, &err) != 0
        || db_commit(req->db, &err) != 0)
        log_err("denial-not-recorded", &err);
    db_rollback(req->db);
}

static int check_scope(struct exchange *x)
{
    if (!x->req.has_bearer) {
        if (x->match.route->csrf != CSRF_TOKEN_ONLY)
            return 0;
        err_set(&x->err, ERR_SIGNED_OUT,
                "This address takes an API token (Authorization: Bearer).");
        return refuse(x, 401);
    }
    if (bearer_check_scope(&x->req, x->match.route, &x->err) == 0)
        return 0;
    note_denied(x, "scope");
    return refuse(x, 403);
}

static int check_capability(struct exchange *x)
{
    enum capability capability = x->match.route->capability;

    if (role_may(x->req.session.role, capability))
        return 0;
    if (!is_signed_in(x)) {
        err_set(&x->err, ERR_SIGNED_OUT, "%s",
                x->signed_out_why[0] != '\0' ? x->signed_out_why : "Sign in to go on.");
        return refuse(x, 401);
    }
    err_set(&x->err, ERR_DENIED,
            "Your role here is %s, which may not do this (it needs the right \"%s\"). Ask an admin "
            "for it.",
            role_name(x->req.session.role), capability_name(capability));
    note_denied(x, "role");
    return refuse(x, 403);
}

/* A password typed over plain http would cross the network readable. */
static int check_may_log_in(struct exchange *x)
{
    if (x->match.route->capability != CAP_PUBLIC || x->req.site->may_log_in)
        return 0;
    err_set(&x->err, ERR_DENIED,
            "Signing in is off: over plain http to %s a password could be read on the way. Put "
            "nginx with TLS in front (nginx.conf.example) and set WL_ORIGIN to the https address.",
            x->req.site->host);
    return refuse(x, 403);
}

static int read_form(struct exchange *x)
{
    bool is_wrong_type = false;

    if (request_read_form(&x->req, &is_wrong_type, &x->err) != 0) {
        if (is_wrong_type)
            return refuse(x, 415);
        return refuse(x, x->err.code == ERR_INPUT ? 400 : 0);
    }
    if (csrf_check_token(&x->req, request_field(&x->req, "csrf"), &x->err) != 0) {
        note_denied(x, "csrf");
        return -1;
    }
    return form_check_text(x->req.form, &x->err);
}

static int read_json(struct exchange *x)
{
    bool is_wrong_type = false;

    if (request_read_json(&x->req, &is_wrong_type, &x->err) == 0)
        return 0;
    if (is_wrong_type)
        return refuse(x, 415);
    return refuse(x, x->err.code == ERR_INPUT ? 400 : 0);
}

/* Everything a request that writes must show before its handler runs. */
static int check_write(struct exchange *x)
{
    if (is_reading(&x->req))
        return 0;
    if (x->req.has_bearer)
        return read_json(x);
    if (check_may_log_in(x) != 0)
        return -1;
    if (csrf_check_origin(&x->req, &x->err) != 0) {
        note_denied(x, "origin");
        return -1;
    }
    return x->match.route->csrf == CSRF_IN_UPLOAD ? 0 : read_form(x);
}

static int run_handler(struct exchange *x)
{
    int rc = x->match.route->handler(&x->req, &x->res, &x->err);

    if (db_in_transaction(x->req.db)) {
        LOG_ERROR("transaction-left-open", "route=%s", x->match.route->pattern);
        db_rollback(x->req.db);
    }
    if (rc != 0 && x->err.code == ERR_DENIED && x->match.route->csrf == CSRF_IN_UPLOAD)
        note_denied(x, "csrf");
    if (arena_overflowed(x->req.arena))
        return err_set(&x->err, ERR_NO_MEMORY,
                       "This page needs more memory than one request may use.");
    if (rc == 0 && (x->res.misuse != NULL || x->res.kind == RESPONSE_NONE)) {
        err_set(&x->err, ERR_INTERNAL, "Something went wrong while making this page.");
        return err_detail(&x->err, "%s: %s", x->match.route->pattern,
                          x->res.misuse != NULL ? x->res.misuse : "no answer");
    }
    return rc;
}

/* "/apps/?x=1" is shown the way to "/apps?x=1". */
static int redirect_without_slash(struct exchange *x)
{
    size_t path_len = strcspn(x->req.url, "?#");

    return respond_redirect(&x->res, "%.*s%s", (int)path_len - 1, x->req.url,
                            x->req.url + path_len);
}

static int run_steps(struct exchange *x)
{
    if (request_read_head(&x->req, &x->err) != 0)
        return refuse(x, x->err.code == ERR_INPUT ? 400 : 0);
    if (request_check_host(&x->req, &x->err) != 0)
        return refuse(x, 400);
    if (find_route(x) != 0 || find_session(x) != 0 || find_csrf(x) != 0 || check_route(x) != 0
        || check_scope(x) != 0 || check_capability(x) != 0 || check_write(x) != 0)
        return -1;
    return x->req.has_slash ? redirect_without_slash(x) : run_handler(x);
}

/* To the login page and back again; a form that was sent is not repeated, and the page says so. */
static void send_to_login(struct exchange *x)
{
    const char *next = response_encode_segment(&x->req, x->req.url);

    x->res.kind = RESPONSE_NONE;
    if (!is_reading(&x->req))
        respond_redirect(&x->res, "/login");
    else if (next == NULL || strlen(next) > 900 || str_equal(x->req.url, "/"))
        respond_redirect(&x->res, "/login");
    else
        respond_redirect(&x->res, "/login?next=%s", next);
    if (x->signed_out_why[0] != '\0')
        respond_session(&x->res, NULL);
    if (!is_reading(&x->req))
        respond_flash(&x->res, "warn",
                      "You are signed out, so nothing was done. Sign in and try "
                      "again.");
    else if (x->signed_out_why[0] != '\0')
        respond_flash(&x->res, "warn", "%s", x->signed_out_why);
}

/* Make the answer to a failed step. A request that used up its memory gets the spare arena. */
static void answer_failure(struct exchange *x)
{
    const char *challenge;

    if (arena_overflowed(x->req.arena)) {
        json_arena_enter(x->d->spare);
        x->req.arena = x->d->spare;
        x->req.url = x->req.path = "/";
    }
    if (x->err.code == ERR_INTERNAL || x->err.code == ERR_BUSY || x->err.code == ERR_NO_SPACE
        || x->err.code == ERR_NO_MEMORY) {
        err_detail(&x->err, " request=%s", x->req.id);
        log_err("request-failed", &x->err);
    }
    if (x->err.code == ERR_SIGNED_OUT && !x->req.wants_json) {
        send_to_login(x);
        return;
    }
    response_error(&x->res, x->status, &x->err);
    if (x->status == 405)
        respond_header(&x->res, "Allow", x->match.allow);
    challenge = bearer_challenge(&x->req, x->match.route, x->res.status);
    if (challenge != NULL)
        respond_header(&x->res, "WWW-Authenticate", challenge);
}

/* The last resort: words without a template. */
static void answer_plainly(struct exchange *x, struct buf *body)
{
    buf_reset(body);
    buf_printf(body, "%d %s\n%s\nRequest %s\n", x->res.status, response_status_words(x->res.status),
               x->err.user, x->req.id);
    x->res.kind = RESPONSE_BYTES;
    x->res.content_type = "text/plain; charset=utf-8";
}

static void render(struct exchange *x, struct buf *body)
{
    struct err err = {0};

    if (response_render(&x->res, body, &err) == 0)
        return;
    if (err.code == ERR_NONE)
        err_set(&err, ERR_INTERNAL, "This page could not be made.");
    buf_reset(body);
    x->err = err;
    x->status = 0;
    answer_failure(x);
    if (response_render(&x->res, body, &err) != 0) {
        log_err("error-page-failed", &err);
        answer_plainly(x, body);
    }
}

static void log_request(const struct exchange *x, int64_t started)
{
    const struct route *route = x->match.route;
    /* The address of a public page may hold a token (set-up): the pattern is enough. */
    bool is_secret = route != NULL && route->capability == CAP_PUBLIC;

    LOG_INFO("request", "id=%s method=%d path=%s status=%d ms=%lld user=%s", x->req.id,
             (int)x->req.method, is_secret ? route->pattern : x->req.path, x->res.status,
             (long long)(clock_mono_ms() - started), x->req.session.login);
}

int dispatch(struct dispatcher *d, struct transport *transport)
{
    struct exchange x = {.d = d};
    int64_t started = clock_mono_ms();
    struct buf body;
    int status = -1;

    x.req = (struct request){.arena = d->arena,
                             .db = d->db,
                             .site = d->site,
                             .transport = transport,
                             .is_https = d->site->is_https};
    x.res = (struct response){.req = &x.req};
    json_arena_enter(d->arena);
    buf_init(&body, RESPONSE_BODY_MAX);
    if (run_steps(&x) != 0)
        answer_failure(&x);
    render(&x, &body);
    request_drain(&x.req);
    if (response_send(&x.res, &body, transport) == 0)
        status = x.res.status;
    log_request(&x, started);
    buf_deinit(&body);
    json_arena_leave();
    arena_reset(d->arena);
    arena_reset(d->spare);
    return status;
}
