/* dotenv.c - lines, names and comments of a .env text. After a mistake reading goes on with the
 * next line, so that all of them are told at once. */
#include "lib/domain/dotenv.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "lib/base/str.h"
#include "lib/domain/dotenv_parse.h"
#include "lib/domain/validate.h"

#define GIVE_UP 10000 /* errors, after which this is no .env text */

/* --- the table of names --- */

static size_t hash_of(const char *key, size_t len)
{
    uint32_t hash = 2166136261U; /* FNV-1a */
    for (size_t i = 0; i < len; i++)
        hash = (hash ^ (unsigned char)key[i]) * 16777619U;
    return hash;
}

/* The slot of that name, or the empty one where it belongs. */
static size_t slot_of(const struct dotenv_parser *p, const char *key, size_t len)
{
    size_t slot = hash_of(key, len) % DOTENV_SLOTS;
    while (p->slots[slot] != 0) {
        const char *other = p->result->entries[p->slots[slot] - 1].key;
        if (strncmp(other, key, len) == 0 && other[len] == '\0')
            break;
        slot = (slot + 1) % DOTENV_SLOTS;
    }
    return slot;
}

struct dotenv_entry *dotenv_lookup(const struct dotenv_parser *p, const char *key, size_t len)
{
    unsigned short found = p->slots[slot_of(p, key, len)];
    return found != 0 ? p->result->entries + found - 1 : NULL;
}

/* --- lines --- */

/* Behind a name Compose skips these, and no other wide space. */
static const char *skip_blanks(const char *at, const char *end)
{
    while (at < end
           && (*at == ' ' || *at == '\t' || *at == '\r'
               || (end - at >= 2 && memcmp(at, "\xc2\xa0", 2) == 0)))
        at += dotenv_space(at, end);
    return at;
}

/* To the next name, over blank lines and comments; false at the end of the text. */
static bool go_to_name(struct dotenv_parser *p)
{
    for (;;) {
        const char *at = p->at;
        size_t space = 0;
        while (at < p->end && (*at == '\n' || (space = dotenv_space(at, p->end)) > 0))
            at += *at == '\n' ? 1 : space;
        dotenv_go_to(p, at);
        if (at == p->end)
            return false;
        if (*at != '#')
            return true;
        dotenv_go_to(p, dotenv_line_end(p, at));
    }
}

/* --- one line --- */

static void copy_key(char key[DOTENV_KEY_SHOWN], const char *begin, const char *end)
{
    char whole[DOTENV_KEY_SHOWN * 2];
    size_t len = (size_t)(end - begin);
    len = strnlen(begin, len < sizeof whole - 1 ? len : sizeof whole - 1);
    memcpy(whole, begin, len);
    whole[len] = '\0';
    (void)str_copy(key, DOTENV_KEY_SHOWN, whole);
}

/* What the name could be: other characters become "_". */
static bool suggest(const char *key, char better[DOTENV_KEY_SHOWN])
{
    size_t n = 0;
    if (key[0] >= '0' && key[0] <= '9')
        better[n++] = '_';
    for (; *key != '\0' && n < DOTENV_KEY_SHOWN - 1; key++) {
        bool is_plain = (*key >= 'a' && *key <= 'z') || (*key >= 'A' && *key <= 'Z')
                        || (*key >= '0' && *key <= '9');
        if (is_plain || n == 0 || better[n - 1] != '_' || *key == '_')
            better[n++] = is_plain ? *key : '_';
    }
    while (n > 1 && better[n - 1] == '_' && key[-1] != '_')
        n--;
    better[n] = '\0';
    return n > 0 && better[strspn(better, "_")] != '\0' && validate_env_key("", better, NULL) == 0;
}

/* What stands where a name should is repeated only when it was meant for one: it may be a line of a
 * key that was pasted without quotes. */
