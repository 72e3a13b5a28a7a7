/* secrets_reveal.c - asking the worker for values, and /secrets/key/{key}/reveal: one value, shown
 * for 30 seconds (secrets_reveal.h). */
#include "cgi/pages/secrets_reveal.h"

#include <stdio.h>
#include <string.h>
#include "cgi/http/ask.h"
#include "cgi/pages/page.h"
#include "cgi/pages/pages.h"
#include "cgi/pages/prove.h"
#include "cgi/pages/row.h"
#include "lib/base/clock.h"
#include "lib/base/io.h"
#include "lib/base/str.h"
#include "lib/crypto/crypto.h"
#include "lib/crypto/reply.h"

#define REPLY_MAX ((int64_t)17 * 1024 * 1024)
#define READ_MS   5000
#define SHOWN_S   30

static int no_memory(struct err *err)
{
    return err_set(err, ERR_NO_MEMORY, "There was not enough memory. Try again.");
}

/* The file that came with the answer, opened: a JSON text in the arena. */
static int open_reply(struct request *req, int fd, int64_t size, const uint8_t *key,
                      json_t **values, struct err *err)
{
    uint8_t *sealed, *plain;
    json_t *object;
    bool eof = false;
    if (size < REPLY_OVERHEAD || size > REPLY_MAX)
        return err_set(err, ERR_INTERNAL, "The worker's answer has no size that can be.");
    sealed = arena_alloc(req->arena, (size_t)size);
    plain = arena_alloc(req->arena, (size_t)size);
    if (sealed == NULL || plain == NULL)
        return no_memory(err);
    if (io_read_exact(fd, sealed, (size_t)size, clock_mono_ms() + READ_MS, &eof, err) != 0
        || reply_open(key, sealed, (size_t)size, plain, err) != 0)
        return -1;
    object = json_loadb((const char *)plain, (size_t)size - REPLY_OVERHEAD, 0, NULL);
    crypto_wipe(plain, (size_t)size);
    if (object == NULL)
        return no_memory(err);
    *values = json_object_get(object, "values");
    return 0;
}

int secrets_reveal(struct request *req, const struct secrets_view *v,
                   const struct secrets_asked *asked, json_t **values, struct err *err)
{
    uint8_t reply_key[REPLY_KEY_BYTES];
    const char *sealed;
    json_t *answer = NULL;
    int fd = -1, rc = -1;
    if (prove_password(req, err) != 0) /* the page that asks for it repeats the whole form */
        return -1;
    crypto_random(reply_key, sizeof reply_key);
    sealed = ask_seal(req, reply_key, sizeof reply_key, err);
    if (sealed != NULL
        && ask_for_file(req, "secrets.reveal",
                        json_pack("{s:s, s:I, s:s, s:s, s:s}", "environment_id",
                                  row_text(v->card, "id"), "number", asked->number, "key",
                                  asked->key, "purpose", asked->purpose, "reply_key", sealed),
                        &answer, &fd, err)
               == 0)
        rc = open_reply(req, fd, row_int(answer, "size"), reply_key, values, err);
    io_close(&fd);
    crypto_wipe(reply_key, sizeof reply_key);
    return rc;
}

const char *secrets_revealed(struct request *req, const json_t *values, const char *key,
                             size_t *len)
{
    const char *base64 = json_string_value(json_object_get(values, key));
    size_t max = base64 == NULL ? 0 : strlen(base64);
    char *bytes = base64 == NULL ? NULL : arena_alloc(req->arena, max + 1);
    int n = bytes == NULL ? -1 : crypto_unb64(base64, bytes, max);
    if (n < 0)
        return NULL;
    bytes[n] = '\0';
    *len = (size_t)n;
    return bytes;
}

