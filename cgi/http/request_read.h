/* request_read.h - from CGI variables to a struct request; used by the dispatcher alone. */
#ifndef WL_CGI_HTTP_REQUEST_READ_H
#define WL_CGI_HTTP_REQUEST_READ_H

#include "cgi/http/request.h"
#include "lib/base/attr.h"

/* Method, path, query, Accept, peer, agent and id. req->arena, transport and site are set. The
 * fields that an error page needs (id, path "/", params) are valid even on failure. ERR_INPUT is a
 * 400 here. */
int request_read_head(struct request *req, struct err *err) MUST_USE;
/* The Host header is the configured one; ERR_INPUT (a 400) otherwise. Against DNS rebinding and
 * links built from a forged Host. */
int request_check_host(const struct request *req, struct err *err) MUST_USE;
/* The urlencoded body into req->form. A body of another type is ERR_INPUT; *is_wrong_type then says
 * 415. */
int request_read_form(struct request *req, bool *is_wrong_type, struct err *err) MUST_USE;
/* The JSON body of a request with an API token into req->body: an object, at most FORM_BODY_MAX
 * bytes, no name twice, no NUL. Errors as above. */
int request_read_json(struct request *req, bool *is_wrong_type, struct err *err) MUST_USE;
/* The next bytes of the body, never more than Content-Length says: how many, 0 at the end, -1 when
 * it broke off. */
ptrdiff_t request_body_read(struct request *req, void *bytes, size_t len);
/* Take in what nobody read: a web server still sending the body would not see the answer. */
void request_drain(struct request *req);
/* Whether the Accept header prefers application/json to text/html (RFC 9110 §12.5.1). */
bool request_prefers_json(const char *accept);

#endif
