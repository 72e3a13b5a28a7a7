/* browse.c - the cookie-keeping client of browse.h.
 *
 * One curl handle for the browser's life, so that the cookie jar (in memory only) and the
 * connection are kept; every request sets all options that another kind of request could have
 * changed. */
#include "lib/net/browse.h"

#include "lib/base/str.h"
#include "lib/net/guard.h"

#define PAGE_MAX     ((size_t)4 * 1024 * 1024)
#define LINE_MAX_LEN ((size_t)256 * 1024)
#define PAGE_MS      30000L

struct browser {
    CURL *curl;
    struct guard guard;
    char origin[256];
};

struct browser *browser_new(const char *origin, const char *const *allow)
{
    struct browser *browser = calloc(1, sizeof(*browser));

    if (browser == NULL)
        return NULL;
    browser->curl = curl_easy_init();
    browser->guard.allow = allow;
    if (browser->curl == NULL || !str_copy(browser->origin, sizeof(browser->origin), origin)) {
        browser_free(browser);
        return NULL;
    }
    return browser;
}

void browser_free(struct browser *browser)
{
    if (browser == NULL)
        return;
    curl_easy_cleanup(browser->curl);
    free(browser);
}

void browser_page_init(struct browser_page *page)
{
    memset(page, 0, sizeof(*page));
    buf_init(&page->body, PAGE_MAX);
}

void browser_page_deinit(struct browser_page *page)
{
    buf_deinit(&page->body);
}

static size_t take_page(char *bytes, size_t one, size_t len, void *context)
{
    struct browser_page *page = context;

    (void)one; /* always 1 */
    buf_add(&page->body, bytes, len);
    return buf_ok(&page->body) ? len : 0;
}

/* What every request of the browser has; the cookie engine is on with an empty jar. */
static int prepare(struct browser *browser, const char *path, struct err *err)
{
    char url[2048];

    curl_easy_setopt(browser->curl, CURLOPT_HTTPGET, 1L);
    if (snprintf(url, sizeof(url), "%s%s", browser->origin, path) >= (int)sizeof(url))
        return err_set(err, ERR_INPUT, "The path is longer than a URL may be here.");
    if (guard_apply(browser->curl, &browser->guard, true, err) != 0)
        return -1;
    if (curl_easy_setopt(browser->curl, CURLOPT_URL, url) != CURLE_OK
        || curl_easy_setopt(browser->curl, CURLOPT_COOKIEFILE, "") != CURLE_OK
        || curl_easy_setopt(browser->curl, CURLOPT_CONNECTTIMEOUT_MS, 5000L) != CURLE_OK
        || curl_easy_setopt(browser->curl, CURLOPT_TIMEOUT_MS, PAGE_MS) != CURLE_OK)
        return err_set(err, ERR_INTERNAL, "The HTTP library refused one of its settings.");
    return 0;
}

/* Append "name: value" to the header list; NULL when out of memory (the old list is freed). */
static struct curl_slist *with_header(struct curl_slist *list, const char *name, const char *value)
{
    char line[2048];
    struct curl_slist *longer = NULL;

    if (snprintf(line, sizeof(line), "%s: %s", name, value) < (int)sizeof(line))
        longer = curl_slist_append(list, line);
    if (longer == NULL)
        curl_slist_free_all(list);
    return longer;
}

static void read_page(CURL *curl, struct browser_page *page)
{
    struct curl_header *location = NULL;
    long status = 0;
    char *type = NULL;

    if (curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status) == CURLE_OK)
        page->status = (int)status;
    if (curl_easy_getinfo(curl, CURLINFO_CONTENT_TYPE, &type) == CURLE_OK && type != NULL)
        (void)str_copy(page->type, sizeof(page->type), type);
    if (curl_easy_header(curl, "Location", 0, CURLH_HEADER, -1, &location) == CURLHE_OK)
        (void)str_copy(page->location, sizeof(page->location), location->value);
}

static int perform(struct browser *browser, struct curl_slist *headers, struct browser_page *page,
                   struct err *err)
{
    CURL *curl = browser->curl;
    CURLcode code;

    buf_reset(&page->body);
    page->status = 0;
    page->location[0] = page->type[0] = '\0';
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_page);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, page);
    code = curl_easy_perform(curl);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, NULL);
    if (!buf_ok(&page->body))
        return err_set(err, ERR_TOO_LARGE, "The page is larger than 4 MB.");
    if (code != CURLE_OK)
        return guard_explain(&browser->guard, code, browser->origin, err);
    read_page(curl, page);
    return 0;
}

int browser_get(struct browser *browser, const char *path, const char *accept,
                struct browser_page *page, struct err *err)
{
    struct curl_slist *headers = with_header(NULL, "Accept", accept);
    int rc = -1;

    if (headers == NULL)
        (void)err_set(err, ERR_NO_MEMORY, "Not enough memory for an HTTP request.");
    else if (prepare(browser, path, err) == 0)
        rc = perform(browser, headers, page, err);
    curl_slist_free_all(headers);
    return rc;
}

