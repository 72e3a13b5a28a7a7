/* dotenv_value.c - what one value of a .env text means: escapes first, then references to variables
 * in the result, as Docker Compose v2 does it. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include "lib/base/str.h"
#include "lib/domain/dotenv_parse.h"
#include "lib/domain/dotenv_reference.h"
#include "lib/domain/validate.h"

#define NESTED_MAX 32 /* references within the defaults of references */

struct reading {
    struct dotenv_parser *p;
    const struct dotenv_line *line;
    const char *base; /* of the text in which references are looked for */
    bool failed;
};

/* --- escapes --- */

struct escape {
    size_t raw_len; /* bytes of it in the text */
    char bytes[6];
    size_t len;
    unsigned code; /* of the character that a number or letter stands for; 0 otherwise */
};

static void literally(struct escape *e, const char *at, size_t len)
{
    e->raw_len = e->len = len;
    memcpy(e->bytes, at, len);
}

/* Backslash, 0 and three octal digits. With fewer Compose drops the 0 and keeps the rest. */
static void read_octal(struct escape *e, const char *at, const char *end)
{
    unsigned code = 0;
    size_t digits = 0;
    bool is_octal = true;
    for (const char *c = at + 2; c < end && digits < 3 && *c >= '0' && *c <= '9'; c++) {
        is_octal = is_octal && *c < '8';
        code = code * 8 + (unsigned)(*c - '0');
        digits++;
    }
    e->raw_len = 2 + digits;
    if (digits < 3 || !is_octal || code > 255) {
        e->bytes[0] = '\\';
        memcpy(e->bytes + 1, at + 2, digits);
        e->len = 1 + digits;
        return;
    }
    e->code = code;
    e->len = code < 0x80 ? 1 : 2;
    e->bytes[0] = (char)(code < 0x80 ? code : 0xC0U | code >> 6);
    e->bytes[1] = (char)(0x80U | (code & 0x3FU));
}

/* What the bytes at `at` stand for, in this kind of quotes. */
static void read_escape(struct escape *e, const char *at, const char *end, enum dotenv_form form)
{
    static const char letters[] = "abfnrtv", codes[] = "\a\b\f\n\r\t\v";
    const char *letter;
    *e = (struct escape){.len = 1};
    if (*at != '\\' || at + 1 == end || at[1] == '\r') {
        literally(e, at, 1);
    } else if (form == DOTENV_SINGLE) {
        literally(e, at, 2);
        if (at[1] == '\'')
            *e = (struct escape){.raw_len = 2, .len = 1, .bytes = {'\''}};
    } else if (at[1] == '0') {
        read_octal(e, at, end);
    } else if (at[1] == '$') {
        *e = (struct escape){.raw_len = 2, .len = 2, .bytes = {'$', '$'}};
    } else if (at[1] == '"' || at[1] == '\\') {
        *e = (struct escape){.raw_len = 2, .len = 1, .bytes = {at[1]}};
    } else if (at[1] != '\0' && (letter = strchr(letters, at[1])) != NULL) {
        e->raw_len = 2;
        e->bytes[0] = codes[letter - letters];
        e->code = (unsigned char)e->bytes[0];
    } else {
        literally(e, at, 2);
    }
}

static void refuse(struct reading *r, const char *place, const char *what)
{
    dotenv_error(r->p, place, r->line->key, "%s", what);
    r->failed = true;
}

static void check_code(struct reading *r, const char *place, unsigned code)
{
    if (code == '\r')
        refuse(r, place,
               "This escape stands for a carriage return, which node and Compose v1 would change. "
               "Remove it.");
    else if ((code > 0 && code < 0x20 && code != '\n' && code != '\t')
             || (code >= 0x7F && code < 0xA0))
        refuse(r, place,
               "This escape stands for a control character. Remove it; store other bytes than text "
               "as a file.");
}

/* The text of the quotes without escapes into p->plain. */
static void unescape(struct reading *r)
{
    const char *end = r->line->raw_end;
    bool told = false;
    for (const char *at = r->line->raw; at < end;) {
        struct escape e;
        if (*at == '\r' && !r->p->options->is_form && !told && at + 1 < end && at[1] == '\n') {
            refuse(r, at,
                   "There is a carriage return in this value: the file has Windows line ends. Save "
                   "it with line feeds only.");
            told = true;
        }
        read_escape(&e, at, end, r->line->form);
        check_code(r, at, e.code);
        if (e.code == 0 && e.raw_len == 5 && e.len == 1)
            refuse(r, at, "This escape stands for a NUL byte, which no variable can hold.");
        if (*at != '\r')
            buf_add(&r->p->plain, e.bytes, e.len);
        at += e.raw_len;
    }
}

/* Where in the text the byte `at` of the unescaped value comes from. */
static const char *source_of(const struct reading *r, const char *at)
{
    const char *raw = r->line->raw;
    size_t want = (size_t)(at - r->base), n = 0;
    if (r->line->form == DOTENV_BARE || r->p->result->error_count >= DOTENV_ERRORS_MAX)
        return r->line->form == DOTENV_BARE ? at : raw;
    while (raw < r->line->raw_end) {
        struct escape e;
        read_escape(&e, raw, r->line->raw_end, r->line->form);
        n += *raw == '\r' ? 0 : e.len;
        if (n > want)
            break;
        raw += e.raw_len;
    }
    return raw;
}

/* --- references --- */

enum known { KNOWN_NOT = 0, KNOWN_VALUE, KNOWN_HIDDEN, KNOWN_BROKEN };

