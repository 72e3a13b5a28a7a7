/* mask_stream.c - every value in every spelling, cut by every short read: hidden, and counted once.
 */
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "lib/base/fs.h"
#include "lib/crypto/crypto.h"
#include "lib/domain/joblog.h"
#include "tests/tap.h"
#include "worker/mask/stream.h"

#define TEXT_MAX ((size_t)1024 * 1024)

static char path[200];

#define PEM                                                                                        \
    "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIJ+/3pVq7dS1o8Yw2bqk0rHc9eXv5LmT4nZuQaGh\n"  \
    "JfBd12\n-----END PRIVATE KEY-----"

static const char *const VALUES[] = {
    "secret",
    "pa55w0rd-Zo9",
    "p@ss w/rd:+1&x=%20",
    "a\"b\\c/d\ne\xc3\xa9",
    "key-\xf0\x9f\x94\x91-\xe6\xbc\xa2-end",
    "it's $HOME `x` \"q\" \\",
    "'quoted at both ends'",
    "two''and'''three",
    "  spaces at the ends  ",
    "back\\slashes\\\\at the end\\",
    "tab\there \x01\x1b[0m",
    "#$${X}$$ #no",
    PEM,
};

/* --- the spellings --- */

typedef void spelling(const char *value, struct buf *out);

static void raw(const char *value, struct buf *out)
{
    buf_add_str(out, value);
}

/* With so many bytes before it in the same text. */
static void in_base64(const char *value, struct buf *out, size_t before, bool url, size_t width)
{
    char plain[1000], text[2000];
    size_t len = strlen(value);
    memset(plain, '~', before);
    memcpy(plain + before, value, len);
    memset(plain + before + len, '~', 4);
    if (url)
        crypto_b64url(text, sizeof text, plain, before + len + 4);
    else
        crypto_b64(text, sizeof text, plain, before + len + 4);
    for (size_t i = 0; text[i] != '\0'; i++) {
        if (width > 0 && i > 0 && i % width == 0)
            buf_add_char(out, '\n');
        buf_add_char(out, text[i]);
    }
}

static void base64(const char *value, struct buf *out)
{
    in_base64(value, out, 0, false, 0);
}

static void base64_after_one(const char *value, struct buf *out)
{
    in_base64(value, out, 1, false, 0);
}

static void base64_after_two(const char *value, struct buf *out)
{
    in_base64(value, out, 2, false, 0);
}

static void base64url_after_two(const char *value, struct buf *out)
{
    in_base64(value, out, 2, true, 0);
}

static void base64_in_lines(const char *value, struct buf *out)
{
    in_base64(value, out, 57, false, 76); /* from the beginning of a line on */
}

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static void in_url(const char *value, struct buf *out, bool is_form)
{
    for (; *value != '\0'; value++) {
        if (is_word(*value))
            buf_add_char(out, *value);
        else if (is_form && *value == ' ')
            buf_add_char(out, '+');
        else if (is_form)
            buf_printf(out, "%%%02x", (unsigned char)*value);
        else
            buf_printf(out, "%%%02X", (unsigned char)*value);
    }
}

static void url(const char *value, struct buf *out)
{
    in_url(value, out, false);
}

static void url_of_a_form(const char *value, struct buf *out)
{
    in_url(value, out, true);
}

static void json(const char *value, struct buf *out)
{
    json_t *text = json_string(value);
    char *dumped = json_dumps(text, JSON_ENCODE_ANY);
    buf_add_str(out, dumped);
    free(dumped);
    json_decref(text);
}

static void json_in_ascii(const char *value, struct buf *out)
{
    json_t *text = json_string(value);
    char *dumped = json_dumps(text, JSON_ENCODE_ANY | JSON_ENSURE_ASCII | JSON_ESCAPE_SLASH);
    buf_add_str(out, dumped);
    free(dumped);
    json_decref(text);
}

/* 'it'\''s' */
static void shell_single(const char *value, struct buf *out)
{
    buf_add_char(out, '\'');
    for (; *value != '\0'; value++) {
        if (*value == '\'')
            buf_add_str(out, "'\\''");
        else
            buf_add_char(out, *value);
    }
    buf_add_char(out, '\'');
}

