/* request_read.c - the first steps of every request: limits and parsing. All that is kept is copied
 * into the arena, since the transport's memory ends with its request. */
#include "cgi/http/request_read.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "cgi/http/form.h"
#include "cgi/http/path.h"
#include "cgi/http/site.h"
#include "cgi/http/transport.h"
#include "lib/base/str.h"
#include "lib/crypto/crypto.h"

#define URI_MAX    8192
#define AGENT_MAX  200
#define API_PREFIX "/api/v1"

static int too_large(struct err *err)
{
    return err_set(err, ERR_NO_MEMORY, "The request needs more memory than one request may use.");
}

static enum method method_from_name(const char *name)
{
    if (str_equal(name, "GET"))
        return METHOD_GET;
    if (str_equal(name, "HEAD"))
        return METHOD_HEAD;
    if (str_equal(name, "POST"))
        return METHOD_POST;
    if (str_equal(name, "PUT"))
        return METHOD_PUT;
    if (str_equal(name, "PATCH"))
        return METHOD_PATCH;
    return METHOD_NONE;
}

/* A header's text for showing: cut, and without what could disturb a log or a page. */
static const char *plain_header(struct request *req, const char *cgi_name, size_t max)
{
    const char *value = req->transport->param(req->transport, cgi_name);
    char text[AGENT_MAX + 1];

    if (value == NULL)
        return "";
    str_copy(text, max + 1 < sizeof text ? max + 1 : sizeof text, value);
    if (!str_is_utf8(text, strlen(text)) || str_has_control(text, strlen(text), false))
        return "";
    value = arena_strdup(req->arena, text);
    return value != NULL ? value : "";
}

/* The q value of one media range in thousandths: of `range` if it is named, else -1. */
static int quality_of(const char *accept, const char *range)
{
    size_t range_len = strlen(range);

    while (*accept != '\0') {
        size_t len = strcspn(accept, ",");
        const char *q;
        size_t name_len;

        while (len > 0 && (*accept == ' ' || *accept == '\t')) {
            accept++;
            len--;
        }
        name_len = strcspn(accept, ";, \t");
        if (name_len == range_len && strncasecmp(accept, range, range_len) == 0) {
            q = memmem(accept, len, "q=", 2);
            if (q == NULL || q[2] == '1')
                return 1000;
            return q[2] == '0' && q[3] == '.' ? (int)(strtod(q + 2, NULL) * 1000.0) : 0;
        }
        accept += len;
        if (*accept == ',')
            accept++;
    }
    return -1;
}

bool request_prefers_json(const char *accept)
{
    int json, html;

    if (accept == NULL || strlen(accept) > 1000)
        return false;
    json = quality_of(accept, "application/json");
    if (json < 0)
        json = quality_of(accept, "application/problem+json");
    html = quality_of(accept, "text/html");
    return json > 0 && json > html;
}

static int read_path(struct request *req, const char *uri, struct err *err)
{
    size_t path_len = strcspn(uri, "?#");
    const char *path;
    struct form *query;

    /* People type "/apps/": read as "/apps", and the dispatcher sends them there. */
    req->has_slash = path_len > 1 && uri[path_len - 1] == '/'
                     && (req->method == METHOD_GET || req->method == METHOD_HEAD);
    if (path_decode(req->arena, uri, path_len - req->has_slash, &path, err) != 0)
        return -1;
    if (str_starts(path, API_PREFIX "/")) {
        path += strlen(API_PREFIX);
        req->wants_json = req->is_api = true;
    }
    req->path = path;
    req->url = arena_strdup(req->arena, uri);
    if (req->url == NULL)
        return too_large(err);
    if (!str_is_utf8(uri, strlen(uri)) || str_has_control(uri, strlen(uri), false))
        return err_set(err, ERR_INPUT, "This address has characters that no address may have.");
    uri += path_len;
    if (form_parse(req->arena, uri + (*uri == '?'), strcspn(uri + (*uri == '?'), "#"), &query, err)
            != 0
        || form_check_text(query, err) != 0)
        return -1;
    req->query = query;
    return 0;
}

