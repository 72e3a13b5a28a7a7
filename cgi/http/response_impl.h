/* response_impl.h - the inside of struct response: for the dispatcher, view.c and send.c only. */
#ifndef WL_CGI_HTTP_RESPONSE_IMPL_H
#define WL_CGI_HTTP_RESPONSE_IMPL_H

#include "cgi/http/response.h"
#include "cgi/http/transport.h"
#include "lib/base/buf.h"

#define RESPONSE_HEADERS_MAX 24
#define RESPONSE_BODY_MAX    ((size_t)8 * 1024 * 1024)
#define FLASH_TEXT_MAX       300

enum response_kind {
    RESPONSE_NONE = 0,
    RESPONSE_PAGE,
    RESPONSE_REDIRECT,
    RESPONSE_FILE,
    RESPONSE_BYTES,
    RESPONSE_JSON
};

struct response_header {
    const char *name;
    const char *value;
};

struct response {
    struct request *req;
    enum response_kind kind;
    int status;
    const char *template_name; /* page */
    json_t *data;              /* page, json */
    json_t *page;
    const char *location; /* redirect */
    const char *uri;      /* file: X-Accel-Redirect */
    const char *download_name;
    const char *content_type;
    const char *bytes; /* bytes */
    size_t len;
    const char *flash_kind; /* NULL: none */
    const char *flash_text;
    bool sets_session; /* token NULL: clears it */
    const char *session_token;
    const char *visitor_token; /* a new visitor cookie; NULL: none */
    bool clears_flash;
    const char *misuse; /* what the handler did wrong; answered with a 500 */
    struct response_header headers[RESPONSE_HEADERS_MAX];
    size_t headers_count;
};

/* Status line, headers and body (none for HEAD) to the transport. -1: the reader is gone. */
int response_send(const struct response *res, const struct buf *body, struct transport *transport);
/* Make `body` from the response: template, JSON or bytes. */
int response_render(struct response *res, struct buf *body, struct err *err) MUST_USE;
/* Turn the response into the error page, or problem+json; what was set before is dropped, but for
 * cookies. status 0: the one of the code. */
void response_error(struct response *res, int status, const struct err *err);
/* The model of response.h: {data, page, site}. */
json_t *view_model(const struct response *res);
/* The reason phrase people read: "Not found". */
const char *response_status_words(int status);

#endif