/* 'it'"'"'s', a run of quotes in one pair of double quotes: export -p of dash and busybox */
static void shell_export(const char *value, struct buf *out)
{
    while (*value != '\0') {
        size_t n = strcspn(value, "'");
        if (n > 0)
            buf_printf(out, "'%.*s'", (int)n, value);
        value += n;
        n = strspn(value, "'");
        if (n > 0)
            buf_printf(out, "\"%.*s\"", (int)n, value);
        value += n;
    }
}

/* "a \"b\" \$c" */
static void shell_double(const char *value, struct buf *out)
{
    buf_add_char(out, '"');
    for (; *value != '\0'; value++) {
        if (strchr("\"\\$`", *value) != NULL)
            buf_add_char(out, '\\');
        buf_add_char(out, *value);
    }
    buf_add_char(out, '"');
}

/* $'a\nb\303\251' */
static void shell_dollar(const char *value, struct buf *out)
{
    buf_add_str(out, "$'");
    for (; *value != '\0'; value++) {
        unsigned char c = (unsigned char)*value;
        if (c == '\n')
            buf_add_str(out, "\\n");
        else if (c == '\t')
            buf_add_str(out, "\\t");
        else if (c < 0x20 || c >= 0x7F)
            buf_printf(out, "\\%03o", c);
        else if (c == '\'' || c == '\\')
            buf_printf(out, "\\%c", c);
        else
            buf_add_char(out, *value);
    }
    buf_add_char(out, '\'');
}

static spelling *const SPELLINGS[] = {raw,
                                      base64,
                                      base64_after_one,
                                      base64_after_two,
                                      base64url_after_two,
                                      base64_in_lines,
                                      url,
                                      url_of_a_form,
                                      json,
                                      json_in_ascii,
                                      shell_single,
                                      shell_export,
                                      shell_double,
                                      shell_dollar};

/* --- through the stream --- */

static struct hide *hiding_all(void)
{
    struct err err = {0};
    struct hide *hide = hide_new();
    for (size_t i = 0; i < COUNT_OF(VALUES); i++)
        CHECK(hide_add(hide, VALUES[i], strlen(VALUES[i]), &err) == 0);
    return hide;
}

/* Send the text so many bytes at a time; the log's output into `out`, and the count of its m
 * records. */
static int64_t masked_in_pieces(const struct hide *hide, const struct buf *text, size_t piece,
                                struct buf *out)
{
    struct err err = {0};
    struct sink sink;
    struct stream stream;
    struct joblog_record r;
    struct buf file;
    int64_t count = 0;
    size_t at = 0;
    ptrdiff_t n;
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_APPEND, 0600);
    CHECK(fd >= 0 && sink_init(&sink, fd, (int64_t)TEXT_MAX, &err) == 0);
    stream_init(&stream, 0, 1, 0);
    for (size_t from = 0; from < text->len; from += piece) {
        size_t left = text->len - from;
        struct mask_frame frame = {.step = 1,
                                   .kind = MASK_OUTPUT,
                                   .origin = (int64_t)from,
                                   .body = text->data + from,
                                   .len = left < piece ? left : piece};
        stream_add(&stream, hide, &sink, &frame);
        if (from % 3 == 0)
            stream_settle(&stream, &sink); /* as when nothing comes for a while */
        CHECK(sink_flush(&sink) == 0);
    }
    stream_end(&stream, hide, &sink);
    CHECK(sink_flush(&sink) == 0);
    buf_init(&file, 8 * TEXT_MAX);
    CHECK(fs_read_all(path, &file, &err) == 0);
    for (; at < file.len && (n = joblog_parse(file.data + at, file.len - at, &r)) > 0;
         at += (size_t)n) {
        if (r.kind == 'm')
            count += strtol(r.text, NULL, 10);
        else
            buf_add(out, r.text, r.text_len);
        if (r.kind == 'o')
            buf_add_char(out, '\n');
    }
    CHECK_INT(at, file.len);
    buf_deinit(&file);
    stream_deinit(&stream);
    sink_deinit(&sink);
    close(fd);
    return count;
}

