/* admit.c - GET /jobs/{id}/events[?from=offset], Last-Event-ID: limits, parse, host, route, method,
 * session, capability, in the order of every request. */
#include "cgi/stream/admit.h"

#include <string.h>
#include "cgi/http/json_arena.h"
#include "cgi/http/request_read.h"
#include "cgi/http/response_impl.h"
#include "cgi/http/route_match.h"
#include "cgi/http/session.h"
#include "db/activity.h"
#include "lib/base/log.h"
#include "lib/base/str.h"

#define OFFSET_MAX (INT64_MAX / 2)

static const struct route STREAM_ROUTES[] = {
    {METHOD_GET, "/jobs/{id}/events", CAP_VIEW, CSRF_SAFE_METHOD, NULL},
};

static int find_job(struct request *req, int *status, struct err *err)
{
    struct route_match match;
    bool ended;

    if (route_match(STREAM_ROUTES, COUNT_OF(STREAM_ROUTES), req->path, req->method, req->arena,
                    &match)
        != 0)
        return err_set(err, ERR_NO_MEMORY, "The request is too large.");
    if (match.route == NULL || req->method != METHOD_GET) {
        *status = match.path_exists ? 405 : 404;
        return err_set(err, ERR_NOT_FOUND, "There is nothing to watch at this address.");
    }
    memcpy(req->params, match.params, sizeof req->params);
    if (session_read(req->db, req->site, req->arena, request_header(req, "HTTP_COOKIE"),
                     &req->session, err)
        != 0)
        return -1;
    if (req->session.user_id[0] == '\0')
        return err_set(err, ERR_SIGNED_OUT, "Sign in to watch this job.");
    if (!role_may(req->session.role, CAP_VIEW))
        return err_set(err, ERR_DENIED, "Your role may not watch jobs.");
    if (!crypto_is_id(request_param(req, 0)))
        return err_set(err, ERR_NOT_FOUND, "There is no such job.");
    return activity_job_ended(req->db, request_param(req, 0), &ended, err);
}

/* Where to begin: what the browser saw last, else what the page was made with, else the start. */
static int find_offset(const struct request *req, int64_t *offset, struct err *err)
{
    const char *text = request_header(req, "HTTP_LAST_EVENT_ID");

    if (text[0] == '\0')
        text = request_query(req, "from");
    *offset = 0;
    if (text[0] != '\0' && !str_to_int64(text, 0, OFFSET_MAX, offset))
        return err_field(err, "from", "The place to go on from must be a number of bytes.");
    return 0;
}

static int check_limits(const struct hub *hub, const char *user_id, struct err *err)
{
    size_t own = 0;

    for (size_t i = 0; i < hub->count; i++)
        own += str_equal(hub->viewers[i]->user_id, user_id);
    if (own >= VIEWERS_PER_USER || hub->count >= VIEWERS_MAX)
        return err_set(err, ERR_BUSY,
                       "Too many live views are open. The page goes on by asking every few "
                       "seconds.");
    return 0;
}

static int check_request(struct hub *hub, struct request *req, int64_t *offset, int *status,
                         struct err *err)
{
    if (request_read_head(req, err) != 0 || request_check_host(req, err) != 0) {
        *status = 400;
        return -1;
    }
    if (req->db == NULL)
        return err_set(err, ERR_BUSY, "The dashboard's database cannot be opened just now.");
    if (find_job(req, status, err) != 0 || find_offset(req, offset, err) != 0)
        return -1;
    return check_limits(hub, req->session.user_id, err);
}

static void refuse(struct request *req, int status, const struct err *err)
{
    struct response res = {.req = req};
    struct err again = {0};
    struct buf body;

    req->wants_json = true;
    response_error(&res, status, err);
    buf_init(&body, RESPONSE_BODY_MAX);
    if (response_render(&res, &body, &again) != 0)
        log_err("refusal-not-made", &again);
    else
        (void)response_send(&res, &body, req->transport);
    buf_deinit(&body);
}

void admit(struct hub *hub, struct fcgi *fcgi)
{
    struct request req = {
        .arena = hub->arena, .db = hub->db, .site = hub->site, .transport = fcgi_transport(fcgi)};
    struct viewer *viewer = NULL;
    struct err err = {0};
    int64_t offset = 0;
    int status = 0;

    json_arena_enter(hub->arena);
    if (check_request(hub, &req, &offset, &status, &err) != 0) {
        refuse(&req, status, &err);
        fcgi_end(fcgi);
    } else {
        viewer = viewer_new(fcgi, request_param(&req, 0), req.session.user_id, req.session.token,
                            offset);
    }
    LOG_DEBUG("watch", "path=%s user=%s from=%lld refused=%d", req.path, req.session.login,
              (long long)offset, viewer == NULL);
    json_arena_leave();
    arena_reset(hub->arena);
    if (viewer != NULL)
        hub->viewers[hub->count++] = viewer;
}
