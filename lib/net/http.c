/* http.c - one GET to somewhere else, with everything that could go wrong bounded (http.h says
 * what and why).
 *
 * The status is checked before the first body byte is accepted, so an error page is never taken for
 * the file, and the byte count is ours, not what a header announced. */
#include "lib/net/http.h"

#include <errno.h>
#include "lib/base/str.h"
#include "lib/net/guard.h"

#define CONNECT_MS 10000
#define TOTAL_MS   30000
#define QUIET_MS   20000

/* Where the body goes, and why it stopped if it did. */
struct sink {
    CURL *curl;
    struct buf *body; /* NULL: to the file */
    const struct http_download *download;
    int64_t done, max_bytes;
    int write_errno;
    bool too_large, bad_status, stopped;
};

int http_start(struct err *err)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return err_set(err, ERR_INTERNAL, "The HTTP library could not be started.");
    return 0;
}

static bool write_file(struct sink *sink, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t n = write(sink->download->fd, bytes, len);
        if (n == -1 && errno == EINTR)
            continue;
        if (n <= 0) {
            sink->write_errno = n == 0 ? EIO : errno;
            return false;
        }
        bytes += n;
        len -= (size_t)n;
    }
    return true;
}

/* curl's write callback: returning less than len ends the transfer. */
static size_t take(char *bytes, size_t one, size_t len, void *context)
{
    struct sink *sink = context;
    long status = 0;

    (void)one; /* always 1 */
    if (curl_easy_getinfo(sink->curl, CURLINFO_RESPONSE_CODE, &status) != CURLE_OK || status < 200
        || status > 299) {
        sink->bad_status = true;
        return 0;
    }
    if (sink->max_bytes - sink->done < (int64_t)len) {
        sink->too_large = true;
        return 0;
    }
    if (sink->body != NULL) {
        buf_add(sink->body, bytes, len);
        sink->too_large = !buf_ok(sink->body);
    } else if (!write_file(sink, bytes, len)) {
        return 0;
    }
    sink->done += (int64_t)len;
    return sink->too_large ? 0 : len;
}

static int progress(void *context, curl_off_t total, curl_off_t done, curl_off_t up_total,
                    curl_off_t up_done)
{
    struct sink *sink = context;
    const struct http_download *to = sink->download;

    (void)done, (void)up_total, (void)up_done;
    if (to != NULL && to->progress != NULL
        && to->progress(to->context, sink->done, total > 0 ? (int64_t)total : -1) != 0)
        sink->stopped = true;
    return sink->stopped ? 1 : 0;
}

static int set_limits(CURL *curl, const struct http_limits *limits, struct err *err)
{
    long connect_ms = limits->connect_ms > 0 ? limits->connect_ms : CONNECT_MS;
    long total_ms = limits->total_ms > 0 ? limits->total_ms : TOTAL_MS;
    long quiet_s = (limits->quiet_ms > 0 ? limits->quiet_ms : QUIET_MS) / 1000 + 1;

    if (curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, connect_ms) != CURLE_OK
        || curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, total_ms) != CURLE_OK
        || curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 100L) != CURLE_OK
        || curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, quiet_s) != CURLE_OK)
        return err_set(err, ERR_INTERNAL, "The HTTP library refused one of its limits.");
    return 0;
}

static int set_target(CURL *curl, const char *url, struct sink *sink, struct err *err)
{
    sink->curl = curl;
    if (curl_easy_setopt(curl, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L) != CURLE_OK
        || curl_easy_setopt(curl, CURLOPT_URL, url) != CURLE_OK
        || curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take) != CURLE_OK
        || curl_easy_setopt(curl, CURLOPT_WRITEDATA, sink) != CURLE_OK
        || curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, progress) != CURLE_OK
        || curl_easy_setopt(curl, CURLOPT_XFERINFODATA, sink) != CURLE_OK
        || curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L) != CURLE_OK)
        return err_set(err, ERR_INTERNAL, "The HTTP library refused one of its settings.");
    return 0;
}

static void read_answer(CURL *curl, const struct sink *sink, struct http_answer *answer)
{
    long status = 0;
    char *type = NULL;

    if (curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status) != CURLE_OK)
        status = 0;
    if (curl_easy_getinfo(curl, CURLINFO_CONTENT_TYPE, &type) != CURLE_OK)
        type = NULL;
    answer->status = (int)status;
    answer->bytes = sink->done;
    (void)str_copy(answer->type, sizeof(answer->type), type != NULL ? type : "");
}

static int status_sentence(int status, struct err *err)
{
    if (status >= 300 && status <= 399)
        return err_set(err, ERR_REMOTE,
                       "The address answers %d: it points to another address, and Windlass follows "
                       "no redirect. Fix: use the final address.",
                       status);
    return err_set(err, ERR_REMOTE,
                   "The address answers %d instead of the file. Fix: check the address, and "
                   "whether it wants a login.",
                   status);
}

/* Why a transfer that curl ended was no success; the sink knows better than curl's code. */
static int explain(const struct sink *sink, const struct guard *guard, CURLcode code,
                   const char *url, struct err *err)
{
    char size[32];

    if (sink->stopped)
        return err_set(err, ERR_REMOTE, "The transfer was stopped.");
    if (sink->too_large)
        return err_set(err, ERR_TOO_LARGE, "The answer is larger than %s, the most that is taken.",
                       str_bytes(size, sizeof(size), sink->max_bytes));
    if (sink->write_errno != 0) {
        errno = sink->write_errno;
        return err_errno(err, "writing a download");
    }
    return guard_explain(guard, code, url, err);
}

static int transfer(const char *url, const struct http_limits *limits, struct sink *sink,
                    struct http_answer *answer, struct err *err)
{
    struct guard guard = {.allow = limits->allow};
    CURL *curl = curl_easy_init();
    CURLcode code;
    int rc = -1;

    *answer = (struct http_answer){0};
    if (curl == NULL) {
        (void)err_set(err, ERR_NO_MEMORY, "Not enough memory for an HTTP request.");
        goto out;
    }
    sink->max_bytes = limits->max_bytes;
    if (guard_apply(curl, &guard, limits->allow_http, err) != 0
        || set_limits(curl, limits, err) != 0 || set_target(curl, url, sink, err) != 0)
        goto out;
    code = curl_easy_perform(curl);
    read_answer(curl, sink, answer);
    if (sink->bad_status || (code == CURLE_OK && (answer->status < 200 || answer->status > 299)))
        (void)status_sentence(answer->status, err);
    else if (code != CURLE_OK)
        (void)explain(sink, &guard, code, url, err);
    else
        rc = 0;
out:
    curl_easy_cleanup(curl);
    return rc;
}

int http_get(const char *url, const struct http_limits *limits, struct buf *body,
             struct http_answer *answer, struct err *err)
{
    struct sink sink = {.body = body};

    return transfer(url, limits, &sink, answer, err);
}

int http_get_to_fd(const char *url, const struct http_limits *limits,
                   const struct http_download *download, struct http_answer *answer,
                   struct err *err)
{
    struct sink sink = {.download = download};

    return transfer(url, limits, &sink, answer, err);
}
