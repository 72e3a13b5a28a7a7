/* engine_respond.c - what handlers answer and what of it reaches the wire: redirects, cookies,
 * flash, files, headers; on plain http and on https. */
#include "cgi/http/response.h"
#include "tests/web/lib/world.h"

static struct world w;

/* ?do=... picks what the handler does; ?v= is its value. */
static int act(struct request *req, struct response *res, struct err *err)
{
    const char *what = request_query(req, "do");
    const char *value = request_query(req, "v");

    (void)err;
    if (strcmp(what, "redirect") == 0)
        return respond_redirect(res, "%s", value);
    if (strcmp(what, "file") == 0)
        return respond_file(res, "/_logs/a b.log", "text/plain; charset=utf-8", value);
    if (strcmp(what, "badfile") == 0)
        return respond_file(res, value, "text/plain", "");
    if (strcmp(what, "session") == 0)
        respond_session(res, value[0] != '\0' ? value : NULL);
    if (strcmp(what, "flash") == 0)
        respond_flash(res, "warn", "%s", value);
    if (strcmp(what, "header") == 0)
        respond_header(res, "X-Test", value);
    if (strcmp(what, "headername") == 0)
        respond_header(res, value, "x");
    if (strcmp(what, "twice") == 0)
        respond_redirect(res, "/");
    return respond_redirect(res, "/next");
}

static int show(struct request *req, struct response *res, struct err *err)
{
    (void)req;
    (void)err;
    return respond_page(res, 200, "error",
                        json_pack("{s:i, s:s, s:s, s:s, s:[]}", "status", 200, "title", "T",
                                  "message", "m", "fix", "", "links"),
                        NULL);
}

static int refuse_form(struct request *req, struct response *res, struct err *err)
{
    (void)req;
    (void)err;
    return respond_page(
        res, 422, "error",
        json_pack("{s:i, s:s, s:s, s:s, s:[]}", "status", 422, "title", "T", "message", "m", "fix",
                  "", "links"),
        json_pack("{s:[{s:s, s:s}]}", "error_list", "field", "slug", "text", "Too long."));
}

static const struct route TABLE[] = {
    {METHOD_GET, "/act", CAP_PUBLIC, CSRF_SAFE_METHOD, act},
    {METHOD_GET, "/show", CAP_PUBLIC, CSRF_SAFE_METHOD, show},
    {METHOD_GET, "/form", CAP_PUBLIC, CSRF_SAFE_METHOD, refuse_form},
    {METHOD_POST, "/login", CAP_PUBLIC, CSRF_REQUIRED, show},
};

static bool body_has(const char *text)
{
    return strstr(fake_body(&w.f), text) != NULL;
}

static void redirects_stay_here(void)
{
    static const char *const BAD[] = {
        "//evil.example",
        "https://evil.example",
        "%2F%5Cevil.example",
        "/%5Cevil.example",
        "evil",
        "",
        "/a%0d%0aX-Evil:1",
        "/a%20b",
        "javascript:alert%281%29",
        "/%c3%a9",
    };

    for (size_t i = 0; i < COUNT_OF(BAD); i++) {
        char uri[256];

        snprintf(uri, sizeof uri, "/act?do=redirect&v=%s", BAD[i]);
        if (world_get(&w, uri) != 500 || fake_header(&w.f, "Location")[0] != '\0'
            || fake_header(&w.f, "X-Evil")[0] != '\0')
            tap_note_failure(__FILE__, __LINE__, BAD[i]);
    }
    CHECK_INT(world_get(&w, "/act?do=redirect&v=/apps%3Fa=1%23b"), 303);
    CHECK_STR(fake_header(&w.f, "Location"), "http://127.0.0.1:8080/apps?a=1#b");
    w.wants_json = true;
    CHECK_INT(world_get(&w, "/act?do=redirect&v=/apps"), 200);
    CHECK_STR(fake_body(&w.f), "{\"location\":\"/apps\"}\n");
    w.wants_json = false;
}

static void no_value_can_begin_a_header_of_its_own(void)
{
    CHECK_INT(world_get(&w, "/act?do=header&v=ok+then"), 303);
    CHECK_STR(fake_header(&w.f, "X-Test"), "ok then");
    CHECK_INT(world_get(&w, "/act?do=header&v=a%0d%0aX-Evil:+1"), 500);
    CHECK_INT(world_get(&w, "/act?do=header&v=a%0aX-Evil:+1"), 500);
    CHECK_STR(fake_header(&w.f, "X-Evil"), "");
    CHECK_INT(world_get(&w, "/act?do=headername&v=X-Evil:+1%0d%0aY"), 500);
    CHECK_INT(world_get(&w, "/act?do=flash&v=a%0d%0aSet-Cookie:+x=1%3b"), 303);
    CHECK_STR(fake_cookie(&w.f, "x"), "");
    CHECK_INT(world_get(&w, "/act?do=session&v=a%0d%0aX-Evil:+1"), 500);
    CHECK_STR(fake_header(&w.f, "X-Evil"), "");
    CHECK_INT(world_get(&w, "/act?do=file&v=a%0d%0aX-Evil:+1%22%3b.log"), 200);
    CHECK_STR(fake_header(&w.f, "X-Evil"), "");
}

