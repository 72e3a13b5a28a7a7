/* dotenv_differences.c - who reads a line of a .env text differently. One table row per kind of
 * difference; a row says what the others make of it without repeating the value, which may be a
 * secret. What each of them does was tried with node dotenv 16.6, ruby dotenv 2.4 and bash 5.2 over
 * thousands of random lines, and read for ruby dotenv 3 and docker run. */
#include <stdio.h>
#include <string.h>
#include "lib/base/attr.h"
#include "lib/base/str.h"
#include "lib/domain/dotenv_parse.h"
#include "lib/domain/dotenv_reference.h"

#define NODE   DOTENV_NODE
#define RUBY   DOTENV_RUBY
#define BASH   DOTENV_BASH
#define DOCKER DOTENV_DOCKER

enum kind {
    D_EXPORT,
    D_COLON,
    D_COLON_GLUED,
    D_SPACE_BEFORE,
    D_SPACE_AFTER,
    D_SPACE_END,
    D_WIDE_SPACE,
    D_NOTE,
    D_NOTE_GLUED,
    D_NOTE_QUOTE,
    D_QUOTES,
    D_LINES,
    D_HASH,
    D_WORDS,
    D_SHELL,
    D_TILDE,
    D_BACKTICK_FIRST,
    D_BACKTICK,
    D_EXPANDS,
    D_OPERATOR,
    D_OPERATOR_TEXT,
    D_DOLLARS,
    D_COMMAND,
    D_SPECIAL,
    D_NUMBERED,
    D_BEFORE_BRACE,
    D_LF_ESCAPE,
    D_ESCAPE,
    D_KEPT_ESCAPE,
    D_TWO_BACKSLASHES,
    D_ESCAPED_QUOTE,
    D_SINGLE_QUOTE,
    D_RESERVED,
    D_COUNT
};

static const struct difference {
    unsigned readers;
    const char *what; /* "In <readers> ..." */
    const char *fix;
} DIFFERENCES[D_COUNT] = {
    [D_EXPORT] = {DOCKER, "the word export makes the line an error", "leave it out"},
    [D_COLON] = {BASH | DOCKER, "a line with a colon is an error", "write ="},
    [D_COLON_GLUED] = {NODE | RUBY,
                       "a colon without a space sets nothing, or takes the next line for the value",
                       "write ="},
    [D_SPACE_BEFORE] = {BASH | DOCKER, "a space before the = is an error", "remove it"},
    [D_SPACE_AFTER] = {BASH | DOCKER,
                       "a space behind the = makes a command of the value, or is a part of it",
                       "remove it"},
    [D_SPACE_END] = {DOCKER, "the space at the end is a part of the value", "remove it"},
    [D_WIDE_SPACE] = {RUBY | BASH | DOCKER,
                      "the wide or no-break space at an end is a part of the value", "remove it"},
    [D_NOTE] = {DOCKER, "the comment is a part of the value", "put it on a line of its own"},
    [D_NOTE_GLUED] = {BASH, "a # directly behind the quote is no comment",
                      "put a space in front of it"},
    [D_NOTE_QUOTE] = {RUBY, "before version 3 the value goes on to the last quote in the comment",
                      "take the quote out of the comment"},
    [D_QUOTES] = {DOCKER, "the quotes are a part of the value", "use another way for docker run"},
    [D_LINES] = {DOCKER, "a value of several lines ends with the first (also in ruby before 3)",
                 "store it as a file"},
    [D_HASH] = {NODE | RUBY, "the value ends at the #", "put it in quotes"},
    [D_WORDS] = {BASH, "the second word is run as a command", "put the value in quotes"},
    [D_SHELL] = {BASH, "a character of this value means something to the shell",
                 "put the value in single quotes"},
    [D_TILDE] = {BASH, "the ~ becomes the home folder", "put the value in quotes"},
    [D_BACKTICK_FIRST] = {NODE, "the backtick is a quote", "put the value in single quotes"},
    [D_BACKTICK] = {BASH, "what stands between backticks is run as a command", "use single quotes"},
    [D_EXPANDS] = {NODE | DOCKER, "the $ and the name stay as they are", "write the value itself"},
    [D_OPERATOR] = {RUBY, "only $NAME and ${NAME} are known, and the rest stays as it is",
                    "write the value itself"},
    [D_OPERATOR_TEXT] = {BASH, "quotes, braces and backslashes in a default mean something else",
                         "write the value itself"},
    [D_DOLLARS] = {NODE | RUBY | BASH | DOCKER,
                   "$$ does not stand for one dollar sign (in bash it is a process number)",
                   "use single quotes"},
    [D_COMMAND] = {RUBY | BASH, "$( runs a command", "use single quotes"},
    [D_SPECIAL] = {BASH, "the $ and the character behind it are a variable of the shell",
                   "use single quotes"},
    [D_NUMBERED] = {RUBY | BASH, "the $ and the digits are a variable, which is empty",
                    "use single quotes"},
    [D_BEFORE_BRACE] = {RUBY, "the brace behind the name is taken away", "write ${NAME}"},
    [D_LF_ESCAPE] = {RUBY | BASH, "\\n is no line break (in ruby since 3)",
                     "write the line break itself"},
    [D_ESCAPE] = {NODE | RUBY | BASH, "an escape stands for something else",
                  "write the character itself"},
    [D_KEPT_ESCAPE] = {RUBY, "the backslash is taken away", "use single quotes"},
    [D_TWO_BACKSLASHES] = {NODE, "\\\\, \\\" and \\$ keep their backslash", "use single quotes"},
    [D_ESCAPED_QUOTE] = {NODE | RUBY | BASH,
                         "\\' is not a quote in the value (in bash the text ends there)",
                         "use double quotes"},
    [D_SINGLE_QUOTE] = {BASH, "a backslash before a backtick, a brace or a line break means more",
                        "use single quotes"},
    [D_RESERVED] = {BASH, "this name belongs to the shell and cannot be set", "rename it"},
};

