/* ansi.c - terminal output as styled text. A small state machine over the bytes of one line: what
 * it understands is colour and weight (SGR), what it knows is how long every other sequence is, so
 * that none leaves rubbish behind. Grammar: ECMA-48 sections 5.3 to 5.6. */
#include "lib/domain/ansi.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/str.h"

#define INPUT_MAX  ((size_t)64 * 1024)
#define SPANS_MAX  ((size_t)512)
#define PARAMS_MAX 32
#define TAB_STOP   8

struct style {
    int fg, bg; /* 0 to 15; -1: the default */
    bool bold, dim, italic, underline, inverse;
};
static const struct style PLAIN = {.fg = -1, .bg = -1};

struct painter {
    json_t *spans;
    struct buf text; /* of the span that is being collected, all in `style` */
    struct style style;
    size_t column; /* characters since the line's start, for tabs */
    bool failed;
};

static void add_class(char *dst, size_t size, const char *name, int number)
{
    size_t len = strlen(dst);
    const char *space = len > 0 ? " " : "";

    if (number >= 0)
        (void)snprintf(dst + len, size - len, "%s%s%d", space, name, number);
    else
        (void)snprintf(dst + len, size - len, "%s%s", space, name);
}

static void style_classes(const struct style *style, char *dst, size_t size)
{
    int fg = style->fg, bg = style->bg;

    if (style->inverse) {
        fg = style->bg;
        bg = style->fg >= 0 ? style->fg : 7;
    }
    dst[0] = '\0';
    if (style->bold)
        add_class(dst, size, "b", -1);
    if (style->dim)
        add_class(dst, size, "dim", -1);
    if (style->italic)
        add_class(dst, size, "i", -1);
    if (style->underline)
        add_class(dst, size, "u", -1);
    if (fg > 0) /* black is the default: it cannot be read on a dark page */
        add_class(dst, size, "fg", fg);
    if (bg >= 0)
        add_class(dst, size, "bg", bg);
}

/* End the span that is being collected. */
static void flush(struct painter *p)
{
    char classes[64];
    json_t *pair;

    if (p->text.len == 0)
        return;
    style_classes(&p->style, classes, sizeof classes);
    pair = json_pack("[s, s%]", classes, p->text.data, p->text.len);
    if (pair == NULL || json_array_append_new(p->spans, pair) != 0 || !buf_ok(&p->text))
        p->failed = true;
    buf_reset(&p->text);
}

static void set_style(struct painter *p, const struct style *style)
{
    bool same = p->style.fg == style->fg && p->style.bg == style->bg && p->style.bold == style->bold
                && p->style.dim == style->dim && p->style.italic == style->italic
                && p->style.underline == style->underline && p->style.inverse == style->inverse;

    if (same || json_array_size(p->spans) >= SPANS_MAX - 1)
        return; /* past the limit the rest is one span */
    flush(p);
    p->style = *style;
}

static void put(struct painter *p, const char *bytes, size_t len)
{
    buf_add(&p->text, bytes, len);
    p->column++;
}

static void put_tab(struct painter *p)
{
    do {
        put(p, " ", 1);
    } while (p->column % TAB_STOP != 0);
}

/* A carriage return inside the line: what was written so far will be written over. */
static void restart_line(struct painter *p)
{
    buf_reset(&p->text);
    (void)json_array_clear(p->spans);
    p->column = 0;
}

/* The nearest of the 16 colours, by the palette xterm has. */
static int nearest(int red, int green, int blue)
{
    static const int PALETTE[16][3] = {
        {0, 0, 0},       {205, 0, 0},   {0, 205, 0},   {205, 205, 0},
        {0, 0, 238},     {205, 0, 205}, {0, 205, 205}, {229, 229, 229},
        {127, 127, 127}, {255, 0, 0},   {0, 255, 0},   {255, 255, 0},
        {92, 92, 255},   {255, 0, 255}, {0, 255, 255}, {255, 255, 255},
    };
    int best = 0, best_distance = INT32_MAX;

    for (int i = 0; i < 16; i++) {
        int r = PALETTE[i][0] - red, g = PALETTE[i][1] - green, b = PALETTE[i][2] - blue;
        int distance = r * r + g * g + b * b;

        if (distance < best_distance) {
            best = i;
            best_distance = distance;
        }
    }
    return best;
}

