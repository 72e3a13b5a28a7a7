/* fake_transport.h - a request and its answer without a web server: the dispatcher is called in
 * this process. All functions are static; include it from one test program.
 *
 *     struct fake f;
 *     fake_init(&f, "GET", "/apps?x=1");
 *     fake_param(&f, "HTTP_COOKIE", "...");
 *     dispatch(&d, &f.transport);
 *     CHECK_INT(fake_status(&f), 200);  CHECK(strstr(fake_body(&f), "Apps") != NULL);
 *     fake_deinit(&f); */
#ifndef WL_TESTS_WEB_LIB_FAKE_TRANSPORT_H
#define WL_TESTS_WEB_LIB_FAKE_TRANSPORT_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "cgi/http/transport.h"
#include "lib/base/buf.h"

#define UNUSED      __attribute__((unused))
#define FAKE_PARAMS 40

struct fake {
    struct transport transport; /* first */
    char *names[FAKE_PARAMS], *values[FAKE_PARAMS];
    int count;
    const char *body; /* borrowed */
    size_t body_len, body_at;
    size_t read_max;  /* at most so many bytes per read; 0: no limit */
    size_t breaks_at; /* the connection breaks after so many bytes of the body; 0: never */
    struct buf out;
    char header[2048]; /* of fake_header */
};

static const char *fake_get(struct transport *transport, const char *name)
{
    struct fake *f = (struct fake *)(void *)transport;

    for (int i = 0; i < f->count; i++) {
        if (strcmp(f->names[i], name) == 0)
            return f->values[i];
    }
    return NULL;
}

static ptrdiff_t fake_read(struct transport *transport, void *bytes, size_t len)
{
    struct fake *f = (struct fake *)(void *)transport;
    size_t left = f->body_len - f->body_at;

    if (f->breaks_at > 0 && f->body_at >= f->breaks_at)
        return -1;
    if (len > left)
        len = left;
    if (f->read_max > 0 && len > f->read_max)
        len = f->read_max;
    if (f->breaks_at > 0 && f->body_at + len > f->breaks_at)
        len = f->breaks_at - f->body_at;
    if (len > 0)
        memcpy(bytes, f->body + f->body_at, len);
    f->body_at += len;
    return (ptrdiff_t)len;
}

static int fake_write(struct transport *transport, const void *bytes, size_t len)
{
    struct fake *f = (struct fake *)(void *)transport;

    buf_add(&f->out, bytes, len);
    return 0;
}

/* NULL removes the parameter. */
static UNUSED void fake_param(struct fake *f, const char *name, const char *value)
{
    for (int i = 0; i < f->count; i++) {
        if (strcmp(f->names[i], name) == 0) {
            free(f->names[i]);
            free(f->values[i]);
            f->count--;
            f->names[i] = f->names[f->count];
            f->values[i] = f->values[f->count];
            break;
        }
    }
    if (value == NULL || f->count == FAKE_PARAMS)
        return;
    f->names[f->count] = strdup(name);
    f->values[f->count++] = strdup(value);
}

static UNUSED void fake_init(struct fake *f, const char *method, const char *uri)
{
    memset(f, 0, sizeof *f);
    f->transport = (struct transport){.param = fake_get, .read = fake_read, .write = fake_write};
    buf_init(&f->out, (size_t)64 * 1024 * 1024);
    fake_param(f, "REQUEST_METHOD", method);
    fake_param(f, "REQUEST_URI", uri);
    fake_param(f, "HTTP_HOST", "127.0.0.1:8080");
    fake_param(f, "REMOTE_ADDR", "192.0.2.7");
    fake_param(f, "HTTP_USER_AGENT", "fake/1.0");
    fake_param(f, "HTTP_ACCEPT", "text/html");
}

static UNUSED void fake_send(struct fake *f, const char *content_type, const void *body, size_t len)
{
    char text[32];

    snprintf(text, sizeof text, "%zu", len);
    fake_param(f, "CONTENT_TYPE", content_type);
    fake_param(f, "CONTENT_LENGTH", text);
    f->body = body;
    f->body_len = len;
    f->body_at = 0;
}

static UNUSED void fake_deinit(struct fake *f)
{
    while (f->count > 0)
        fake_param(f, f->names[0], NULL);
    buf_deinit(&f->out);
}

/* The status the answer begins with, 0 when there is none. */
static UNUSED int fake_status(const struct fake *f)
{
    return strncmp(f->out.data, "Status: ", 8) == 0 ? (int)strtol(f->out.data + 8, NULL, 10) : 0;
}

static UNUSED const char *fake_body(const struct fake *f)
{
    const char *end = strstr(f->out.data, "\r\n\r\n");

    return end != NULL ? end + 4 : "";
}

/* The nth header of that name (0: the first), or "". Valid until the next call. */
static UNUSED const char *fake_nth_header(struct fake *f, const char *name, int nth)
{
    const char *end = strstr(f->out.data, "\r\n\r\n");
    size_t name_len = strlen(name);

    f->header[0] = '\0';
    for (const char *line = f->out.data; end != NULL && line < end;) {
        const char *next = strstr(line, "\r\n");

        if (strncasecmp(line, name, name_len) == 0 && line[name_len] == ':' && nth-- == 0)
            snprintf(f->header, sizeof f->header, "%.*s", (int)(next - line - (long)name_len - 2),
                     line + name_len + 2);
        line = next + 2;
    }
    return f->header;
}

static UNUSED const char *fake_header(struct fake *f, const char *name)
{
    return fake_nth_header(f, name, 0);
}

/* The value of a cookie that the answer sets ("" when it sets none, or removes it). */
static UNUSED const char *fake_cookie(struct fake *f, const char *name)
{
    size_t name_len = strlen(name);

    for (int i = 0; fake_nth_header(f, "Set-Cookie", i)[0] != '\0'; i++) {
        if (strncmp(f->header, name, name_len) == 0 && f->header[name_len] == '=') {
            memmove(f->header, f->header + name_len + 1, strlen(f->header) - name_len);
            f->header[strcspn(f->header, ";")] = '\0';
            return f->header;
        }
    }
    f->header[0] = '\0';
    return f->header;
}

#endif