#define DOLLARS_MAX 500 /* that are looked at in one value: more are of the same kinds */

struct look {
    struct dotenv_parser *p;
    const struct dotenv_line *line;
    struct reference_line seen;
    int dollars;
    bool found[D_COUNT];
};

static void note(struct look *l, enum kind kind, bool is_there)
{
    l->found[kind] = l->found[kind] || is_there;
}

/* --- what to look at --- */

static bool is_reserved(const char *key)
{
    static const char *const NAMES[] = {"UID",
                                        "EUID",
                                        "PPID",
                                        "GROUPS",
                                        "BASHPID",
                                        "RANDOM",
                                        "SRANDOM",
                                        "SECONDS",
                                        "LINENO",
                                        "EPOCHSECONDS",
                                        "HISTCMD",
                                        "_",
                                        "FUNCNAME",
                                        "EPOCHREALTIME",
                                        "BASH_COMMAND",
                                        "BASH_VERSINFO",
                                        "OPTIND",
                                        "DIRSTACK",
                                        "BASH_ARGV0",
                                        "BASH_SUBSHELL",
                                        "POSIXLY_CORRECT",
                                        "COMP_WORDBREAKS",
                                        "PIPESTATUS"};
    for (size_t i = 0; i < COUNT_OF(NAMES); i++)
        if (strcmp(key, NAMES[i]) == 0)
            return true;
    return false;
}

static void look_at_separator(struct look *l)
{
    const struct dotenv_line *line = l->line;
    const char *behind = line->separator + 1;
    bool has_space = line->opening > behind, is_colon = *line->separator == ':';
    bool is_empty = line->form == DOTENV_BARE && line->raw == line->raw_end;
    note(l, D_EXPORT, line->is_exported);
    note(l, D_COLON, is_colon);
    note(l, D_COLON_GLUED,
         is_colon && behind < l->p->end
             && (*behind == '\n' || dotenv_space(behind, l->p->end) == 0 || *behind == '\r'));
    note(l, D_SPACE_BEFORE, line->has_space_before);
    note(l, D_SPACE_AFTER, has_space && !is_colon && !is_empty);
    note(l, D_SPACE_END, is_empty && has_space && *behind != '\r');
    note(l, D_RESERVED, is_reserved(line->key));
}

static void look_behind(struct look *l)
{
    const struct dotenv_line *line = l->line;
    const char *end = line->note != NULL ? line->note : line->line_end, *c;
    note(l, D_NOTE, line->note != NULL);
    note(l, D_NOTE_GLUED,
         line->note != NULL && line->form != DOTENV_BARE && line->note == line->behind);
    for (c = line->note; c != NULL && c < line->note_end; c++)
        note(l, D_NOTE_QUOTE, line->form != DOTENV_BARE && *c == *line->opening);
    for (c = line->behind; c < end; c++) {
        note(l, D_SPACE_END, line->note == NULL && (*c == ' ' || *c == '\t'));
        note(l, D_WIDE_SPACE, ((unsigned char)*c & 0x80U) != 0);
    }
    for (c = line->separator + 1; c < line->opening; c++)
        note(l, D_WIDE_SPACE, ((unsigned char)*c & 0x80U) != 0);
}

/* The dollar sign at `at`, in a bare value or in double quotes. */
static void look_at_dollar(struct look *l, const char *at, const char *end)
{
    struct reference found;
    char next = at + 1 < end ? at[1] : '\0';
    if (++l->dollars > DOLLARS_MAX)
        return;
    switch (reference_read(at, end, &l->seen, &found)) {
    case REFERENCE_ESCAPED:
        note(l, D_DOLLARS, true);
        break;
    case REFERENCE_FOUND:
        note(l, D_EXPANDS, true);
        note(l, D_OPERATOR, found.op != 0);
        note(l, D_BEFORE_BRACE, !found.is_braced && found.end < end && *found.end == '}');
        break;
    case REFERENCE_NONE:
    case REFERENCE_WRONG:
        note(l, D_COMMAND, next == '(');
        note(l, D_NUMBERED, next >= '0' && next <= '9');
        note(l, D_SPECIAL, next != '\0' && strchr("@*#?-![{", next) != NULL);
        break;
    }
}

