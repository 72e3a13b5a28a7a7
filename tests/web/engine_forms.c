/* engine_forms.c - fields of forms and queries: limits, hostile bytes, and what a handler gets. */
#include "cgi/http/form.h"
#include "cgi/http/response.h"
#include "tests/web/lib/world.h"

static struct world w;
static int handled;

/* Echoes fields as hex, so that a test sees every byte. */
static int echo(struct request *req, struct response *res, struct err *err)
{
    size_t len, raw_len;
    const char *bytes = request_field_bytes(req, "a", &len);
    const char *raw = request_field_bytes(req, "raw.a", &raw_len);
    char *hex = arena_alloc(req->arena, len * 2 + 1);
    char *raw_hex = arena_alloc(req->arena, raw_len * 2 + 1);

    (void)err;
    handled++;
    crypto_hex(hex, len * 2 + 1, bytes, len);
    crypto_hex(raw_hex, raw_len * 2 + 1, raw, raw_len);
    return respond_json(res, 200,
                        json_pack("{s:s, s:s, s:o, s:b, s:s, s:I}", "a", hex, "raw", raw_hex,
                                  "settings", request_fields_with(req, "settings."), "has_b",
                                  request_has_field(req, "b"), "q", request_query(req, "q"), "n",
                                  (json_int_t)request_query_int(req, "n", 1, 100, 50)));
}

static const struct route TABLE[] = {
    {METHOD_POST, "/echo", CAP_VIEW, CSRF_REQUIRED, echo},
    {METHOD_GET, "/echo", CAP_VIEW, CSRF_SAFE_METHOD, echo},
};

static bool body_has(const char *text)
{
    return strstr(fake_body(&w.f), text) != NULL;
}

/* A POST of exactly these bytes behind the token. */
static int post_bytes(const char *bytes, size_t len)
{
    struct buf body;
    char token[64];
    int status;

    buf_init(&body, (size_t)64 * 1024 * 1024);
    buf_printf(&body, "csrf=%s&", world_csrf(&w, token));
    buf_add(&body, bytes, len);
    world_request(&w, "POST", "/echo");
    fake_param(&w.f, "HTTP_ORIGIN", w.site.origin);
    fake_send(&w.f, "application/x-www-form-urlencoded; charset=utf-8", body.data, body.len);
    status = world_dispatch(&w);
    buf_deinit(&body);
    return status;
}

static void values_arrive_byte_exact(void)
{
    CHECK_INT(world_post(&w, "/echo", "a=%27%22%24%28id%29%60%0a%0d+%2B%26%3D%25&settings.x=1&b="),
              200);
    CHECK(body_has("\"a\":\"272224286964296"));
    CHECK(body_has("\"a\":\"27222428696429600a0d202b263d25\""));
    CHECK(body_has("\"settings\":{\"x\":\"1\"}"));
    CHECK(body_has("\"has_b\":true"));
    CHECK_INT(world_post(&w, "/echo", "a=caf%c3%a9&&"), 200);
    CHECK(body_has("\"a\":\"636166c3a9\""));
    CHECK(body_has("\"has_b\":false"));
}

static void a_field_twice_is_refused_by_name(void)
{
    handled = 0;
    CHECK_INT(world_post(&w, "/echo", "a=1&b=2&a=1"), 400);
    CHECK(body_has("&quot;a&quot; was given twice"));
    CHECK_INT(world_post(&w, "/echo", "%61=1&a=1"), 400);
    CHECK_INT(world_get(&w, "/echo?q=1&q=2"), 400);
    CHECK_INT(handled, 0);
}

static void nul_and_invalid_utf8_are_refused_by_name_but_raw_fields_carry_them(void)
{
    static const char *const BAD[] = {"a=x%00y",  "a=%ff",       "a=%c3",
                                      "a=%c0%80", "a=%ed%a0%80", "a=%f4%90%80%80"};

    handled = 0;
    for (size_t i = 0; i < COUNT_OF(BAD); i++) {
        CHECK_INT(world_post(&w, "/echo", BAD[i]), 422);
        CHECK(body_has("&quot;a&quot; holds"));
    }
    CHECK_INT(world_get(&w, "/echo?q=%00"), 400);
    CHECK_INT(handled, 0);
    w.wants_json = true;
    CHECK_INT(world_post(&w, "/echo", "a=%00"), 422);
    CHECK(body_has("\"errors\":[{\"field\":\"a\""));
    w.wants_json = false;
    CHECK_INT(world_post(&w, "/echo", "raw.a=%00%ff"), 200);
    CHECK(body_has("\"raw\":\"00ff\""));
}