/* All values in one spelling, each on a line of its own between brackets. */
static void spell_all(spelling *spell, struct buf *text)
{
    for (size_t i = 0; i < COUNT_OF(VALUES); i++) {
        buf_printf(text, "VALUE_%zu=[", i);
        spell(VALUES[i], text);
        buf_add_str(text, "]\n");
    }
}

/* What of the spelling is the value's own: all of it but its quotes, or the digits at the ends that
 * it shares with others. */
static bool shows(const char *out, spelling *spell, const char *value)
{
    struct buf text;
    buf_init(&text, TEXT_MAX);
    spell(value, &text);
    size_t ends = text.len > 12 ? 3 : 1;
    text.data[text.len - ends] = '\0';
    bool found = strstr(out, text.data + ends) != NULL;
    buf_deinit(&text);
    return found;
}

static void every_spelling_cut_by_short_reads_is_hidden_and_counted(void)
{
    struct hide *hide = hiding_all();
    for (size_t s = 0; s < COUNT_OF(SPELLINGS); s++) {
        struct buf text;
        buf_init(&text, TEXT_MAX);
        spell_all(SPELLINGS[s], &text);
        for (size_t piece = 1; piece <= 7; piece++) {
            struct buf out;
            buf_init(&out, TEXT_MAX);
            int64_t count = masked_in_pieces(hide, &text, piece, &out);
            bool is_whole = count == COUNT_OF(VALUES);
            for (size_t i = 0; i < COUNT_OF(VALUES); i++)
                is_whole = is_whole && !shows(out.data, SPELLINGS[s], VALUES[i]);
            CHECK(is_whole);
            if (!is_whole)
                printf("# spelling %zu in pieces of %zu: %lld\n%s\n", s, piece, (long long)count,
                       out.data);
            buf_deinit(&out);
        }
        buf_deinit(&text);
    }
    hide_free(hide);
    unlink(path);
}

static void with_nothing_to_hide_the_same_text_shows_everything(void)
{
    struct hide *hide = hide_new();
    for (size_t s = 0; s < COUNT_OF(SPELLINGS); s++) {
        struct buf text, out;
        buf_init(&text, TEXT_MAX);
        buf_init(&out, TEXT_MAX);
        spell_all(SPELLINGS[s], &text);
        CHECK_INT(masked_in_pieces(hide, &text, 5, &out), 0);
        CHECK_STR(out.data, text.data);
        for (size_t i = 0; i < COUNT_OF(VALUES); i++)
            CHECK(shows(out.data, SPELLINGS[s], VALUES[i]));
        buf_deinit(&text);
        buf_deinit(&out);
    }
    hide_free(hide);
    unlink(path);
}

static void each_line_of_a_key_alone_is_hidden(void)
{
    struct hide *hide = hiding_all();
    struct buf text, out;
    buf_init(&text, TEXT_MAX);
    buf_init(&out, TEXT_MAX);
    buf_add_str(&text, "1: MC4CAQAwBQYDK2VwBCIEIJ+/3pVq7dS1o8Yw2bqk0rHc9eXv5LmT4nZuQaGh\n"
                       "2: JfBd12\n");
    CHECK_INT(masked_in_pieces(hide, &text, 3, &out), 2);
    CHECK_STR(out.data, "1: ***\n2: ***\n");
    buf_deinit(&text);
    buf_deinit(&out);
    hide_free(hide);
    unlink(path);
}

int main(void)
{
    struct err err = {0};
    if (crypto_start(&err) != 0)
        return 1;
    snprintf(path, sizeof path, "/tmp/wl_mask_stream.%d", (int)getpid());
    TAP_RUN(every_spelling_cut_by_short_reads_is_hidden_and_counted);
    TAP_RUN(with_nothing_to_hide_the_same_text_shows_everything);
    TAP_RUN(each_line_of_a_key_alone_is_hidden);
    return tap_done();
}