int request_read_head(struct request *req, struct err *err)
{
    struct transport *t = req->transport;
    const char *uri = t->param(t, "REQUEST_URI");
    const char *length = t->param(t, "CONTENT_LENGTH");
    char id[CRYPTO_ID_SIZE];

    crypto_new_id(id);
    req->id = arena_strdup(req->arena, id);
    if (req->id == NULL)
        req->id = "";
    req->path = req->url = "/";
    req->csrf = req->session.token = "";
    for (size_t i = 0; i < COUNT_OF(req->params); i++)
        req->params[i] = "";
    req->method = method_from_name(t->param(t, "REQUEST_METHOD"));
    req->wants_json = request_prefers_json(t->param(t, "HTTP_ACCEPT"));
    req->ip = plain_header(req, "REMOTE_ADDR", 64);
    req->agent = plain_header(req, "HTTP_USER_AGENT", AGENT_MAX);
    req->content_type = plain_header(req, "CONTENT_TYPE", AGENT_MAX);
    req->actor = (struct actor){"nobody", "", "", req->ip, req->id, NULL};
    if (length != NULL && length[0] != '\0'
        && !str_to_int64(length, 0, INT64_MAX / 2, &req->content_length))
        return err_set(err, ERR_INPUT, "The request's length is not a number.");
    req->body_left = req->content_length;
    if (uri == NULL || strlen(uri) > URI_MAX)
        return err_set(err, ERR_INPUT, "This address is too long, or missing.");
    return read_path(req, uri, err);
}

int request_check_host(const struct request *req, struct err *err)
{
    if (strcasecmp(request_header(req, "HTTP_HOST"), req->site->host) == 0)
        return 0;
    return err_set(err, ERR_INPUT, "This dashboard answers at %s only. Open that address.",
                   req->site->origin);
}

ptrdiff_t request_body_read(struct request *req, void *bytes, size_t len)
{
    ptrdiff_t n;

    if (req->body_left <= 0)
        return 0;
    if ((int64_t)len > req->body_left)
        len = (size_t)req->body_left;
    n = req->transport->read(req->transport, bytes, len);
    if (n <= 0) {
        req->body_left = 0;
        return -1;
    }
    req->body_left -= n;
    return n;
}

void request_drain(struct request *req)
{
    char bytes[16384];

    while (request_body_read(req, bytes, sizeof bytes) > 0)
        continue;
    /* And what says that it has ended, which may come behind its last byte. A connection that is
     * closed before is reset, and the answer on it is lost (nginx: 502). */
    if (req->content_length > 0)
        (void)req->transport->read(req->transport, bytes, sizeof bytes);
}

static int read_body(struct request *req, char *bytes, size_t len, struct err *err)
{
    size_t got = 0;

    while (got < len) {
        ptrdiff_t n = request_body_read(req, bytes + got, len - got);

        if (n <= 0)
            return err_set(err, ERR_INPUT,
                           "The form arrived incomplete: the connection ended early. Nothing was "
                           "changed; send it again.");
        got += (size_t)n;
    }
    return 0;
}

static bool is_type(const struct request *req, const char *type)
{
    size_t len = strcspn(req->content_type, "; \t");

    return len == strlen(type) && strncasecmp(req->content_type, type, len) == 0;
}

int request_read_json(struct request *req, bool *is_wrong_type, struct err *err)
{
    static const char TYPE[] = "application/json";
    size_t len = (size_t)req->content_length;
    json_error_t where = {.line = 0};
    char *bytes;
    int rc;

    *is_wrong_type = !is_type(req, TYPE);
    if (*is_wrong_type)
        return err_set(err, ERR_INPUT, "This address takes a body of type %s.", TYPE);
    if (req->content_length > (int64_t)FORM_BODY_MAX)
        return err_set(err, ERR_TOO_LARGE, "The body is larger than 4 MiB.");
    bytes = arena_alloc(req->arena, len + 1);
    if (bytes == NULL)
        return too_large(err);
    rc = read_body(req, bytes, len, err);
    if (rc == 0)
        req->body = json_loadb(bytes, len, JSON_REJECT_DUPLICATES, &where);
    crypto_wipe(bytes, len); /* may hold secrets */
    if (rc != 0)
        return -1;
    if (arena_overflowed(req->arena))
        return too_large(err);
    if (!json_is_object(req->body))
        return err_set(err, ERR_INPUT, "The body is not a JSON object%s (line %d, column %d).",
                       req->body == NULL ? ", or a name is in it twice" : "",
                       where.line > 0 ? where.line : 1, where.column > 0 ? where.column : 1);
    return 0;
}

int request_read_form(struct request *req, bool *is_wrong_type, struct err *err)
{
    static const char TYPE[] = "application/x-www-form-urlencoded";
    struct form *form;
    char *bytes;

    *is_wrong_type = req->content_length > 0 && !is_type(req, TYPE);
    if (*is_wrong_type)
        return err_set(err, ERR_INPUT, "This page takes forms sent as %s.", TYPE);
    if (req->content_length > (int64_t)FORM_BODY_MAX)
        return err_set(err, ERR_TOO_LARGE,
                       "The form is larger than 4 MiB. Shorten what was typed or pasted.");
    bytes = arena_alloc(req->arena, (size_t)req->content_length + 1);
    if (bytes == NULL)
        return too_large(err);
    if (read_body(req, bytes, (size_t)req->content_length, err) != 0
        || form_parse(req->arena, bytes, (size_t)req->content_length, &form, err) != 0)
        return -1;
    req->form = form;
    return 0;
}
