/* response.h - what a handler answers. One model, two faces: the dispatcher renders `data` and
 * `page` with the template, or sends `data` alone as JSON. Handlers never write HTML, headers or
 * JSON text themselves.
 *
 * A handler returns 0 and has called exactly one respond_*; or -1 with err, and the dispatcher
 * makes the error page (or problem+json, RFC 9457). For a form that was refused: respond_page with
 * status 422, the typed values and the errors.
 *
 * What a template sees is one object of three names, nothing else at its root
 * (tests/web/fixtures/README.md has the shapes, the fixtures beside it an example of each page):
 *
 *   data   what the handler gave as data. Also the whole of the JSON answer.
 *   page   what the handler gave as page. The dispatcher adds what is missing of: title "", tab
 *          {home, apps, jobs, servers, audit} (a handler may set the name of one as a string), tier
 *          "", crumbs [], refresh "", may {deploy, secrets, configure, servers, audit} by the
 *          person's role, errors {}, error_list [], values {}.
 *   site   made by the dispatcher (cgi/http/view.c), the same on every page:
 *            csrf          string; the hidden field is <input type="hidden" name="csrf" ...>
 *            user          null when signed out, else {id, login, name, role, initials, is_admin}
 *            running_jobs  integer; jobs queued or running
 *            flash         null, or {kind: "ok"|"warn", text, is_warn}
 *            theme         "system", "light" or "dark"
 *            static        "/static/<version>": {{site.static}}/app.css
 *            origin        "https://deploy.example.org"
 *            path, url     this request's path; the same with its query
 *            request_id, version   strings
 *            now           integer, UTC ms
 *
 * Besides its own templates the dispatcher needs "error": data = {status, title, message, fix,
 * links: [{text, href}]}. */
#ifndef WL_CGI_HTTP_RESPONSE_H
#define WL_CGI_HTTP_RESPONSE_H

#include <jansson.h>
#include "cgi/http/request.h"
#include "lib/base/attr.h"

struct response;

/* data: for both faces, stolen. page: what only HTML needs (title, tab, crumbs, form errors),
 * stolen; NULL means {}. `template_name` without folder and ending: "app" is templates/app.html. */
int respond_page(struct response *res, int status, const char *template_name, json_t *data,
                 json_t *page);
/* 303 to a path of ours (begins with a single /, else it is a bug and the answer is a 500). As
 * JSON: 200 {"location": path}. A part from outside must be percent-encoded by the caller
 * (response_encode_segment). */
int respond_redirect(struct response *res, const char *path_fmt, ...) PRINTF(2, 3);
/* A sentence shown once on the next page; kind "ok" or "warn"; cut to 300 bytes. */
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
                    const char *value); /* refuses CR, LF, NUL and non-ASCII: the answer is a 500 */
/* Session cookie: set with a token from the worker, or cleared with NULL. */
void respond_session(struct response *res, const char *token);

/* Whether `path` may follow ?next= : begins with one '/', is no "//host" or "/\host", has no
 * control character or backslash, at most 1000 bytes. Login uses it before respond_redirect. */
bool response_is_local_path(const char *path);
/* One path segment or query value, percent-encoded (RFC 3986 unreserved stay), in the arena; NULL
 * when that is full. */
const char *response_encode_segment(struct request *req, const char *text);

#endif
