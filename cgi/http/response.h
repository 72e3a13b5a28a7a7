/* response.h - what a handler answers. One model, two faces: the dispatcher renders `data` and
 * `page` with the template, or sends `data` alone as JSON. Handlers never write HTML, headers or
 * JSON text themselves.
 *
 * A handler returns 0 and has called exactly one respond_*; or -1 with err, and the dispatcher
 * makes the error page (or problem+json, RFC 9457). For a form that was refused: respond_page with
 * status 422, the typed values and the errors. */
#ifndef WL_CGI_HTTP_RESPONSE_H
#define WL_CGI_HTTP_RESPONSE_H

#include <jansson.h>
#include "cgi/http/request.h"
#include "lib/base/attr.h"

struct response;

/* data: for both faces, stolen. page: what only HTML needs (title, tab, crumbs, form errors),
 * stolen; the dispatcher adds csrf, user, nav, flash, request_id, theme. `template_name` without
 * folder and ending: "app" is templates/app.html. */
int respond_page(struct response *res, int status, const char *template_name, json_t *data,
                 json_t *page);
/* 303 to a path of ours (begins with a single /, else it is a bug). As JSON: 200 {"location":
 * path}. */
int respond_redirect(struct response *res, const char *path_fmt, ...) PRINTF(2, 3);
/* A sentence shown once on the next page; kind "ok" or "warn". */
void respond_flash(struct response *res, const char *kind, const char *fmt, ...) PRINTF(3, 4);
/* nginx sends the file itself: uri is "/_logs/<id>.log"; download_name "" shows it in the browser
 * as text/plain. */
int respond_file(struct response *res, const char *internal_uri, const char *content_type,
                 const char *download_name);
/* Plain text or JSON bytes of our own (health checks, log polling). The bytes must live in the
 * request's arena. */
int respond_bytes(struct response *res, int status, const char *content_type, const char *bytes,
                  size_t len);
int respond_json(struct response *res, int status, json_t *data); /* stolen */
void respond_header(struct response *res, const char *name,
                    const char *value); /* refuses CR, LF, NUL */
/* Session cookie: set with a token from the worker, or cleared with NULL. */
void respond_session(struct response *res, const char *token);

#endif
