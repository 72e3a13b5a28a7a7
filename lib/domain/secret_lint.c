/* secret_lint.c - the rules: one function each, one table row each. */
#include "lib/domain/secret_lint.h"

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include "lib/base/attr.h"
#include "lib/base/str.h"

#define WEAK_BYTES     16 /* base64 of 12 random bytes: what no one guesses */
#define KEY_BASE_BYTES 64 /* Rails' own minimum is 30; its generator gives 128 */

struct value {
    const char *key, *bytes;
    size_t len;
};

static bool holds(const struct value *v, const char *text)
{
    return v->len > 0 && memmem(v->bytes, v->len, text, strlen(text)) != NULL;
}

/* --- placeholders --- */

/* The value in lower case, with "-" for each space and underscore; false when it is too long to be
 * one. */
static bool fold(char out[64], const char *bytes, size_t len)
{
    if (len == 0 || len >= 64)
        return false;
    for (size_t i = 0; i < len; i++)
        out[i] = bytes[i] == ' ' || bytes[i] == '_' ? '-' : (char)tolower((unsigned char)bytes[i]);
    out[len] = '\0';
    return memchr(bytes, '\0', len) == NULL;
}

static bool is_one_of(const char *text, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(text, words[i]) == 0)
            return true;
    return false;
}

bool secret_lint_is_placeholder(const char *bytes, size_t len)
{
    static const char *const WORDS[] = {
        "todo",   "tbd",     "fixme",    "placeholder", "example",     "secret",    "password",
        "passwd", "token",   "key",      "apikey",      "api-key",     "change-it", "change-this",
        "dummy",  "replace", "insert",   "fill-me-in",  "fill-in",     "none-yet",  "redacted",
        "...",    "pass",    "changeit", "supersecret", "super-secret"};
    static const char *const PARTS[] = {"changeme",     "change-me", "replaceme",   "replace-me",
                                        "replace-with", "goes-here", "insert-your", "to-be-set"};
    char text[64];
    size_t n;
    if (!fold(text, bytes, len))
        return false;
    n = strlen(text);
    if (is_one_of(text, WORDS, COUNT_OF(WORDS)))
        return true;
    for (size_t i = 0; i < COUNT_OF(PARTS); i++)
        if (strstr(text, PARTS[i]) != NULL)
            return true;
    if (n >= 3 && (strspn(text, "x-") == n || strspn(text, "*") == n) && text[0] != '-')
        return true;
    if ((text[0] == '<' && text[n - 1] == '>') || (str_starts(text, "{{") && str_ends(text, "}}")))
        return true;
    return str_starts(text, "your-") || (str_starts(text, "my-") && str_ends(text, "-here"))
           || str_ends(text, "-here");
}

/* postgres://user:changeme@host: the password of a URL is one. */
static bool has_placeholder_password(const struct value *v)
{
    static const char *const PARTS[] = {":password@",   ":changeme@", ":secret@",       ":pass@",
                                        ":<password>@", ":xxxx@",     ":your-password@"};
    for (size_t i = 0; i < COUNT_OF(PARTS) && holds(v, "://"); i++)
        if (holds(v, PARTS[i]))
            return true;
    return false;
}

static bool is_placeholder(const struct value *v)
{
    return secret_lint_is_placeholder(v->bytes, v->len) || has_placeholder_password(v);
}

/* --- spaces and look-alikes --- */