static enum known look_up(const struct reading *r, const struct reference *found,
                          const struct dotenv_entry **entry)
{
    *entry = found->name_len > 0 ? dotenv_lookup(r->p, found->name, found->name_len) : NULL;
    if (*entry == NULL)
        return KNOWN_NOT;
    if ((*entry)->is_hidden)
        return KNOWN_HIDDEN;
    if ((*entry)->has_value)
        return KNOWN_VALUE;
    /* The line itself has an entry already, and no value yet. */
    return strcmp((*entry)->key, r->line->key) == 0 ? KNOWN_NOT : KNOWN_BROKEN;
}

static void emit(struct reading *r, const char *bytes, size_t len, bool is_used)
{
    if (is_used)
        buf_add(&r->p->value, bytes, len);
}

/* A bare `$word` may well be a piece of a password: it is not repeated. */
static void refuse_unset(struct reading *r, const char *at, const struct reference *found)
{
    char sentence[300] = "The name behind this $ is not set above, so it would become nothing. "
                         "Write $$ or use single quotes for a dollar sign.";
    if (found->is_braced)
        (void)snprintf(sentence, sizeof sentence,
                       "This refers to %.*s, which is not set above. Set it above, or write $$ or "
                       "use single quotes for a dollar sign.",
                       (int)(found->name_len < 128 ? found->name_len : 0), found->name);
    dotenv_error_unset(r->p, source_of(r, at), r->line->key, found->name, found->name_len,
                       sentence);
    r->failed = true;
}

static void expand(struct reading *r, const char *at, const char *end, int depth, bool is_used);

/* `${NAME-text}` and its kin. The text is looked at also where it is not used: one of the engines
 * does, and refuses the file for a mistake in it. */
static void expand_operator(struct reading *r, const char *at, const struct reference *found,
                            const struct dotenv_entry *entry, int depth, bool is_used)
{
    bool has = entry != NULL && (entry->len > 0 || !found->has_colon);
    bool wants_text = found->op == '+' ? has : !has;
    if (found->op == '?' && !has && is_used) {
        dotenv_error(r->p, source_of(r, at), r->line->key,
                     "This requires %.*s, which is not set above%s. Set it above.",
                     (int)(found->name_len < 128 ? found->name_len : 0), found->name,
                     found->has_colon ? " or is empty" : "");
        r->failed = true;
    }
    expand(r, found->text, found->text_end, depth + 1, is_used && wants_text && found->op != '?');
    if (has && found->op != '+' && entry != NULL)
        emit(r, entry->value, entry->len, is_used);
}

static void expand_found(struct reading *r, const char *at, const struct reference *found,
                         int depth, bool is_used)
{
    const struct dotenv_entry *entry;
    enum known known = look_up(r, found, &entry);
    if (known == KNOWN_HIDDEN && is_used) {
        dotenv_error(r->p, source_of(r, at), r->line->key,
                     "This refers to %s, whose value is hidden. Write the value itself.",
                     entry->key);
        r->failed = true;
    } else if (known == KNOWN_BROKEN) {
        r->failed = r->failed || is_used; /* its own line has the error */
    } else if (known == KNOWN_NOT && r->p->options->is_lenient
               && (found->op == 0 || found->op == '?')) {
        emit(r, at, (size_t)(found->end - at), is_used);
    } else if (found->op != 0) {
        expand_operator(r, at, found, known == KNOWN_VALUE ? entry : NULL, depth, is_used);
    } else if (known == KNOWN_VALUE) {
        emit(r, entry->value, entry->len, is_used);
    } else if (is_used) {
        refuse_unset(r, at, found);
    }
}

static void expand(struct reading *r, const char *at, const char *end, int depth, bool is_used)
{
    struct reference_line line = {0};
    struct reference found;
    if (depth > NESTED_MAX) {
        refuse(r, source_of(r, at),
               "References are nested too deeply here. Write the value itself.");
        return;
    }
    while (at < end && !(r->failed && depth > 0)) {
        const char *dollar = memchr(at, '$', (size_t)(end - at));
        const char *stop = dollar != NULL ? dollar : end;
        emit(r, at, (size_t)(stop - at), is_used);
        if (dollar == NULL)
            return;
        switch (reference_read(dollar, end, &line, &found)) {
        case REFERENCE_NONE:
        case REFERENCE_ESCAPED:
            emit(r, "$", 1, is_used);
            break;
        case REFERENCE_FOUND:
            expand_found(r, dollar, &found, depth, is_used);
            break;
        case REFERENCE_WRONG:
            refuse(r, source_of(r, dollar),
                   "A reference that Compose cannot read begins here. Write ${NAME} or "
                   "${NAME:-text}, or $$ for a dollar sign.");
            break;
        }
        at = found.end;
    }
}

/* --- the value --- */

bool dotenv_value(struct dotenv_parser *p, const struct dotenv_line *line)
{
    struct reading r = {.p = p, .line = line, .base = line->raw};
    const char *end = line->raw_end;
    buf_reset(&p->plain);
    buf_reset(&p->value);
    if (line->form != DOTENV_BARE) {
        unescape(&r);
        r.base = p->plain.data;
        end = p->plain.data + p->plain.len;
    }
    if (line->form == DOTENV_SINGLE)
        buf_add(&p->value, r.base, (size_t)(end - r.base));
    else
        expand(&r, r.base, end, 0, true);
    if (!buf_ok(&p->value))
        dotenv_error(p, line->opening, line->key,
                     "This value has more than %d bytes, the most that Linux passes in one "
                     "variable. Store it as a file instead.",
                     VALIDATE_ENV_VALUE_MAX);
    return !r.failed && buf_ok(&p->value);
}
