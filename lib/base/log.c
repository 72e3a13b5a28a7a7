/* log.c - one logfmt line per event, written by one write(2), so that lines of several processes on
 * one descriptor do not mix (they stay below PIPE_BUF). */
#include "lib/base/log.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/str.h"

#define LINE_MAX_BYTES ((size_t)4000) /* below PIPE_BUF (4096): a write is atomic */

static struct {
    char program[32];
    enum log_level max_level;
} settings = {.program = "windlass", .max_level = LOG_LEVEL_INFO};

struct line {
    char bytes[LINE_MAX_BYTES + 1];
    size_t len;
};

void log_init(const char *program, enum log_level max_level)
{
    (void)str_copy(settings.program, sizeof settings.program, program);
    settings.max_level = max_level;
}

static void add_raw(struct line *line, const char *bytes, size_t len)
{
    size_t room = LINE_MAX_BYTES - line->len;

    len = len < room ? len : room;
    memcpy(line->bytes + line->len, bytes, len);
    line->len += len;
}

/* Length of the well-formed multi-byte character at s that is not a control; 0 when there is none.
 */
static size_t wide_character(const char *s, size_t len)
{
    for (size_t n = 2; n <= 4 && n <= len; n++) {
        if (str_is_utf8(s, n))
            return str_has_control(s, n, false) ? 0 : n;
    }
    return 0;
}

static void add_escaped(struct line *line, const char *text)
{
    size_t len = strlen(text);

    for (size_t i = 0; i < len && line->len < LINE_MAX_BYTES - 8;) {
        unsigned char c = (unsigned char)text[i];
        size_t wide = c >= 0x80 ? wide_character(text + i, len - i) : 0;
        char escape[8];

        if (wide > 0) {
            add_raw(line, text + i, wide);
            i += wide;
            continue;
        }
        if (c == '\n')
            add_raw(line, "\\n", 2);
        else if (c == '"' || c == '\\')
            add_raw(line, (const char[]){'\\', (char)c}, 2);
        else if (c < 0x20 || c >= 0x7F)
            add_raw(line, escape, (size_t)snprintf(escape, sizeof escape, "\\x%02x", c));
        else
            add_raw(line, text + i, 1);
        i++;
    }
}

static void begin_line(struct line *line, enum log_level level, const char *event)
{
    static const char *const NAMES[] = {"error", "warn", "info", "debug"};
    char time[CLOCK_TEXT_SIZE];
    char head[128];

    line->len = 0;
    (void)snprintf(head, sizeof head,
                   "time=%s level=%s prog=%s pid=%d event=", clock_rfc3339(time, clock_now_ms()),
                   NAMES[level], settings.program, (int)getpid());
    add_raw(line, head, strlen(head));
    add_escaped(line, event);
}

static void end_line(struct line *line)
{
    ssize_t ignored;

    line->bytes[line->len++] = '\n';
    ignored = write(STDERR_FILENO, line->bytes, line->len); /* nowhere left to complain */
    (void)ignored;
}

void log_event(enum log_level level, const char *event, const char *fmt, ...)
{
    struct line line;
    char text[LINE_MAX_BYTES];
    va_list ap;
    int n;

    if (level > settings.max_level)
        return;
    va_start(ap, fmt);
    n = vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    begin_line(&line, level, event);
    if (n > 0) {
        add_raw(&line, " ", 1);
        add_escaped(&line, text);
    }
    end_line(&line);
}

static void add_pair(struct line *line, const char *key, const char *value)
{
    if (value[0] == '\0')
        return;
    add_raw(line, " ", 1);
    add_raw(line, key, strlen(key));
    add_raw(line, "=\"", 2);
    add_escaped(line, value);
    add_raw(line, "\"", 1);
}

void log_err(const char *event, const struct err *e)
{
    struct line line;
    enum log_level level = LOG_LEVEL_WARN;

    if (e->code == ERR_INTERNAL || e->code == ERR_NO_SPACE || e->code == ERR_NO_MEMORY)
        level = LOG_LEVEL_ERROR;
    if (level > settings.max_level)
        return;
    begin_line(&line, level, event);
    add_pair(&line, "code", err_code_name(e->code));
    add_pair(&line, "field", e->field);
    add_pair(&line, "user", e->user);
    add_pair(&line, "detail", e->detail);
    end_line(&line);
}