static int from_256(int index)
{
    static const int LEVELS[6] = {0, 95, 135, 175, 215, 255};

    if (index < 0 || index > 255)
        return -1;
    if (index < 16)
        return index;
    if (index >= 232)
        return nearest(8 + (index - 232) * 10, 8 + (index - 232) * 10, 8 + (index - 232) * 10);
    index -= 16;
    return nearest(LEVELS[index / 36], LEVELS[index / 6 % 6], LEVELS[index % 6]);
}

struct params {
    int value[PARAMS_MAX];
    bool sub[PARAMS_MAX]; /* came after ':' and belongs to the one before */
    size_t count;
};

static void parse_params(const char *at, const char *end, struct params *params)
{
    *params = (struct params){.count = 1};
    for (; at < end; at++) {
        size_t i = params->count - 1;

        if (*at >= '0' && *at <= '9') {
            if (params->value[i] < 10000)
                params->value[i] = params->value[i] * 10 + (*at - '0');
        } else if (params->count < PARAMS_MAX) {
            params->sub[params->count] = *at == ':';
            params->count++;
        } else {
            return;
        }
    }
}

static int channel(int value)
{
    return value > 255 ? 255 : value;
}

/* 38 or 48 at `i`: 5;n or 2;r;g;b, or the same with colons, where 2 may have a colour space first.
 * Returns how many parameters belong to it. */
static size_t extended_colour(const struct params *p, size_t i, int *colour)
{
    size_t subs = 0, used, rgb;

    while (i + 1 + subs < p->count && p->sub[i + 1 + subs])
        subs++;
    if (i + 2 < p->count && p->value[i + 1] == 5) {
        *colour = from_256(p->value[i + 2]);
        return subs > 0 ? subs + 1 : 3;
    }
    used = subs > 0 ? subs + 1 : 5;
    rgb = i + (subs >= 5 ? 3 : 2);
    if (i + 1 < p->count && p->value[i + 1] == 2 && rgb + 2 < p->count)
        *colour =
            nearest(channel(p->value[rgb]), channel(p->value[rgb + 1]), channel(p->value[rgb + 2]));
    return p->value[i + 1 < p->count ? i + 1 : i] == 2 || subs > 0 ? used : 1;
}

static bool attribute(struct style *s, int code, bool off)
{
    switch (code) {
    case 0:
        *s = PLAIN;
        return true;
    case 1:
        s->bold = true;
        return true;
    case 2:
        s->dim = true;
        return true;
    case 3:
        s->italic = true;
        return true;
    case 4:
    case 21: /* doubly underlined */
        s->underline = !off;
        return true;
    case 7:
        s->inverse = true;
        return true;
    case 22:
        s->bold = s->dim = false;
        return true;
    case 23:
        s->italic = false;
        return true;
    case 24:
        s->underline = false;
        return true;
    case 27:
        s->inverse = false;
        return true;
    default:
        return false;
    }
}

static void colour(struct style *s, int code)
{
    if (code >= 30 && code <= 37)
        s->fg = code - 30;
    else if (code == 39)
        s->fg = -1;
    else if (code >= 40 && code <= 47)
        s->bg = code - 40;
    else if (code == 49)
        s->bg = -1;
    else if (code >= 90 && code <= 97)
        s->fg = code - 90 + 8;
    else if (code >= 100 && code <= 107)
        s->bg = code - 100 + 8;
}

