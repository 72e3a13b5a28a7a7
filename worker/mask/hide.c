/* Finding hidden values in a stream. A pattern is the value (or its base64 text) and a way of
 * reading what was printed; patterns are tried where the first printed byte can begin them. That is
 * plain and fast enough (a few candidates per byte, nearly all refused at the second byte), and,
 * unlike an automaton over all spellings, it stays small with certificates of many kilobytes. */
#include "worker/mask/hide.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "lib/crypto/crypto.h"
#include "worker/mask/decode.h"

#define INDENT_MAX 64

struct pattern {
    char *bytes;
    size_t len;
    enum decode_way way;
};

struct list {
    uint32_t *items;
    size_t count, cap;
};

struct hide {
    struct pattern *patterns;
    size_t count, cap;
    struct list by_first[256]; /* indexes of the patterns that a byte can begin */
    struct list base64;        /* tried in the middle at the start of a line as well */
};

struct hide *hide_new(void)
{
    return calloc(1, sizeof(struct hide));
}

void hide_free(struct hide *hide)
{
    if (hide == NULL)
        return;
    for (size_t i = 0; i < hide->count; i++) {
        crypto_wipe(hide->patterns[i].bytes, hide->patterns[i].len);
        free(hide->patterns[i].bytes);
    }
    for (size_t i = 0; i < 256; i++)
        free(hide->by_first[i].items);
    free(hide->base64.items);
    free(hide->patterns);
    free(hide);
}

static int no_memory(struct err *err)
{
    return err_set(err, ERR_NO_MEMORY, "There is no memory for the values to hide in the log.");
}

static int list_add(struct list *list, size_t item, struct err *err)
{
    if (list->count == list->cap) {
        size_t cap = list->cap == 0 ? 8 : list->cap * 2;
        uint32_t *items = reallocarray(list->items, cap, sizeof *items);
        if (items == NULL)
            return no_memory(err);
        list->items = items;
        list->cap = cap;
    }
    list->items[list->count++] = (uint32_t)item;
    return 0;
}

/* Enter the pattern under every byte that can begin it. */
static int index_pattern(struct hide *hide, size_t item, struct err *err)
{
    const struct pattern *p = &hide->patterns[item];
    for (int byte = 0; byte < 256; byte++) {
        if (decode_can_begin(p->way, p->bytes[0], (char)byte)
            && list_add(&hide->by_first[byte], item, err) != 0)
            return -1;
    }
    return p->way == DECODE_BASE64 ? list_add(&hide->base64, item, err) : 0;
}

static int add_pattern(struct hide *hide, const char *bytes, size_t len, enum decode_way way,
                       struct err *err)
{
    if (hide->count == hide->cap) {
        size_t cap = hide->cap == 0 ? 32 : hide->cap * 2;
        struct pattern *grown = reallocarray(hide->patterns, cap, sizeof *grown);
        if (grown == NULL)
            return no_memory(err);
        hide->patterns = grown;
        hide->cap = cap;
    }
    char *copy = malloc(len + 1);
    if (copy == NULL)
        return no_memory(err);
    memcpy(copy, bytes, len);
    copy[len] = '\0';
    hide->patterns[hide->count] = (struct pattern){.bytes = copy, .len = len, .way = way};
    hide->count++;
    return index_pattern(hide, hide->count - 1, err);
}

static bool is_plain_word(const char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        char c = bytes[i];
        bool word = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
        if (!word)
            return false;
    }
    return true;
}

/* The value as printed by something that may escape it. */
static int add_spellings(struct hide *hide, const char *value, size_t len, struct err *err)
{
    if (add_pattern(hide, value, len, DECODE_NONE, err) != 0
        || add_pattern(hide, value, len, DECODE_URL, err) != 0)
        return -1;
    if (is_plain_word(value, len)) /* nothing else escapes letters and digits */
        return 0;
    if (add_pattern(hide, value, len, DECODE_BACKSLASH, err) != 0)
        return -1;
    return memchr(value, '\'', len) == NULL ? 0 : add_pattern(hide, value, len, DECODE_QUOTE, err);
}

/* The base64 digits that depend on the value alone when `before` bytes precede it in the encoded
 * data: those digits which share bits with neighbours are left out at both ends. */
static int add_base64(struct hide *hide, const char *value, size_t len, size_t before,
                      struct err *err)
{
    size_t first = (before * 8 + 5) / 6; /* first digit wholly inside */
    size_t end = (before + len) * 8 / 6; /* one past the last one wholly inside */
    size_t text_size = CRYPTO_B64_SIZE(before + len);
    char *text = NULL, *padded = calloc(1, before + len);
    int rc = -1;

    text = malloc(text_size);
    if (padded == NULL || text == NULL) {
        no_memory(err);
        goto out;
    }
    memcpy(padded + before, value, len);
    crypto_b64(text, text_size, padded, before + len);
    rc = add_pattern(hide, text + first, end - first, DECODE_BASE64, err);
    crypto_wipe(padded, before + len);
    crypto_wipe(text, text_size);
out:
    free(padded);
    free(text);
    return rc;
}