static bool is_pem(const struct value *v)
{
    return v->len > 11 && memcmp(v->bytes, "-----BEGIN ", 11) == 0;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* A PEM text ends with a line break, as a file does. */
static bool has_space_at_end(const struct value *v)
{
    size_t len = v->len;
    if (is_pem(v) && len > 0 && v->bytes[len - 1] == '\n')
        len--;
    return len > 0 && (is_blank(v->bytes[0]) || is_blank(v->bytes[len - 1]));
}

static uint32_t code_at(const unsigned char *c, size_t left)
{
    if (left >= 2 && (c[0] & 0xE0U) == 0xC0U)
        return (uint32_t)(c[0] & 0x1FU) << 6 | (c[1] & 0x3FU);
    if (left >= 3 && (c[0] & 0xF0U) == 0xE0U)
        return (uint32_t)(c[0] & 0x0FU) << 12 | (uint32_t)(c[1] & 0x3FU) << 6 | (c[2] & 0x3FU);
    return 0;
}

/* Quotes, dashes and spaces that word processors write, and characters that are not seen. */
static bool has_lookalike(const struct value *v)
{
    static const struct {
        uint32_t first, last;
    } RANGES[] = {{0xA0, 0xA0},     {0xAD, 0xAD},     {0x1680, 0x1680}, {0x180E, 0x180E},
                  {0x2000, 0x2015}, {0x2018, 0x201F}, {0x2028, 0x202F}, {0x2032, 0x2036},
                  {0x205F, 0x2064}, {0x2066, 0x2069}, {0x2212, 0x2212}, {0x3000, 0x3000},
                  {0xFEFF, 0xFEFF}};
    const unsigned char *bytes = (const unsigned char *)v->bytes;
    for (size_t i = 0; i < v->len; i++) {
        uint32_t code = code_at(bytes + i, v->len - i);
        for (size_t k = 0; code != 0 && k < COUNT_OF(RANGES); k++)
            if (code >= RANGES[k].first && code <= RANGES[k].last)
                return true;
    }
    return false;
}

/* --- weak keys --- */

bool secret_lint_is_secret_name(const char *key)
{
    static const char *const WORDS[] = {"SECRET",     "PASSWORD",    "PASSWD",
                                        "PASSPHRASE", "TOKEN",       "CREDENTIAL",
                                        "APIKEY",     "PRIVATE_KEY", "SIGNING_KEY"};
    static const char *const OTHERS[] = {
        "_FILE",      "_PATH",    "_DIR",    "_URL",     "_URI",      "_ENDPOINT", "_ID",
        "_NAME",      "_TTL",     "_EXPIRY", "_EXPIRES", "_LIFETIME", "_TIMEOUT",  "_SECONDS",
        "_MINUTES",   "_HOURS",   "_DAYS",   "_LENGTH",  "_SIZE",     "_ROUNDS",   "_COST",
        "_ALGORITHM", "_TYPE",    "_HEADER", "_PREFIX",  "_ENABLED",  "_REQUIRED", "_ISSUER",
        "_AUDIENCE",  "_VERSION", "_COUNT",  "_LIMIT"};
    char name[129];
    size_t len = strlen(key);
    if (len >= sizeof name)
        return false;
    for (size_t i = 0; i <= len; i++)
        name[i] = (char)toupper((unsigned char)key[i]);
    for (size_t i = 0; i < COUNT_OF(OTHERS); i++)
        if (str_ends(name, OTHERS[i]))
            return false;
    if (strstr(name, "PUBLIC_KEY") != NULL || strstr(name, "PUBLISHABLE") != NULL)
        return false;
    for (size_t i = 0; i < COUNT_OF(WORDS); i++)
        if (strstr(name, WORDS[i]) != NULL)
            return true;
    return str_ends(name, "_KEY") || str_ends(name, "_PWD") || str_ends(name, "_PASS")
           || strcmp(name, "PGPASSWORD") == 0;
}

/* A short piece over and over, a run as of a keyboard or an alphabet, or few different characters.
 */
static bool has_low_variety(const char *bytes, size_t len)
{
    bool seen[256] = {false};
    size_t different = 0, steps = 0;
    for (size_t i = 0; i < len; i++) {
        different += seen[(unsigned char)bytes[i]] ? 0 : 1;
        seen[(unsigned char)bytes[i]] = true;
        steps += i > 0 && (bytes[i] == bytes[i - 1] + 1 || bytes[i] == bytes[i - 1] - 1) ? 1 : 0;
    }
    for (size_t period = 1; period <= len / 2 && period <= 16; period++)
        if (memcmp(bytes, bytes + period, len - period) == 0)
            return true;
    return different < 6 || steps * 4 > len * 3;
}

static bool is_weak(const struct value *v)
{
    size_t wanted = strcmp(v->key, "SECRET_KEY_BASE") == 0 ? KEY_BASE_BYTES : WEAK_BYTES;
    if (!secret_lint_is_secret_name(v->key))
        return false;
    if (v->len == 4 && strncasecmp(v->bytes, "true", 4) == 0)
        return false;
    if (v->len == 5 && strncasecmp(v->bytes, "false", 5) == 0)
        return false;
    return v->len < wanted || has_low_variety(v->bytes, v->len);
}

/* --- URLs, PEM, quotes --- */

static bool is_scheme(const char *bytes, const char *end)
{
    if (end == bytes || end - bytes > 30 || !isalpha((unsigned char)bytes[0]))
        return false;
    for (; bytes < end; bytes++)
        if (!isalnum((unsigned char)*bytes) && strchr("+.-", *bytes) == NULL)
            return false;
    return true;
}

/* The host begins behind the last @: what is before it and not escaped cuts the password short. The
 * last @ may also stand in a path or query, so a host must be in front of the slash to be believed.
 */
static bool has_bad_password(const struct value *v)
{
    const char *end = v->bytes + v->len, *at, *first, *colon, *stop;
    const char *scheme = v->len > 0 ? memmem(v->bytes, v->len, "://", 3) : NULL;
    if (scheme == NULL || !is_scheme(v->bytes, scheme))
        return false;
    at = scheme + 3;
    for (stop = at; stop < end && strchr("/?#", *stop) == NULL;)
        stop++;
    first = memchr(at, '@', (size_t)(stop - at));
    colon = memchr(at, ':', (size_t)(stop - at));
    if (first != NULL)
        return memrchr(at, '@', (size_t)(stop - at)) != first
               || memchr(at, ' ', (size_t)(first - at)) != NULL;
    /* user:pa/ss@host: what looks like a port is none, and an @ follows. */
    if (colon == NULL || memchr(stop, '@', (size_t)(end - stop)) == NULL)
        return false;
    for (colon++; colon < stop; colon++)
        if (!isdigit((unsigned char)*colon))
            return true;
    return false;
}

static bool has_broken_pem(const struct value *v)
{
    return holds(v, "-----BEGIN ") && holds(v, "\\n");
}

static bool is_quoted_twice(const struct value *v)
{
    return v->len >= 2 && (v->bytes[0] == '"' || v->bytes[0] == '\'')
           && v->bytes[v->len - 1] == v->bytes[0];
}

/* --- the table --- */

static const struct secret_lint_rule RULES[] = {
    {SECRET_LINT_PLACEHOLDER, SECRET_LINT_WARN, "placeholder",
     "This looks like a placeholder. Put the real value here."},
    {SECRET_LINT_WEAK, SECRET_LINT_WARN, "weak",
     "This is easy to guess for a secret: it is short, or repeats itself. Generate one."},
    {SECRET_LINT_SPACE, SECRET_LINT_WARN, "space",
     "There is a space or line break at an end. Remove it, unless the app wants it."},
    {SECRET_LINT_LOOKALIKE, SECRET_LINT_WARN, "lookalike",
     "There are typographic quotes, dashes or spaces, or characters that are not seen. Type them "
     "again if plain ones are meant."},
    {SECRET_LINT_URL, SECRET_LINT_WARN, "url",
     "The password in this URL has an @, / or space that is not escaped. Write %40, %2F or %20."},
    {SECRET_LINT_PEM, SECRET_LINT_NOTE, "pem",
     "This key has \\n as two characters. Unless the app turns them into line breaks, put real "
     "ones."},
    {SECRET_LINT_QUOTED, SECRET_LINT_NOTE, "quoted",
     "The quotes are a part of this value. Remove them if they only came with a file."},
};

static bool (*const TESTS[])(const struct value *) = {
    is_placeholder,   is_weak,        has_space_at_end, has_lookalike,
    has_bad_password, has_broken_pem, is_quoted_twice,
};

_Static_assert(COUNT_OF(RULES) == COUNT_OF(TESTS), "a rule has a test");

unsigned secret_lint(const char *key, const char *bytes, size_t len)
{
    struct value v = {.key = key, .bytes = bytes, .len = len};
    unsigned bits = 0;
    for (size_t i = 0; i < COUNT_OF(RULES); i++)
        if (TESTS[i](&v))
            bits |= RULES[i].bit;
    return bits;
}

const struct secret_lint_rule *secret_lint_rules(size_t *count)
{
    *count = COUNT_OF(RULES);
    return RULES;
}

const char *secret_lint_severity_name(enum secret_lint_severity severity)
{
    return severity == SECRET_LINT_WARN ? "warn" : "note";
}
