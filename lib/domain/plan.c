/* plan.c - one hash over a plan's basis, and what differs between two of them, in words. */
#include "lib/domain/plan.h"

#include <stdint.h>
#include <string.h>

#include "lib/base/str.h"
#include "lib/crypto/crypto.h"

static int hash_piece(const char *bytes, size_t len, void *state)
{
    crypto_sha256_add(state, bytes, len);
    return 0;
}

int plan_hash(const json_t *basis, char hex[65], struct err *err)
{
    struct crypto_sha256_state state;
    uint8_t hash[CRYPTO_HASH_BYTES];

    crypto_sha256_init(&state);
    if (json_dump_callback(basis, hash_piece, &state, JSON_SORT_KEYS | JSON_COMPACT) != 0) {
        err_set(err, ERR_INTERNAL, "The plan could not be put together.");
        return err_detail(err, "json_dump_callback refused a plan's basis");
    }
    crypto_sha256_end(&state, hash);
    crypto_hex(hex, 65, hash, sizeof hash);
    return 0;
}

enum style {
    STYLE_PLAIN,   /* "the version is now 1.1, not 1.0" */
    STYLE_SET,     /* s4 */
    STYLE_RELEASE, /* v42 */
    STYLE_OPAQUE,  /* a hash or a structure: only that it changed */
};

/* Keys of the basis in the order people care about. */
static const struct {
    const char *key, *words;
    enum style style;
} KEYS[] = {
    {"live_release", "the live release", STYLE_RELEASE},
    {"version", "the version", STYLE_PLAIN},
    {"secret_set", "the secret set", STYLE_SET},
    {"recipe", "the recipe", STYLE_PLAIN},
    {"recipe_sha256", "the recipe's files", STYLE_OPAQUE},
    {"artefact_sha256", "the artefact's bytes", STYLE_OPAQUE},
    {"settings_sha256", "the environment's settings", STYLE_OPAQUE},
    {"replays", "the release that comes back", STYLE_RELEASE},
    {"parts", "what comes back", STYLE_PLAIN},
    {"promoted_from", "the release that is promoted", STYLE_PLAIN},
    {"images_sha256", "the images' digests", STYLE_OPAQUE},
    {"images", "the images' digests as they were planned", STYLE_OPAQUE},
    {"planned", "the look at the servers", STYLE_OPAQUE},
    {"git_commit", "the commit", STYLE_PLAIN},
    {"paused", "the pause of automatic deploys", STYLE_OPAQUE},
    {"locked", "the lock of the environment", STYLE_OPAQUE},
};

static bool same(const json_t *a, const json_t *b)
{
    bool a_none = a == NULL || json_is_null(a), b_none = b == NULL || json_is_null(b);

    if (a_none || b_none)
        return a_none && b_none;
    return json_equal(a, b) == 1;
}

static void value_words(struct buf *out, const json_t *value, enum style style)
{
    const char *prefix = style == STYLE_SET ? "s" : style == STYLE_RELEASE ? "v" : "";

    if (json_is_integer(value) && json_integer_value(value) != 0)
        buf_printf(out, "%s%" JSON_INTEGER_FORMAT, prefix, json_integer_value(value));
    else if (json_is_string(value) && json_string_length(value) > 0)
        buf_printf(out, "%.64s", json_string_value(value));
    else
        buf_add_str(out, "none");
}

static void separate(struct buf *out)
{
    if (out->len > 0)
        buf_add_str(out, "; ");
}

static const json_t *host_of(const json_t *hosts, const char *server_id)
{
    size_t i;
    json_t *host;

    json_array_foreach(hosts, i, host)
    {
        if (str_equal(json_string_value(json_object_get(host, "server_id")), server_id))
            return host;
    }
    return NULL;
}

static const char *slug_of(const json_t *host)
{
    const char *slug = json_string_value(json_object_get(host, "slug"));

    return slug != NULL ? slug : "a server";
}