/* Programs that indent or number lines break up a multi-line value; its lines are hidden alone. The
 * armour lines of a PEM are no secret. */
static int add_lines(struct hide *hide, const char *value, size_t len, struct err *err)
{
    const char *line = value, *end = value + len;
    while (line < end) {
        const char *stop = memchr(line, '\n', (size_t)(end - line));
        const char *next = stop == NULL ? end : stop + 1;
        if (stop == NULL)
            stop = end;
        while (line < stop && (*line == ' ' || *line == '\t'))
            line++;
        while (stop > line && (stop[-1] == '\r' || stop[-1] == ' ' || stop[-1] == ','))
            stop--;
        size_t n = (size_t)(stop - line);
        if (n >= HIDE_MIN && strncmp(line, "-----", 5) != 0
            && add_spellings(hide, line, n, err) != 0)
            return -1;
        line = next;
    }
    return 0;
}

int hide_add(struct hide *hide, const void *value, size_t len, struct err *err)
{
    const char *bytes = value;
    /* A file's last line break is no secret, and hiding it would join two lines. */
    while (len > 0 && (bytes[len - 1] == '\n' || bytes[len - 1] == '\r'))
        len--;
    if (len < HIDE_MIN)
        return 0;
    if (len > HIDE_VALUE_MAX)
        return err_set(err, ERR_TOO_LARGE, "A secret is too large to be hidden in the log.");
    if (add_spellings(hide, bytes, len, err) != 0)
        return -1;
    for (size_t before = 0; before < 3; before++) {
        if (add_base64(hide, bytes, len, before, err) != 0)
            return -1;
    }
    return memchr(bytes, '\n', len) == NULL ? 0 : add_lines(hide, bytes, len, err);
}

struct found {
    size_t longest; /* bytes of the longest whole match; 0: none */
    size_t cut; /* bytes of a match that the end cut off, when HIDE_MIN of the value are there */
    bool more;
};

static void try_pattern(const struct pattern *p, size_t from, const struct hide_view *view,
                        struct found *found)
{
    struct decode_match match;
    enum decode_result result =
        decode_match(p->way, p->bytes + from, p->len - from, view->bytes, view->len, &match);
    if (result == DECODE_WHOLE && match.printed > found->longest)
        found->longest = match.printed;
    if (result != DECODE_CUT)
        return;
    found->more = true;
    if (match.matched >= HIDE_MIN && match.printed > found->cut)
        found->cut = match.printed;
}

/* Base64 broken over lines may have left its first digits on the line before, too few to be noticed
 * there (DECODE_WRAP_AFTER). */
static void try_line_start(const struct hide *hide, const struct hide_view *view,
                           struct found *found)
{
    for (size_t i = 0; i < hide->base64.count; i++) {
        const struct pattern *p = &hide->patterns[hide->base64.items[i]];
        size_t after = decode_wrap_after(p->len);
        for (size_t from = 1; from < after; from++) {
            if (view->bytes[0] == p->bytes[from])
                try_pattern(p, from, view, found);
        }
    }
}

enum hide_result hide_at(const struct hide *hide, const struct hide_view *view, size_t *length)
{
    struct found found = {0};
    if (view->len == 0)
        return HIDE_NO;
    const struct list *list = &hide->by_first[(unsigned char)view->bytes[0]];
    for (size_t i = 0; i < list->count; i++)
        try_pattern(&hide->patterns[list->items[i]], 0, view, &found);
    if (view->line_start)
        try_line_start(hide, view, &found);
    if (found.more && !view->final)
        return HIDE_MORE;
    *length = found.longest;
    if (found.cut > *length)
        *length = found.cut;
    return *length > 0 ? HIDE_YES : HIDE_NO;
}

bool hide_line_start(const char *bytes, size_t len, bool begin)
{
    size_t at = len, least = len > INDENT_MAX ? len - INDENT_MAX : 0;
    while (at > least && (bytes[at - 1] == ' ' || bytes[at - 1] == '\t'))
        at--;
    if (at == 0)
        return begin;
    return bytes[at - 1] == '\n' || (at > 1 && bytes[at - 1] == 'n' && bytes[at - 2] == '\\');
}

size_t hide_text(const struct hide *hide, const char *text, size_t len, struct buf *out)
{
    size_t at = 0, hidden_to = 0, marks = 0;
    while (at < len) {
        size_t length = 0;
        struct hide_view view = {.bytes = text + at,
                                 .len = len - at,
                                 .line_start = hide_line_start(text, at, true),
                                 .final = true};
        if (hide != NULL && hide_at(hide, &view, &length) == HIDE_YES) {
            if (at >= hidden_to) { /* else: it overlaps the one before */
                buf_add_str(out, HIDE_MARK);
                marks++;
            }
            if (at + length > hidden_to)
                hidden_to = at + length;
        }
        if (at >= hidden_to)
            buf_add_char(out, text[at]);
        at++;
    }
    return marks;
}