static void select_graphic_rendition(struct painter *painter, const char *at, const char *end)
{
    struct style style = painter->style;
    struct params p;

    if (at < end && strchr("<=>?", *at) != NULL)
        return; /* private use: something else that ends in m */
    parse_params(at, end, &p);
    for (size_t i = 0; i < p.count;) {
        int code = p.value[i];
        bool off = code == 4 && i + 1 < p.count && p.sub[i + 1] && p.value[i + 1] == 0;

        if (code == 38 || code == 48) {
            i += extended_colour(&p, i, code == 38 ? &style.fg : &style.bg);
            continue;
        }
        if (!attribute(&style, code, off))
            colour(&style, code);
        for (i++; i < p.count && p.sub[i]; i++)
            ;
    }
    set_style(painter, &style);
}

/* Bytes of a control sequence after its introducer: parameters, intermediates, one final byte. */
static size_t control_sequence(struct painter *p, const char *at, size_t len)
{
    size_t i = 0, params;

    while (i < len && at[i] >= 0x30 && at[i] <= 0x3F)
        i++;
    params = i;
    while (i < len && at[i] >= 0x20 && at[i] <= 0x2F)
        i++;
    if (i == len || at[i] < 0x40 || at[i] > 0x7E)
        return i; /* cut off or malformed: what it began is dropped */
    if (at[i] == 'm' && i == params)
        select_graphic_rendition(p, at, at + params);
    return i + 1;
}

/* Bytes of a string (title, hyperlink, ...) up to BEL, ST (ESC \) or the line's end. */
static size_t control_string(const char *at, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (at[i] == '\a')
            return i + 1;
        if (at[i] == '\033')
            return i + 1 < len && at[i + 1] == '\\' ? i + 2 : i;
    }
    return len;
}

/* Bytes of an escape sequence, with ESC. */
static size_t escape(struct painter *p, const char *at, size_t len)
{
    size_t i = 1;

    if (len == 1)
        return 1;
    if (at[1] == '[')
        return 2 + control_sequence(p, at + 2, len - 2);
    if (strchr("]PX^_", at[1]) != NULL && at[1] != '\0')
        return 2 + control_string(at + 2, len - 2);
    while (i < len && at[i] >= 0x20 && at[i] <= 0x2F)
        i++;
    return i < len && at[i] >= 0x30 && at[i] <= 0x7E ? i + 1 : i;
}

/* One character that is no ASCII; returns its bytes. */
static size_t wide(struct painter *p, const char *at, size_t len)
{
    for (size_t n = 2; n <= 4 && n <= len; n++) {
        if (!str_is_utf8(at, n))
            continue;
        if (n == 2 && memcmp(at, "\xC2\x9B", 2) == 0) /* CSI as one character */
            return 2 + control_sequence(p, at + 2, len - 2);
        if (!str_has_control(at, n, false))
            put(p, at, n);
        return n;
    }
    put(p, "\xEF\xBF\xBD", 3); /* U+FFFD */
    return 1;
}

static void paint(struct painter *p, const char *line, size_t len)
{
    for (size_t i = 0; i < len;) {
        unsigned char c = (unsigned char)line[i];

        if (c == 0x1B) {
            i += escape(p, line + i, len - i);
            continue;
        }
        if (c >= 0x80) {
            i += wide(p, line + i, len - i);
            continue;
        }
        if (c == '\r')
            restart_line(p);
        else if (c == '\t')
            put_tab(p);
        else if (c >= 0x20 && c != 0x7F)
            put(p, line + i, 1);
        i++;
    }
}

json_t *ansi_to_spans(const char *line, size_t len)
{
    struct painter p = {.spans = json_array(), .style = PLAIN};

    if (p.spans == NULL)
        return NULL;
    if (len > INPUT_MAX)
        len = INPUT_MAX;
    while (len > 0 && (line[len - 1] == '\n' || line[len - 1] == '\r'))
        len--;                                   /* a line's end, not a return over what is there */
    buf_init(&p.text, INPUT_MAX * TAB_STOP + 1); /* a tab is the byte that grows most */
    paint(&p, line, len);
    flush(&p);
    buf_deinit(&p.text);
    if (p.failed) {
        json_decref(p.spans);
        return NULL;
    }
    return p.spans;
}