/* Who came, who went, whose key or address is another. */
static void compare_hosts(struct buf *out, const json_t *confirmed, const json_t *now)
{
    size_t before = out->len, i;
    json_t *host;

    json_array_foreach(now, i, host)
    {
        const char *id = json_string_value(json_object_get(host, "server_id"));
        const json_t *old = host_of(confirmed, id);

        if (old != NULL && same(old, host))
            continue;
        separate(out);
        if (old == NULL)
            buf_printf(out, "server %.64s was added", slug_of(host));
        else if (!same(json_object_get(old, "pin_print"), json_object_get(host, "pin_print")))
            buf_printf(out, "the pinned host key of %.64s changed", slug_of(host));
        else if (!same(json_object_get(old, "address"), json_object_get(host, "address")))
            buf_printf(out, "the address of %.64s changed", slug_of(host));
        else
            buf_printf(out, "server %.64s changed", slug_of(host));
    }
    json_array_foreach(confirmed, i, host)
    {
        if (host_of(now, json_string_value(json_object_get(host, "server_id"))) != NULL)
            continue;
        separate(out);
        buf_printf(out, "server %.64s was taken away", slug_of(host));
    }
    if (out->len == before) {
        separate(out);
        buf_add_str(out, "the order of the servers changed");
    }
}

static bool is_listed(const char *key)
{
    for (size_t i = 0; i < COUNT_OF(KEYS); i++) {
        if (strcmp(key, KEYS[i].key) == 0)
            return true;
    }
    return strcmp(key, "hosts") == 0;
}

/* Keys this program does not know must match as well. */
static void compare_others(struct buf *out, const json_t *confirmed, const json_t *now)
{
    const json_t *sides[2] = {confirmed, now};

    for (size_t side = 0; side < 2; side++) {
        for (void *it = json_object_iter((json_t *)(uintptr_t)sides[side]); it != NULL;
             it = json_object_iter_next((json_t *)(uintptr_t)sides[side], it)) {
            const char *key = json_object_iter_key(it);
            const json_t *other = json_object_get(sides[1 - side], key);

            if (is_listed(key) || same(json_object_iter_value(it), other)
                || (side == 1 && other != NULL)) /* said in the first round */
                continue;
            separate(out);
            buf_printf(out, "%.40s changed", key);
        }
    }
}

int plan_compare(const json_t *confirmed, const json_t *now, struct err *err)
{
    struct buf words;
    bool differs;

    if (!json_is_object(confirmed) || !json_is_object(now))
        return err_set(err, ERR_CONFLICT,
                       "There is no confirmed plan to compare with. Look at the plan and confirm "
                       "it.");
    if (json_equal(confirmed, now) == 1)
        return 0;
    buf_init(&words, 4096);
    for (size_t i = 0; i < COUNT_OF(KEYS); i++) {
        const json_t *old = json_object_get(confirmed, KEYS[i].key);
        const json_t *new = json_object_get(now, KEYS[i].key);

        if (same(old, new))
            continue;
        separate(&words);
        if (KEYS[i].style == STYLE_OPAQUE) {
            buf_printf(&words, "%s changed", KEYS[i].words);
            continue;
        }
        buf_printf(&words, "%s is now ", KEYS[i].words);
        value_words(&words, new, KEYS[i].style);
        buf_add_str(&words, ", not ");
        value_words(&words, old, KEYS[i].style);
    }
    if (!same(json_object_get(confirmed, "hosts"), json_object_get(now, "hosts")))
        compare_hosts(&words, json_object_get(confirmed, "hosts"), json_object_get(now, "hosts"));
    compare_others(&words, confirmed, now);
    differs = words.len > 0 || !buf_ok(&words);
    if (differs)
        err_set(err, ERR_CONFLICT,
                "This is not what was confirmed: %.380s. Look at the new plan and confirm again.",
                words.data);
    buf_deinit(&words);
    return differs ? -1 : 0;
}
