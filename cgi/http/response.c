/* response.c - records what a handler answers; nothing is written before all of it is known. */
#include "cgi/http/response_impl.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "lib/base/str.h"

#define LOCATION_MAX 2048

static int misuse(struct response *res, const char *what)
{
    if (res->misuse == NULL)
        res->misuse = what;
    return 0;
}

static int begin(struct response *res, enum response_kind kind, int status)
{
    if (res->kind != RESPONSE_NONE)
        return misuse(res, "a handler answered twice");
    res->kind = kind;
    res->status = status;
    return 0;
}

int respond_page(struct response *res, int status, const char *template_name, json_t *data,
                 json_t *page)
{
    begin(res, RESPONSE_PAGE, status);
    res->template_name = template_name;
    res->data = data;
    res->page = page != NULL ? page : json_object();
    return 0;
}

int respond_redirect(struct response *res, const char *path_fmt, ...)
{
    char text[LOCATION_MAX];
    va_list args;
    int n;

    va_start(args, path_fmt);
    n = vsnprintf(text, sizeof text, path_fmt, args);
    va_end(args);
    begin(res, RESPONSE_REDIRECT, 303);
    res->location = "/";
    if (n < 0 || (size_t)n >= sizeof text || !response_is_local_path(text))
        return misuse(res, "a redirect to something that is no path of ours");
    res->location = arena_strdup(res->req->arena, text);
    return 0;
}

void respond_flash(struct response *res, const char *kind, const char *fmt, ...)
{
    char text[1024];
    char cut[FLASH_TEXT_MAX + 1];
    va_list args;

    va_start(args, fmt);
    if (vsnprintf(text, sizeof text, fmt, args) < 0)
        text[0] = '\0';
    va_end(args);
    str_copy(cut, sizeof cut, text);
    res->flash_kind = str_equal(kind, "warn") ? "warn" : "ok";
    res->flash_text = arena_strdup(res->req->arena, cut);
}

int respond_file(struct response *res, const char *internal_uri, const char *content_type,
                 const char *download_name)
{
    begin(res, RESPONSE_FILE, 200);
    res->uri = internal_uri;
    res->content_type = content_type;
    res->download_name = download_name;
    if (!str_starts(internal_uri, "/_") || strstr(internal_uri, "..") != NULL)
        return misuse(res, "a file whose address is not internal");
    return 0;
}

int respond_bytes(struct response *res, int status, const char *content_type, const char *bytes,
                  size_t len)
{
    begin(res, RESPONSE_BYTES, status);
    res->content_type = content_type;
    res->bytes = bytes;
    res->len = len;
    return 0;
}

int respond_json(struct response *res, int status, json_t *data)
{
    begin(res, RESPONSE_JSON, status);
    res->data = data;
    return 0;
}

/* Visible ASCII and spaces only: no header can begin another one. */
static bool is_header_text(const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text < ' ' || *text > '~')
            return false;
    }
    return true;
}

void respond_header(struct response *res, const char *name, const char *value)
{
    if (value == NULL || !is_header_text(name) || !is_header_text(value)
        || strpbrk(name, ": ") != NULL) {
        misuse(res, "a header with a character that no header may have");
        return;
    }
    if (res->headers_count == RESPONSE_HEADERS_MAX) {
        misuse(res, "too many headers");
        return;
    }
    res->headers[res->headers_count].name = arena_strdup(res->req->arena, name);
    res->headers[res->headers_count].value = arena_strdup(res->req->arena, value);
    if (res->headers[res->headers_count].name != NULL
        && res->headers[res->headers_count].value != NULL)
        res->headers_count++;
}

void respond_session(struct response *res, const char *token)
{
    static const char BASE64URL[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

    if (token != NULL && (token[0] == '\0' || token[strspn(token, BASE64URL)] != '\0')) {
        misuse(res, "a session token that is none");
        return;
    }
    res->sets_session = true;
    res->session_token = token != NULL ? arena_strdup(res->req->arena, token) : NULL;
}

bool response_is_local_path(const char *path)
{
    size_t len = strlen(path);

    return path[0] == '/' && path[1] != '/' && len <= 1000 && strchr(path, '\\') == NULL
           && is_header_text(path) && strchr(path, ' ') == NULL;
}

const char *response_encode_segment(struct request *req, const char *text)
{
    static const char UNRESERVED[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    static const char HEX[] = "0123456789ABCDEF";
    char *out = arena_alloc(req->arena, strlen(text) * 3 + 1);
    char *next = out;

    for (; out != NULL && *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;

        if (strchr(UNRESERVED, c) != NULL) {
            *next++ = *text;
        } else {
            *next++ = '%';
            *next++ = HEX[c >> 4];
            *next++ = HEX[c & 15];
        }
    }
    return out;
}