static int encode_form(CURL *curl, const struct browser_field *fields, struct buf *body,
                       struct err *err)
{
    for (const struct browser_field *f = fields; f->name != NULL; f++) {
        char *name = curl_easy_escape(curl, f->name, 0);
        /* A length of 0 would mean strlen, which for "" is the same. */
        char *value = curl_easy_escape(curl, f->value, 0);
        if (name != NULL && value != NULL)
            buf_printf(body, "%s%s=%s", body->len > 0 ? "&" : "", name, value);
        else
            body->failed = true;
        curl_free(name);
        curl_free(value);
    }
    return buf_ok(body) ? 0 : err_set(err, ERR_TOO_LARGE, "The form is larger than 4 MB.");
}

int browser_post(struct browser *browser, const char *path, const struct browser_field *fields,
                 struct browser_page *page, struct err *err)
{
    struct curl_slist *headers = with_header(NULL, "Accept", "text/html");
    struct buf body;
    int rc = -1;

    buf_init(&body, PAGE_MAX);
    if (headers != NULL)
        headers = with_header(headers, "Origin", browser->origin);
    if (headers == NULL) {
        (void)err_set(err, ERR_NO_MEMORY, "Not enough memory for an HTTP request.");
        goto out;
    }
    if (prepare(browser, path, err) != 0 || encode_form(browser->curl, fields, &body, err) != 0)
        goto out;
    curl_easy_setopt(browser->curl, CURLOPT_POST, 1L);
    curl_easy_setopt(browser->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.len);
    curl_easy_setopt(browser->curl, CURLOPT_POSTFIELDS, body.data);
    rc = perform(browser, headers, page, err);
    curl_easy_setopt(browser->curl, CURLOPT_POSTFIELDS, NULL);
out:
    buf_wipe(&body); /* may hold a password */
    buf_deinit(&body);
    curl_slist_free_all(headers);
    return rc;
}

/* An event stream on its way: bytes of the unfinished line, and what the event has so far. */
struct follow {
    const struct browser_stream *stream;
    struct buf pending;
    char event[64], id[64];
    bool ended;
};

static void one_line(struct follow *f, const char *line)
{
    if (*line == '\0')
        f->event[0] = '\0';
    else if (str_starts(line, "event: "))
        (void)str_copy(f->event, sizeof(f->event), line + 7);
    else if (str_starts(line, "id: "))
        (void)str_copy(f->id, sizeof(f->id), line + 4);
    else if (str_starts(line, "data: "))
        f->ended = f->stream->event(f->stream->context, f->event, f->id, line + 6) != 0;
}

static size_t take_stream(char *bytes, size_t one, size_t len, void *context)
{
    struct follow *f = context;
    char *newline;

    (void)one; /* always 1 */
    buf_add(&f->pending, bytes, len);
    if (!buf_ok(&f->pending))
        return 0;
    while (!f->ended && (newline = memchr(f->pending.data, '\n', f->pending.len)) != NULL) {
        *newline = '\0';
        one_line(f, f->pending.data);
        buf_consume(&f->pending, (size_t)(newline - f->pending.data) + 1);
    }
    return f->ended ? 0 : len;
}

int browser_follow(struct browser *browser, const struct browser_stream *stream, struct err *err)
{
    struct follow f = {.stream = stream};
    struct curl_slist *headers = with_header(NULL, "Accept", "text/event-stream");
    long status = 0;
    CURLcode code;
    int rc = -1;

    buf_init(&f.pending, LINE_MAX_LEN);
    if (headers != NULL && stream->last_id != NULL)
        headers = with_header(headers, "Last-Event-ID", stream->last_id);
    if (headers == NULL) {
        (void)err_set(err, ERR_NO_MEMORY, "Not enough memory for an HTTP request.");
        goto out;
    }
    if (prepare(browser, stream->path, err) != 0)
        goto out;
    curl_easy_setopt(browser->curl, CURLOPT_TIMEOUT_MS, (long)stream->deadline_ms);
    curl_easy_setopt(browser->curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(browser->curl, CURLOPT_WRITEFUNCTION, take_stream);
    curl_easy_setopt(browser->curl, CURLOPT_WRITEDATA, &f);
    code = curl_easy_perform(browser->curl);
    curl_easy_setopt(browser->curl, CURLOPT_HTTPHEADER, NULL);
    (void)curl_easy_getinfo(browser->curl, CURLINFO_RESPONSE_CODE, &status);
    if (code != CURLE_OK && !f.ended)
        (void)guard_explain(&browser->guard, code, browser->origin, err);
    else if (status != 200)
        (void)err_set(err, ERR_REMOTE, "The event stream answers %ld.", status);
    else
        rc = 0;
out:
    buf_deinit(&f.pending);
    curl_slist_free_all(headers);
    return rc;
}