int secrets_ask_password(struct request *req, struct response *res, const struct secrets_view *v,
                         const struct err *refused, const struct secrets_again *again)
{
    json_t *page = secrets_page_new(req, v, "Enter your password", ""), *data;
    page_crumb(page, "Password", "");
    page_field(page, "password", NULL);
    if (request_field(req, "password")[0] != '\0')
        page_error(page, "password", refused->user);
    data = secrets_data_new(v, "");
    json_object_set_new(data, "code", json_string("prove"));
    json_object_set_new(data, "action", json_string(again->action));
    json_object_set_new(data, "what", json_string(again->what));
    json_object_set_new(data, "hidden", again->hidden);
    return respond_page(res, 403, "prove", data, page);
}

/* --- one value --- */

static json_t *hidden_field(const char *name, const char *value)
{
    return json_pack("{s:s, s:s}", "name", name, "value", value);
}

static int ask_again(struct request *req, struct response *res, const struct secrets_view *v,
                     const struct err *refused, int64_t number, const char *purpose)
{
    const char *key = request_param(req, 2);
    json_t *hidden = json_array(), *href;
    char rest[200], text[24], what[200];
    snprintf(rest, sizeof rest, "/key/%.128s/reveal", key);
    snprintf(text, sizeof text, "%lld", (long long)number);
    snprintf(what, sizeof what, "To see %.128s of s%s", key, text);
    json_array_append_new(hidden, hidden_field("number", text));
    json_array_append_new(hidden, hidden_field("purpose", purpose));
    href = secrets_href(v, rest);
    return secrets_ask_password(
        req, res, v, refused,
        &(struct secrets_again){href == NULL ? "" : json_string_value(href), what, hidden});
}

static int reveal_respond(struct request *req, struct response *res, const struct secrets_view *v,
                          int64_t number, const char *value, size_t len)
{
    const char *key = request_param(req, 2);
    json_t *page = secrets_page_new(req, v, key, ""), *data = secrets_data_new(v, "");
    char rest[160], refresh[300];
    bool is_text = strlen(value) == len && str_is_utf8(value, len);
    char *base64 = is_text ? NULL : arena_alloc(req->arena, CRYPTO_B64_SIZE(len));
    if (!is_text && base64 != NULL)
        crypto_b64(base64, CRYPTO_B64_SIZE(len), value, len);
    snprintf(rest, sizeof rest, "/key/%.128s", key);
    snprintf(refresh, sizeof refresh, "%d; url=/apps/%.60s/%.60s/secrets%s", SHOWN_S,
             row_text(v->card, "app_slug"), row_text(v->card, "slug"), rest);
    respond_header(res, "Refresh", refresh);
    page_crumb(page, key, "");
    json_object_set_new(data, "key", json_string(key));
    json_object_set_new(data, "label", part_set_label(number));
    json_object_set_new(data, "href", secrets_href(v, rest));
    json_object_set_new(data, "value", json_string(is_text ? value : base64 == NULL ? "" : base64));
    json_object_set_new(data, "is_base64", json_boolean(!is_text));
    json_object_set_new(data, "seconds", json_integer(SHOWN_S));
    return respond_page(res, 200, "secrets_value", data, page);
}

int secrets_reveal_show(struct request *req, struct response *res, struct err *err)
{
    const char *key = request_param(req, 2), *value;
    const char *purpose = str_equal(request_field(req, "purpose"), "copy") ? "copy" : "show";
    struct secrets_view v;
    struct err e = {0};
    int64_t number = 0;
    json_t *values;
    size_t len = 0;
    if (secrets_view_read(req, &v, err) != 0)
        return -1;
    if (!str_to_int64(request_field(req, "number"), 1, INT64_MAX, &number))
        number = row_int(v.set, "number");
    if (secrets_reveal(req, &v, &(struct secrets_asked){number, key, purpose}, &values, &e) != 0) {
        if (e.code == ERR_PROVE && !req->wants_json)
            return ask_again(req, res, &v, &e, number, purpose);
        *err = e;
        return -1;
    }
    value = secrets_revealed(req, values, key, &len);
    if (value == NULL)
        return no_memory(err);
    return reveal_respond(req, res, &v, number, value, len);
}