static bool is_like_a_name(const char *key)
{
    static const char signs[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-. ";
    size_t len = strlen(key);
    return len > 0 && len <= 40 && strspn(key, signs) == len;
}

static bool check_key(struct dotenv_parser *p, const struct dotenv_line *line)
{
    struct err why = {0};
    char better[DOTENV_KEY_SHOWN];
    bool is_shown = is_like_a_name(line->key);
    if (line->key[0] == '\0') {
        dotenv_error(p, line->separator, "",
                     "There is no name before this \"%c\". Write KEY=value.", *line->separator);
        return false;
    }
    if (validate_env_key("", line->key, &why) == 0)
        return true;
    if (is_shown && suggest(line->key, better) && strcmp(better, line->key) != 0)
        dotenv_error(p, line->begin, line->key, "%s Write %s.", why.user, better);
    else
        dotenv_error(p, line->begin, is_shown ? line->key : "", "%s", why.user);
    return false;
}

/* The name and its "=" or ":"; separator is NULL when the line has none. */
static void read_key(struct dotenv_parser *p, struct dotenv_line *line)
{
    const char *key_end;
    line->begin = p->at;
    line->line_end = dotenv_line_end(p, p->at);
    if (p->end - p->at > 7 && memcmp(p->at, "export", 6) == 0
        && (p->at[6] == ' ' || p->at[6] == '\t')) {
        line->is_exported = true;
        line->begin = skip_blanks(p->at + 6, line->line_end);
    }
    for (const char *c = line->begin; c < line->line_end && line->separator == NULL; c++)
        if (*c == '=' || *c == ':')
            line->separator = c;
    key_end = line->separator != NULL ? line->separator : line->line_end;
    line->has_space_before = dotenv_trim_end(line->begin, key_end) != key_end;
    copy_key(line->key, line->begin, dotenv_trim_end(line->begin, key_end));
}

static void refuse_open_quote(struct dotenv_parser *p, const struct dotenv_line *line)
{
    const char *last = dotenv_trim_end(line->opening, line->line_end) - 1;
    if (*line->opening == '\'' && last > line->opening + 1 && *last == '\'' && last[-1] == '\\')
        dotenv_error(p, line->opening, line->key,
                     "This quote is not closed: \\' stands for a quote in the value. To end with a "
                     "backslash, use double quotes and write \\\\.");
    else
        dotenv_error(p, line->opening, line->key,
                     "This quote is not closed. Write the same quote at the end of the value, or "
                     "\\%c for a quote in it.",
                     *line->opening);
}

/* A value in quotes; they may span lines. */
static bool read_quoted(struct dotenv_parser *p, struct dotenv_line *line)
{
    char quote = *line->opening;
    const char *c = line->opening + 1, *rest;
    line->form = quote == '"' ? DOTENV_DOUBLE : DOTENV_SINGLE;
    line->raw = c;
    while (c < p->end && *c != quote)
        c += *c == '\\' && c + 1 < p->end ? 2 : 1;
    if (c >= p->end) {
        refuse_open_quote(p, line);
        return false;
    }
    line->raw_end = c;
    line->behind = c + 1;
    line->line_end = dotenv_line_end(p, c);
    rest = c + 1;
    while (dotenv_space(rest, line->line_end) > 0)
        rest += dotenv_space(rest, line->line_end);
    if (rest == line->line_end)
        return true;
    if (*rest == '#') {
        line->note = rest;
        line->note_end = dotenv_trim_end(rest, line->line_end);
        return true;
    }
    if (memchr(line->raw, '\n', (size_t)(line->raw_end - line->raw)) != NULL)
        dotenv_error(p, rest, line->key,
                     "The quote in line %d is closed here, and text follows. Close it in line %d, "
                     "or remove what follows.",
                     p->line, p->line);
    else
        dotenv_error(p, rest, line->key,
                     "There is text behind the closing quote. Only a comment may follow; write "
                     "\\%c for a quote in the value.",
                     quote);
    return false;
}

/* The # that begins the comment behind a bare value: only one behind a space does. */
static const char *find_note(const char *at, const char *end)
{
    for (const char *c = at; c < end; c++)
        if (*c == '#' && c > at && c[-1] == ' ')
            return c;
    return NULL;
}

/* Compose takes `KEY= # note` for the value "# note", which nobody means. */
static bool read_bare(struct dotenv_parser *p, struct dotenv_line *line)
{
    const char *end = line->line_end;
    const char *note = find_note(line->opening, end);
    bool is_note_alone =
        line->opening < end && *line->opening == '#' && line->opening > line->separator + 1;
    if (is_note_alone && !p->options->is_lenient) {
        dotenv_error(p, line->opening, line->key,
                     "Compose takes this comment for the value. Put it on a line of its own, or "
                     "put the value in quotes.");
        return false;
    }
    line->raw = line->opening;
    if (is_note_alone || note != NULL) {
        line->note = is_note_alone ? line->opening : note;
        line->note_end = dotenv_trim_end(line->note, end);
        end = line->note;
    }
    line->raw_end = line->behind = dotenv_trim_end(line->raw, end);
    return true;
}

static void refuse_no_separator(struct dotenv_parser *p, const struct dotenv_line *line)
{
    if (is_like_a_name(line->key) && validate_env_key("", line->key, NULL) == 0)
        dotenv_error(p, line->begin, line->key,
                     "There is no \"=\" behind this name. It would take its value from whoever "
                     "starts the app, which a stored set cannot know; write %s= and a value.",
                     line->key);
    else
        dotenv_error(p, line->begin, "",
                     "This line has no \"=\". Write KEY=value, or # in front of a comment. A value "
                     "of more than one line stands in quotes.");
}

/* --- entries --- */

/* Line ends of the block become line feeds; the comment behind the value is its last line. */
static const char *copy_comment(struct dotenv_parser *p, const char *begin, const char *end,
                                const char *note, const char *note_end)
{
    size_t note_len = note != NULL ? (size_t)(note_end - note) : 0, n = 0;
    char *copy = arena_alloc(p->arena, (size_t)(end - begin) + note_len + 3);
    if (copy == NULL)
        return "";
    for (const char *c = begin; c < end; c++)
        if (*c != '\r')
            copy[n++] = *c;
    if (n > 0 && copy[n - 1] != '\n')
        copy[n++] = '\n';
    if (note != NULL) {
        memcpy(copy + n, note, note_len);
        copy[n + note_len] = '\n';
    }
    return copy;
}

static struct dotenv_entry *add_entry(struct dotenv_parser *p, const struct dotenv_line *line,
                                      size_t slot)
{
    struct dotenv_entry *entry = p->result->entries + p->result->count++;
    p->slots[slot] = (unsigned short)p->result->count;
    entry->key = arena_strdup(p->arena, line->key);
    if (entry->key == NULL)
        entry->key = "";
    entry->value = "";
    entry->comment = copy_comment(p, p->block, p->line_start, line->note, line->note_end);
    dotenv_place(p, line->opening != NULL ? line->opening : line->line_end, &entry->line,
                 &entry->column);
    return entry;
}

static void keep_value(struct dotenv_parser *p, struct dotenv_entry *entry)
{
    char *copy = arena_memdup(p->arena, p->value.data, p->value.len);
    p->total += p->value.len;
    if (copy == NULL)
        return;
    entry->value = copy;
    entry->len = p->value.len;
    entry->has_value = true;
    if (p->options->is_hidden != NULL)
        entry->is_hidden = p->options->is_hidden(p->options->context, entry->key, copy, entry->len);
}

/* Where the entry of this line goes, or NULL when it may not become one. */
static struct dotenv_entry *place_for(struct dotenv_parser *p, const struct dotenv_line *line)
{
    size_t slot = slot_of(p, line->key, strlen(line->key));
    if (p->slots[slot] != 0) {
        if (!p->options->is_lenient)
            dotenv_error(p, line->begin, line->key,
                         "%s stands in line %d and again in line %d. Remove one of the two.",
                         line->key, p->result->entries[p->slots[slot] - 1].line, p->line);
        return NULL;
    }
    if (p->result->count == DOTENV_KEYS_MAX) {
        dotenv_error(p, line->begin, line->key,
                     "There are more than %d keys. Move some into a file or another environment.",
                     DOTENV_KEYS_MAX);
        return NULL;
    }
    return add_entry(p, line, slot);
}

/* One line with a name; p->at stands on it and goes on behind. */
static void read_line(struct dotenv_parser *p)
{
    struct dotenv_line line = {0};
    struct dotenv_entry *entry = NULL;
    bool good, is_complete = true;
    read_key(p, &line);
    if (line.separator == NULL && !p->options->is_lenient) {
        refuse_no_separator(p, &line);
    } else if (line.separator == NULL) {
        if (validate_env_key("", line.key, NULL) == 0)
            entry = place_for(p, &line);
        if (entry != NULL)
            entry->is_alone = true;
    } else {
        good = check_key(p, &line);
        line.opening = skip_blanks(line.separator + 1, line.line_end);
        if (line.opening < line.line_end && (*line.opening == '"' || *line.opening == '\''))
            is_complete = read_quoted(p, &line);
        else
            is_complete = read_bare(p, &line);
        if (good)
            entry = place_for(p, &line);
        if (is_complete && dotenv_value(p, &line) && entry != NULL) {
            keep_value(p, entry);
            if (!entry->is_hidden)
                dotenv_differences(p, &line);
        }
    }
    dotenv_go_to(p, line.line_end < p->end ? line.line_end + 1 : p->end);
    p->block = p->at;
}

/* --- the text --- */

static int begin(struct dotenv_parser *p, struct err *err)
{
    struct dotenv *result = p->result;
    result->entries = arena_array(p->arena, DOTENV_KEYS_MAX, sizeof *result->entries);
    result->errors = arena_array(p->arena, DOTENV_ERRORS_MAX, sizeof *result->errors);
    result->warnings = arena_array(p->arena, DOTENV_WARNINGS_MAX, sizeof *result->warnings);
    result->tail = "";
    if (result->entries == NULL || result->errors == NULL || result->warnings == NULL)
        return err_set(err, ERR_NO_MEMORY, "There is not enough memory to read this text.");
    buf_init(&p->plain, DOTENV_TEXT_MAX + 1);
    buf_init(&p->value, VALIDATE_ENV_VALUE_MAX);
    if (p->end - p->text >= 3 && memcmp(p->text, "\xef\xbb\xbf", 3) == 0)
        p->text += 3;
    p->at = p->block = p->line_start = p->text;
    p->line = 1;
    return 0;
}

static void rewind_to_begin(struct dotenv_parser *p)
{
    p->at = p->block = p->line_start = p->text;
    p->line = 1;
}

static int by_place(const void *a, const void *b)
{
    const struct dotenv_problem *one = a, *two = b;
    return one->line != two->line ? (one->line < two->line ? -1 : 1)
                                  : (one->column > two->column) - (one->column < two->column);
}

int dotenv_read(struct arena *arena, const char *bytes, size_t len,
                const struct dotenv_options *options, struct dotenv *result, struct err *err)
{
    static const struct dotenv_options none = {.is_form = false};
    struct dotenv_parser p = {.arena = arena, .options = options != NULL ? options : &none};
    int rc = 0;
    *result = (struct dotenv){.tail = ""};
    if (len > DOTENV_TEXT_MAX)
        return err_set(err, ERR_TOO_LARGE, "This text is larger than %zu MiB. Shorten it.",
                       DOTENV_TEXT_MAX / 1024 / 1024);
    p.result = result;
    p.text = len > 0 ? bytes : "";
    p.end = p.text + len;
    if (begin(&p, err) != 0)
        return -1;
    dotenv_check_characters(&p);
    rewind_to_begin(&p);
    while (result->error_count < GIVE_UP && go_to_name(&p) && p.total <= DOTENV_TEXT_MAX
           && !arena_overflowed(arena))
        read_line(&p);
    result->tail = copy_comment(&p, p.block, p.end, NULL, NULL);
    dotenv_explain_unset(&p);
    qsort(result->errors, dotenv_errors(result), sizeof *result->errors, by_place);
    if (p.total > DOTENV_TEXT_MAX)
        rc = err_set(err, ERR_TOO_LARGE, "These values are larger than %zu MiB together.",
                     DOTENV_TEXT_MAX / 1024 / 1024);
    else if (arena_overflowed(arena) || !buf_ok(&p.plain))
        rc = err_set(err, ERR_NO_MEMORY, "There is not enough memory to read this text.");
    buf_wipe(&p.plain);
    buf_wipe(&p.value);
    buf_deinit(&p.plain);
    buf_deinit(&p.value);
    return rc;
}

size_t dotenv_errors(const struct dotenv *result)
{
    return result->error_count < DOTENV_ERRORS_MAX ? result->error_count : DOTENV_ERRORS_MAX;
}

const struct dotenv_entry *dotenv_find(const struct dotenv *result, const char *key)
{
    for (size_t i = 0; i < result->count; i++)
        if (strcmp(result->entries[i].key, key) == 0)
            return result->entries + i;
    return NULL;
}