/* Behind `${NAME:-` and the like only plain text means the same to bash. */
static void look_at_operator(struct look *l)
{
    const char *raw = l->line->raw, *end = l->line->raw_end;
    if (!l->found[D_OPERATOR])
        return;
    for (const char *c = raw; c < end; c++)
        note(l, D_OPERATOR_TEXT,
             strchr("\\\"'~`", *c) != NULL || (*c == '{' && (c == raw || c[-1] != '$')));
}

static void look_at_bare(struct look *l)
{
    const char *raw = l->line->raw, *end = l->line->raw_end;
    for (const char *c = raw; c < end; c++) {
        note(l, D_HASH, *c == '#');
        note(l, D_WORDS, *c == ' ' || *c == '\t');
        note(l, D_SHELL, strchr("\"'\\;&|<>()", *c) != NULL);
        note(l, D_TILDE, *c == '~' && (c == raw || c[-1] == ':' || c[-1] == '='));
        note(l, D_BACKTICK, *c == '`');
        if (*c == '$') {
            look_at_dollar(l, c, end);
            c += c + 1 < end && c[1] == '$' ? 1 : 0;
        }
        /* Ruby takes a backslash before a dollar sign away. */
        note(l, D_KEPT_ESCAPE, *c == '\\' && c + 1 < end && c[1] == '$');
    }
    /* Without a second one it is only text; the second may stand in another line. */
    note(l, D_BACKTICK_FIRST,
         raw < end && *raw == '`' && memchr(raw + 1, '`', (size_t)(l->p->end - raw - 1)) != NULL);
    look_at_operator(l);
}

static void look_at_escape(struct look *l, char c, char next)
{
    if (c == 'n')
        note(l, D_LF_ESCAPE, true);
    else if (c != '\0' && strchr("abfrtv0", c) != NULL)
        note(l, D_ESCAPE, true);
    else if (c != '\0' && strchr("\\\"$", c) != NULL)
        note(l, D_TWO_BACKSLASHES, true);
    else
        note(l, D_KEPT_ESCAPE, true);
    /* Ruby looks for \n also where the backslash before it is one that was escaped. */
    note(l, D_KEPT_ESCAPE, c == '\\' && (next == 'n' || next == 'r' || next == '$'));
    note(l, D_SINGLE_QUOTE, c == '`' || c == '}' || c == '\n' || c == '\r');
}

static void look_at_double(struct look *l)
{
    const char *end = l->line->raw_end;
    for (const char *c = l->line->raw; c < end; c++) {
        if (*c == '\\') {
            look_at_escape(l, c + 1 < end ? c[1] : '\0', c + 2 < end ? c[2] : '\0');
            c++;
        } else if (*c == '$') {
            look_at_dollar(l, c, end);
            /* An escaped one behind it makes the pair that stands for one. */
            note(l, D_DOLLARS, c + 2 < end && c[1] == '\\' && c[2] == '$');
            c += c + 1 < end && c[1] == '$' ? 1 : 0;
        } else {
            note(l, D_BACKTICK, *c == '`');
        }
    }
    look_at_operator(l);
}

static void look_at_value(struct look *l)
{
    const struct dotenv_line *line = l->line;
    size_t len = (size_t)(line->raw_end - line->raw);
    note(l, D_QUOTES, line->form != DOTENV_BARE);
    note(l, D_LINES, memchr(line->raw, '\n', len) != NULL);
    if (line->form == DOTENV_BARE)
        look_at_bare(l);
    else if (line->form == DOTENV_DOUBLE)
        look_at_double(l);
    else
        note(l, D_ESCAPED_QUOTE, memmem(line->raw, len + 1, "\\'", 2) != NULL);
}

/* --- saying so --- */

static void join_names(char *text, size_t size, unsigned readers)
{
    static const struct {
        unsigned bit;
        const char *name;
    } NAMES[] = {{NODE, "node"}, {RUBY, "ruby"}, {BASH, "bash"}, {DOCKER, "docker run --env-file"}};
    int left = __builtin_popcount(readers);
    text[0] = '\0';
    for (size_t i = 0; i < COUNT_OF(NAMES); i++) {
        size_t used = strlen(text);
        if ((readers & NAMES[i].bit) == 0)
            continue;
        (void)snprintf(text + used, size - used, "%s%s", NAMES[i].name,
                       left > 2    ? ", "
                       : left == 2 ? " and "
                                   : "");
        left--;
    }
}

void dotenv_differences(struct dotenv_parser *p, const struct dotenv_line *line)
{
    struct look l = {.p = p, .line = line};
    look_at_separator(&l);
    look_behind(&l);
    look_at_value(&l);
    for (size_t i = 0; i < D_COUNT; i++) {
        const struct difference *d = DIFFERENCES + i;
        char names[80], sentence[300];
        if (!l.found[i])
            continue;
        join_names(names, sizeof names, d->readers);
        (void)snprintf(sentence, sizeof sentence, "In %s %s; %s.", names, d->what, d->fix);
        dotenv_warning(p, i == D_RESERVED ? line->begin : line->opening, line->key, d->readers,
                       sentence);
    }
}