static void names_and_escapes_no_browser_sends_are_refused(void)
{
    static const char *const BAD[] = {"=1",     "a%00b=1", "a%0d%0ab=1", "%ff=1", "a b=1",
                                      "a<b>=1", "a=%",     "a=%4",       "a=%zz", "a=%g0"};

    for (size_t i = 0; i < COUNT_OF(BAD); i++)
        CHECK_INT(world_post(&w, "/echo", BAD[i]), 400);
}

static void limits_hold(void)
{
    size_t size = FORM_BODY_MAX;
    char *big = malloc(size + 4096);
    struct buf many;

    memset(big, 'x', size + 4096);
    memcpy(big, "b=", 2); /* is not echoed */
    CHECK_INT(post_bytes(big, size - 64), 200);
    CHECK_INT(post_bytes(big, size + 1), 413);
    CHECK(body_has("4 MiB"));
    free(big);
    buf_init(&many, (size_t)1024 * 1024);
    for (int i = 0; i < FORM_FIELDS_MAX - 1; i++)
        buf_printf(&many, "f%d=1&", i);
    CHECK_INT(post_bytes(many.data, many.len), 200);
    buf_add_str(&many, "one.more=1");
    CHECK_INT(post_bytes(many.data, many.len), 413);
    buf_deinit(&many);
}

static void other_bodies_are_415_and_a_cut_one_is_400(void)
{
    char token[64], body[256];

    handled = 0;
    snprintf(body, sizeof body, "csrf=%s&a=1", world_csrf(&w, token));
    world_request(&w, "POST", "/echo");
    fake_param(&w.f, "HTTP_ORIGIN", w.site.origin);
    fake_send(&w.f, "text/plain", body, strlen(body));
    CHECK_INT(world_dispatch(&w), 415);
    world_request(&w, "POST", "/echo");
    fake_param(&w.f, "HTTP_ORIGIN", w.site.origin);
    fake_send(&w.f, "application/json", "{}", 2);
    CHECK_INT(world_dispatch(&w), 415);
    world_request(&w, "POST", "/echo");
    fake_param(&w.f, "HTTP_ORIGIN", w.site.origin);
    fake_send(&w.f, "application/x-www-form-urlencoded", body, strlen(body));
    w.f.breaks_at = strlen(body) - 1;
    CHECK_INT(world_dispatch(&w), 400);
    world_request(&w, "POST", "/echo");
    fake_param(&w.f, "HTTP_ORIGIN", w.site.origin);
    fake_send(&w.f, "application/x-www-form-urlencoded", body, strlen(body));
    fake_param(&w.f, "CONTENT_LENGTH", "-5");
    CHECK_INT(world_dispatch(&w), 400);
    CHECK_INT(handled, 0);
}

static void numbers_outside_their_range_fall_back(void)
{
    CHECK_INT(world_get(&w, "/echo?n=7&q=x"), 200);
    CHECK(body_has("\"q\":\"x\",\"n\":7"));
    CHECK_INT(world_get(&w, "/echo?n=101"), 200);
    CHECK(body_has("\"n\":50"));
    CHECK_INT(world_get(&w, "/echo?n=+7"), 200);
    CHECK(body_has("\"n\":50"));
}

static void what_a_refused_request_did_not_read_is_drained(void)
{
    char *big = malloc((size_t)3 * 1024 * 1024);

    memset(big, 'x', (size_t)3 * 1024 * 1024);
    world_request(&w, "POST", "/nowhere");
    fake_param(&w.f, "HTTP_ORIGIN", w.site.origin);
    fake_send(&w.f, "application/x-www-form-urlencoded", big, (size_t)3 * 1024 * 1024);
    CHECK_INT(world_dispatch(&w), 404);
    CHECK_INT(w.f.body_at, 3 * 1024 * 1024);
    free(big);
}

int main(void)
{
    world_open(&w, "http://127.0.0.1:8080", TABLE, COUNT_OF(TABLE));
    world_sign_in(&w, ROLE_VIEWER);
    TAP_RUN(values_arrive_byte_exact);
    TAP_RUN(a_field_twice_is_refused_by_name);
    TAP_RUN(nul_and_invalid_utf8_are_refused_by_name_but_raw_fields_carry_them);
    TAP_RUN(names_and_escapes_no_browser_sends_are_refused);
    TAP_RUN(limits_hold);
    TAP_RUN(other_bodies_are_415_and_a_cut_one_is_400);
    TAP_RUN(numbers_outside_their_range_fall_back);
    TAP_RUN(what_a_refused_request_did_not_read_is_drained);
    world_close(&w);
    return tap_done();
}
