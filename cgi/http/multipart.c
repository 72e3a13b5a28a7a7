/* multipart.c - the parser of uploads. The buffer always holds more than a delimiter, so a body's
 * bytes are handed out only when they cannot be the beginning of one. */
#include "cgi/http/multipart.h"

#include <string.h>
#include <strings.h>
#include "cgi/http/request_read.h"
#include "lib/base/str.h"

#define BUFFER_BYTES ((size_t)64 * 1024)
#define HEAD_MAX     ((size_t)4096)
#define BOUNDARY_MAX 70 /* RFC 2046 §5.1.1 */

struct multipart {
    struct request *req;
    char delimiter[BOUNDARY_MAX + 5]; /* CR LF -- boundary */
    size_t delimiter_len;
    char *data;
    size_t from, to; /* the bytes not yet taken */
    size_t given;    /* handed out by multipart_read, taken at the next call */
    int parts;
    bool is_in_body;
};

static int malformed(struct err *err, const char *what)
{
    return err_set(err, ERR_INPUT,
                   "The upload is not a form as browsers send it: %s. Nothing was stored.", what);
}

static bool is_boundary(const char *text, size_t len)
{
    static const char ALLOWED[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "0123456789'()+_,-./:=?";

    return len > 0 && len <= BOUNDARY_MAX && strspn(text, ALLOWED) >= len;
}

static int read_boundary(struct multipart *m, const char *content_type, struct err *err)
{
    static const char TYPE[] = "multipart/form-data";
    const char *text;
    size_t len;

    if (strncasecmp(content_type, TYPE, sizeof TYPE - 1) != 0)
        return malformed(err, "its type is not multipart/form-data");
    text = strcasestr(content_type, "boundary=");
    if (text == NULL)
        return malformed(err, "it names no boundary");
    text += strlen("boundary=");
    len = strcspn(text, "; \t");
    if (text[0] == '"')
        len = strcspn(++text, "\"");
    if (!is_boundary(text, len))
        return malformed(err, "its boundary is empty, too long, or has odd characters");
    m->delimiter_len =
        (size_t)snprintf(m->delimiter, sizeof m->delimiter, "\r\n--%.*s", (int)len, text);
    return 0;
}

int multipart_begin(struct request *req, struct multipart **multipart, struct err *err)
{
    struct multipart *m = arena_alloc(req->arena, sizeof *m);

    if (m == NULL || (m->data = arena_alloc(req->arena, BUFFER_BYTES)) == NULL)
        return err_set(err, ERR_NO_MEMORY, "There is no memory for the upload.");
    m->req = req;
    if (read_boundary(m, req->content_type, err) != 0)
        return -1;
    /* The first delimiter has no line before it; with one put there all delimiters look the same.
     */
    memcpy(m->data, "\r\n", 2);
    m->to = 2;
    *multipart = m;
    return 0;
}

/* Make at least `want` bytes available; fewer only at the end of the request. */
static int fill(struct multipart *m, size_t want, struct err *err)
{
    if (m->from > 0 && m->from + want > BUFFER_BYTES) {
        memmove(m->data, m->data + m->from, m->to - m->from);
        m->to -= m->from;
        m->from = 0;
    }
    while (m->to - m->from < want) {
        ptrdiff_t n = request_body_read(m->req, m->data + m->to, BUFFER_BYTES - m->to);

        if (n < 0)
            return err_set(err, ERR_INPUT,
                           "The upload broke off before its end. Nothing was stored; send it "
                           "again.");
        if (n == 0)
            break;
        m->to += (size_t)n;
    }
    return 0;
}

/* name="..." in a Content-Disposition line. Browsers write a quote inside as %22. */
static bool find_parameter(const char *line, const char *name, const char **value, size_t *len)
{
    size_t name_len = strlen(name);

    for (const char *at = strchr(line, ';'); at != NULL; at = strchr(at, ';')) {
        const char *quote;

        at++;
        at += strspn(at, " \t");
        if (strncasecmp(at, name, name_len) == 0 && at[name_len] == '='
            && at[name_len + 1] == '"') {
            *value = at + name_len + 2;
            quote = strchr(*value, '"');
            *len = quote != NULL ? (size_t)(quote - *value) : 0;
            return quote != NULL;
        }
        /* A quoted value may hold a semicolon. */
        quote = at + strcspn(at, "\";");
        if (*quote == '"') {
            at = strchr(quote + 1, '"');
            if (at == NULL)
                return false;
        }
    }
    return false;
}

static int read_disposition(const char *line, struct multipart_part *part, struct err *err)
{
    const char *value;
    size_t len;

    if (strncasecmp(line, "form-data", 9) != 0 || !find_parameter(line, "name", &value, &len)
        || len >= sizeof part->name)
        return malformed(err, "a part has no name, or one that is too long");
    memcpy(part->name, value, len);
    part->name[len] = '\0';
    if (form_check_name(part->name, len, err) != 0)
        return -1;
    part->is_file = find_parameter(line, "filename", &value, &len);
    if (part->is_file && len < sizeof part->file_name) {
        memcpy(part->file_name, value, len);
        part->file_name[len] = '\0';
    }
    return 0;
}

/* The header lines of one part; only Content-Disposition says something to us. */
static int read_headers(char *head, struct multipart_part *part, struct err *err)
{
    static const char DISPOSITION[] = "Content-Disposition:";
    bool is_named = false;

    for (char *line = head, *next; line != NULL; line = next) {
        next = strstr(line, "\r\n");
        if (next != NULL) {
            *next = '\0';
            next += 2;
        }
        if (strncasecmp(line, "Content-Transfer-Encoding:", 26) == 0
            || strcasestr(line, "multipart/") != NULL)
            return malformed(err, "a part is encoded or holds parts of its own");
        if (strncasecmp(line, DISPOSITION, sizeof DISPOSITION - 1) != 0)
            continue;
        line += sizeof DISPOSITION - 1;
        if (is_named || read_disposition(line + strspn(line, " \t"), part, err) != 0)
            return is_named ? malformed(err, "a part has two names") : -1;
        is_named = true;
    }
    return is_named ? 0 : malformed(err, "a part has no name");
}

/* Skip the delimiter in front; *is_last when it is the closing one. */
static int take_delimiter(struct multipart *m, bool *is_last, struct err *err)
{
    const char *at;

    if (fill(m, m->delimiter_len + 2, err) != 0)
        return -1;
    at = m->data + m->from;
    if (m->to - m->from < m->delimiter_len + 2 || memcmp(at, m->delimiter, m->delimiter_len) != 0)
        return malformed(err, "the boundary is not where it should be");
    at += m->delimiter_len;
    *is_last = memcmp(at, "--", 2) == 0;
    if (!*is_last && memcmp(at, "\r\n", 2) != 0)
        return malformed(err, "something stands behind a boundary");
    m->from += m->delimiter_len + 2;
    return 0;
}

int multipart_next(struct multipart *m, struct multipart_part *part, bool *has_part,
                   struct err *err)
{
    char head[HEAD_MAX + 1];
    const char *end;
    bool is_last = false;
    size_t have, len;

    *part = (struct multipart_part){.name = ""};
    if (take_delimiter(m, &is_last, err) != 0)
        return -1;
    *has_part = !is_last;
    if (is_last)
        return 0;
    if (++m->parts > MULTIPART_PARTS_MAX)
        return malformed(err, "it has more than 20 parts");
    if (fill(m, HEAD_MAX, err) != 0)
        return -1;
    have = m->to - m->from < HEAD_MAX ? m->to - m->from : HEAD_MAX;
    end = memmem(m->data + m->from, have, "\r\n\r\n", 4);
    if (end == NULL)
        return malformed(err, "the head of a part never ends");
    len = (size_t)(end - (m->data + m->from));
    memcpy(head, m->data + m->from, len);
    head[len] = '\0';
    if (strlen(head) != len)
        return malformed(err, "the head of a part holds a NUL byte");
    m->from += len + 4;
    m->is_in_body = true;
    return read_headers(head, part, err);
}

ptrdiff_t multipart_read(struct multipart *m, const char **bytes, struct err *err)
{
    const char *found;
    size_t have;

    m->from += m->given;
    m->given = 0;
    if (!m->is_in_body)
        return 0;
    if (fill(m, m->delimiter_len, err) != 0)
        return -1;
    have = m->to - m->from;
    if (have < m->delimiter_len)
        return err_set(err, ERR_INPUT,
                       "The upload broke off before its end. Nothing was stored; send it again.");
    *bytes = m->data + m->from;
    found = memmem(*bytes, have, m->delimiter, m->delimiter_len);
    if (found == *bytes) {
        m->is_in_body = false;
        return 0;
    }
    m->given = found != NULL ? (size_t)(found - *bytes) : have - m->delimiter_len + 1;
    return (ptrdiff_t)m->given;
}
