/* send.c - the bytes on the wire: status, headers, body. Every response of the program leaves here,
 * so the security headers are here and nowhere else (nginx adds the same to what it serves itself).
 */
#include "cgi/http/response_impl.h"

#include <string.h>
#include "cgi/http/cookie.h"
#include "cgi/http/site.h"
#include "lib/base/log.h"
#include "lib/base/str.h"
#include "lib/crypto/crypto.h"

#define HEADERS_MAX ((size_t)8192)

/* Nothing is inline, so no nonce is needed; app.js builds nodes and never parses HTML, hence
 * trusted types with no policy at all. */
static const char SECURITY_HEADERS[] =
    "Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; img-src "
    "'self'; font-src 'self'; connect-src 'self'; manifest-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types "
    "'none'\r\n"
    "X-Content-Type-Options: nosniff\r\n"
    "X-Frame-Options: DENY\r\n"
    "Referrer-Policy: same-origin\r\n"
    "Cross-Origin-Opener-Policy: same-origin\r\n"
    "Cross-Origin-Resource-Policy: same-origin\r\n"
    "Permissions-Policy: camera=(), microphone=(), geolocation=(), payment=(), usb=()\r\n"
    "Cache-Control: no-store\r\n"
    "Vary: Accept\r\n";

static const struct {
    int status;
    const char *words;
} STATUS_WORDS[] = {
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {303, "See other"},
    {400, "Bad request"},
    {401, "Not signed in"},
    {403, "Not allowed"},
    {404, "Not found"},
    {405, "Method not allowed"},
    {409, "Conflict"},
    {412, "Somebody was faster"},
    {413, "Too large"},
    {415, "Wrong content type"},
    {422, "Not accepted"},
    {428, "Say what it replaces"},
    {429, "Too many requests"},
    {500, "Something went wrong here"},
    {502, "The other machine failed"},
    {503, "Not available just now"},
    {507, "The disk is full"},
};

const char *response_status_words(int status)
{
    for (size_t i = 0; i < COUNT_OF(STATUS_WORDS); i++) {
        if (STATUS_WORDS[i].status == status)
            return STATUS_WORDS[i].words;
    }
    return "Error";
}

static void add_cookie(const struct response *res, struct buf *head, enum cookie which,
                       const char *value, int max_age_s)
{
    const char *text = cookie_write(res->req->arena, res->req->site, which, value, max_age_s);

    if (text != NULL)
        buf_printf(head, "Set-Cookie: %s\r\n", text);
}

/* The flash travels as base64url of "kind text": no character of it can end a header or a cookie.
 */
static void add_flash_cookie(const struct response *res, struct buf *head)
{
    char plain[FLASH_TEXT_MAX + 16];
    char coded[CRYPTO_B64_SIZE(sizeof plain)];
    int n = snprintf(plain, sizeof plain, "%s %s", res->flash_kind,
                     res->flash_text != NULL ? res->flash_text : "");

    if (n <= 0 || (size_t)n >= sizeof plain)
        return;
    crypto_b64url(coded, sizeof coded, plain, (size_t)n);
    add_cookie(res, head, COOKIE_FLASH, coded, 60);
}

static void add_cookies(const struct response *res, struct buf *head)
{
    if (res->sets_session && res->session_token != NULL)
        add_cookie(res, head, COOKIE_SESSION, res->session_token, -1);
    else if (res->sets_session)
        add_cookie(res, head, COOKIE_SESSION, "", 0);
    if (res->sets_session)
        add_cookie(res, head, COOKIE_VISITOR, "", 0);
    else if (res->visitor_token != NULL)
        add_cookie(res, head, COOKIE_VISITOR, res->visitor_token, -1);
    if (res->flash_kind != NULL)
        add_flash_cookie(res, head);
    else if (res->clears_flash)
        add_cookie(res, head, COOKIE_FLASH, "", 0);
}

/* attachment; filename="plain"; filename*=UTF-8''coded (RFC 6266). */
static void add_disposition(const struct response *res, struct buf *head)
{
    const char *coded = response_encode_segment(res->req, res->download_name);

    if (coded == NULL)
        return;
    buf_add_str(head, "Content-Disposition: attachment; filename=\"");
    for (const char *c = res->download_name; *c != '\0'; c++)
        buf_add_char(head, *c >= ' ' && *c <= '~' && *c != '"' && *c != '\\' ? *c : '_');
    buf_printf(head, "\"; filename*=UTF-8''%s\r\n", coded);
}

static void add_file(const struct response *res, struct buf *head)
{
    buf_add_str(head, "X-Accel-Redirect: ");
    for (const char *part = res->uri; *part != '\0'; part++) {
        if (strchr("/-._~", *part) != NULL || (*part >= '0' && *part <= '9')
            || (*part >= 'a' && *part <= 'z') || (*part >= 'A' && *part <= 'Z'))
            buf_add_char(head, *part);
        else
            buf_printf(head, "%%%02X", (unsigned)(unsigned char)*part);
    }
    buf_add_str(head, "\r\n");
    if (res->download_name != NULL && res->download_name[0] != '\0')
        add_disposition(res, head);
    else
        buf_add_str(head, "Content-Disposition: inline\r\n");
}

static const char *content_type(const struct response *res)
{
    switch (res->kind) {
    case RESPONSE_PAGE:
        if (!res->req->wants_json)
            return "text/html; charset=utf-8";
        return res->status >= 400 ? "application/problem+json" : "application/json";
    case RESPONSE_REDIRECT:
        return res->req->wants_json ? "application/json" : "text/plain; charset=utf-8";
    case RESPONSE_JSON:
        return res->status >= 400 ? "application/problem+json" : "application/json";
    case RESPONSE_FILE:
    case RESPONSE_BYTES:
        return res->content_type;
    case RESPONSE_NONE:
    default:
        return "text/plain; charset=utf-8";
    }
}

int response_send(const struct response *res, const struct buf *body, struct transport *transport)
{
    bool is_json_redirect = res->kind == RESPONSE_REDIRECT && res->req->wants_json;
    int status = is_json_redirect ? 200 : res->status;
    struct buf head;
    int rc = -1;

    buf_init(&head, HEADERS_MAX);
    buf_printf(&head, "Status: %d %s\r\nContent-Type: %s\r\n", status,
               response_status_words(status), content_type(res));
    if (res->kind != RESPONSE_FILE)
        buf_printf(&head, "Content-Length: %zu\r\n", body->len);
    buf_add(&head, SECURITY_HEADERS, sizeof SECURITY_HEADERS - 1);
    if (res->kind == RESPONSE_REDIRECT && !is_json_redirect)
        buf_printf(&head, "Location: %s%s\r\n", res->req->site->origin, res->location);
    if (res->kind == RESPONSE_FILE)
        add_file(res, &head);
    if (status == 503 || status == 429)
        buf_add_str(&head, "Retry-After: 2\r\n");
    for (size_t i = 0; i < res->headers_count; i++)
        buf_printf(&head, "%s: %s\r\n", res->headers[i].name, res->headers[i].value);
    add_cookies(res, &head);
    buf_add_str(&head, "\r\n");
    if (!buf_ok(&head))
        LOG_ERROR("headers-too-large", "request=%s", res->req->id);
    else if (transport->write(transport, head.data, head.len) == 0
             && (res->req->method == METHOD_HEAD || body->len == 0
                 || transport->write(transport, body->data, body->len) == 0))
        rc = 0;
    buf_deinit(&head);
    return rc;
}