static void files_are_left_to_the_web_server(void)
{
    CHECK_INT(world_get(&w, "/act?do=file&v=caf%c3%a9+%22.log"), 200);
    CHECK_STR(fake_header(&w.f, "X-Accel-Redirect"), "/_logs/a%20b.log");
    CHECK_STR(fake_header(&w.f, "Content-Disposition"),
              "attachment; filename=\"caf__ _.log\"; filename*=UTF-8''caf%C3%A9%20%22.log");
    CHECK_STR(fake_body(&w.f), "");
    CHECK_INT(world_get(&w, "/act?do=badfile&v=/etc/passwd"), 500);
    CHECK_INT(world_get(&w, "/act?do=badfile&v=/_logs/../../keys/master.key"), 500);
}

static void a_flash_is_shown_once_and_is_only_text(void)
{
    char cookie[2100], long_text[1000];

    CHECK_INT(world_get(&w, "/act?do=flash&v=%3Cb%3E+caf%c3%a9"), 303);
    snprintf(cookie, sizeof cookie, "windlass-flash-8080=%s",
             fake_cookie(&w.f, "windlass-flash-8080"));
    world_request(&w, "GET", "/show");
    fake_param(&w.f, "HTTP_COOKIE", cookie);
    CHECK_INT(world_dispatch(&w), 200);
    CHECK(body_has("&lt;b&gt; caf\xC3\xA9"));
    CHECK(strstr(w.f.out.data, "windlass-flash-8080=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0")
          != NULL);
    memset(long_text, 'x', sizeof long_text);
    memcpy(long_text, "/act?do=flash&v=", 16);
    long_text[sizeof long_text - 1] = '\0';
    CHECK_INT(world_get(&w, long_text), 303);
    CHECK_INT(strlen(fake_cookie(&w.f, "windlass-flash-8080")), (300 + 5) * 4 / 3 + 1);
    world_request(&w, "GET", "/show");
    fake_param(&w.f, "HTTP_COOKIE", "windlass-flash-8080=!!not-base64!!");
    CHECK_INT(world_dispatch(&w), 200);
}

static void the_session_cookie_is_for_this_port_only_on_plain_http(void)
{
    CHECK_INT(world_get(&w, "/act?do=session&v=tok"), 303);
    CHECK(strstr(w.f.out.data, "Set-Cookie: windlass-8080=tok; Path=/; HttpOnly; SameSite=Lax\r\n")
          != NULL);
    CHECK_INT(world_get(&w, "/act?do=session&v="), 303);
    CHECK(strstr(w.f.out.data,
                 "Set-Cookie: windlass-8080=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0\r\n")
          != NULL);
}

static void answering_twice_is_our_mistake_and_a_500(void)
{
    CHECK_INT(world_get(&w, "/act?do=twice"), 500);
    CHECK(body_has("request"));
}

static void a_refused_form_as_json_names_its_fields(void)
{
    CHECK_INT(world_get(&w, "/form"), 422);
    w.wants_json = true;
    CHECK_INT(world_get(&w, "/form"), 422);
    CHECK_STR(fake_header(&w.f, "Content-Type"), "application/problem+json");
    CHECK(body_has("\"errors\":[{\"field\":\"slug\",\"text\":\"Too long.\"}]"));
    w.wants_json = false;
}

static void on_https_cookies_are_host_bound_and_secure(void)
{
    world_open(&w, "https://deploy.example.org", TABLE, COUNT_OF(TABLE));
    CHECK(w.site.is_https && w.site.may_log_in && w.site.port == 443);
    CHECK_INT(world_get(&w, "/act?do=session&v=tok"), 303);
    CHECK(strstr(w.f.out.data,
                 "Set-Cookie: __Host-windlass=tok; Path=/; HttpOnly; SameSite=Lax; Secure\r\n")
          != NULL);
    world_close(&w);
}

static void plain_http_elsewhere_refuses_to_log_in_with_a_sentence(void)
{
    world_open(&w, "http://deploy.example.org", TABLE, COUNT_OF(TABLE));
    CHECK(!w.site.may_log_in && w.site.port == 80);
    CHECK_INT(world_get(&w, "/show"), 200);
    CHECK_INT(world_post(&w, "/login", "login=a&password=b"), 403);
    CHECK(body_has("plain http") && body_has("TLS"));
    world_close(&w);
}

static void origins_that_cannot_be_right_stop_the_start(void)
{
    static const char *const BAD[] = {"ftp://x",     "https://",    "https://x/",
                                      "https://X",   "https://x:0", "https://x:99999",
                                      "https://a b", "https://x?y", "deploy.example.org"};

    for (size_t i = 0; i < COUNT_OF(BAD); i++) {
        struct site site = {0};
        struct err err = {0};

        setenv("WL_VAR", "/tmp", 1);
        setenv("WL_ORIGIN", BAD[i], 1);
        if (site_load(&site, &err) == 0)
            tap_note_failure(__FILE__, __LINE__, BAD[i]);
        CHECK_STR(err.field, "WL_ORIGIN");
        site_free(&site);
    }
}

int main(void)
{
    world_open(&w, "http://127.0.0.1:8080", TABLE, COUNT_OF(TABLE));
    TAP_RUN(redirects_stay_here);
    TAP_RUN(no_value_can_begin_a_header_of_its_own);
    TAP_RUN(files_are_left_to_the_web_server);
    TAP_RUN(a_flash_is_shown_once_and_is_only_text);
    TAP_RUN(the_session_cookie_is_for_this_port_only_on_plain_http);
    TAP_RUN(answering_twice_is_our_mistake_and_a_500);
    TAP_RUN(a_refused_form_as_json_names_its_fields);
    world_close(&w);
    TAP_RUN(on_https_cookies_are_host_bound_and_secure);
    TAP_RUN(plain_http_elsewhere_refuses_to_log_in_with_a_sentence);
    TAP_RUN(origins_that_cannot_be_right_stop_the_start);
    return tap_done();
}
