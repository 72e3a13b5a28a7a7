/* api.c - one request of the JSON API (api.h). */
#include "lib/net/api.h"

#include <string.h>
#include "lib/base/str.h"
#include "lib/crypto/crypto.h"
#include "lib/net/guard.h"

#define CONNECT_MS 10000L
#define TOTAL_MS   30000L

static const char *const EVERYWHERE[] = {"0.0.0.0/0", "::/0", NULL};
static const char *const LOOPBACK[] = {"127.0.0.0/8", "::1/128", NULL};

void api_answer_init(struct api_answer *answer)
{
    memset(answer, 0, sizeof(*answer));
    buf_init(&answer->body, API_ANSWER_MAX);
}

void api_answer_deinit(struct api_answer *answer)
{
    buf_wipe(&answer->body);
    buf_deinit(&answer->body);
}

static bool is_plain_http(const char *base)
{
    return str_starts(base, "http://");
}

/* "http://127.0.0.1:8080": a loopback host, then a port or nothing. */
static bool is_loopback(const char *base)
{
    static const char *const HOSTS[] = {"127.0.0.1", "localhost", "[::1]"};
    const char *host = base + strlen("http://");

    for (size_t i = 0; i < COUNT_OF(HOSTS); i++) {
        size_t len = strlen(HOSTS[i]);

        if (strncmp(host, HOSTS[i], len) == 0 && (host[len] == '\0' || host[len] == ':'))
            return true;
    }
    return false;
}

int api_check_base(const char *base, struct err *err)
{
    const char *host = strstr(base, "://");

    if (host == NULL || (!str_starts(base, "https://") && !is_plain_http(base)) || host[3] == '\0'
        || strpbrk(host + 3, "/?#@ ") != NULL || str_has_control(base, strlen(base), false))
        return err_field(err, "url",
                         "The dashboard's address is written https://host or https://host:port, "
                         "without anything behind it.");
    if (is_plain_http(base) && !is_loopback(base))
        return err_field(err, "url",
                         "Over plain http the token could be read on the way. Use https; http is "
                         "for 127.0.0.1 alone.");
    return 0;
}

static size_t take(char *bytes, size_t one, size_t len, void *context)
{
    struct buf *body = context;

    (void)one; /* always 1 */
    buf_add(body, bytes, len);
    return buf_ok(body) ? len : 0;
}

/* Append "name: value"; false when out of memory, or too long. The line is wiped: it may hold the
 * token. */
static bool add_header(struct curl_slist **list, const char *name, const char *value)
{
    char line[512];
    bool fits = snprintf(line, sizeof(line), "%s: %s", name, value) < (int)sizeof(line);
    struct curl_slist *longer = fits ? curl_slist_append(*list, line) : NULL;

    crypto_wipe(line, sizeof(line));
    if (longer == NULL)
        return false;
    *list = longer;
    return true;
}

static bool add_headers(struct curl_slist **list, const struct api_request *request)
{
    char bearer[300];
    bool fits = snprintf(bearer, sizeof(bearer), "Bearer %s", request->token) < (int)sizeof(bearer)
                && add_header(list, "Authorization", bearer)
                && add_header(list, "Accept", "application/json")
                && (request->if_match == NULL || add_header(list, "If-Match", request->if_match))
                && (request->body == NULL || add_header(list, "Content-Type", "application/json"))
                && add_header(list, "Expect", "");

    crypto_wipe(bearer, sizeof(bearer));
    return fits;
}

static void free_headers(struct curl_slist *list)
{
    for (struct curl_slist *item = list; item != NULL; item = item->next)
        crypto_wipe(item->data, strlen(item->data));
    curl_slist_free_all(list);
}

static int set_up(CURL *curl, const struct api_request *request, struct curl_slist *headers,
                  struct api_answer *answer, struct err *err)
{
    char url[2048];

    if (snprintf(url, sizeof(url), "%s%s", request->base, request->path) >= (int)sizeof(url))
        return err_field(err, "url", "The address is longer than a URL may be here.");
    if (curl_easy_setopt(curl, CURLOPT_URL, url) != CURLE_OK
        || curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request->method) != CURLE_OK
        || curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers) != CURLE_OK
        || curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MS) != CURLE_OK
        || curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, TOTAL_MS) != CURLE_OK
        || curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take) != CURLE_OK
        || curl_easy_setopt(curl, CURLOPT_WRITEDATA, &answer->body) != CURLE_OK)
        return err_set(err, ERR_INTERNAL, "The HTTP library refused one of its settings.");
    if (request->body != NULL
        && (curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body_len)
                != CURLE_OK
            || curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request->body) != CURLE_OK))
        return err_set(err, ERR_INTERNAL, "The HTTP library refused one of its settings.");
    return 0;
}

static void read_head(CURL *curl, struct api_answer *answer)
{
    struct curl_header *etag = NULL;
    long status = 0;
    char *type = NULL;

    if (curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status) == CURLE_OK)
        answer->status = (int)status;
    if (curl_easy_getinfo(curl, CURLINFO_CONTENT_TYPE, &type) == CURLE_OK && type != NULL)
        (void)str_copy(answer->type, sizeof(answer->type), type);
    if (curl_easy_header(curl, "ETag", 0, CURLH_HEADER, -1, &etag) == CURLHE_OK)
        (void)str_copy(answer->etag, sizeof(answer->etag), etag->value);
}

int api_call(const struct api_request *request, struct api_answer *answer, struct err *err)
{
    struct guard guard = {.allow = is_plain_http(request->base) ? LOOPBACK : EVERYWHERE};
    struct curl_slist *headers = NULL;
    CURL *curl = NULL;
    CURLcode code;
    int rc = -1;

    api_answer_deinit(answer);
    api_answer_init(answer);
    if (api_check_base(request->base, err) != 0)
        return -1;
    curl = curl_easy_init();
    if (curl == NULL || !add_headers(&headers, request)) {
        (void)err_set(err, ERR_NO_MEMORY,
                      "The request could not be made: the token is too long, "
                      "or memory is short.");
        goto out;
    }
    if (guard_apply(curl, &guard, is_plain_http(request->base), err) != 0
        || set_up(curl, request, headers, answer, err) != 0)
        goto out;
    code = curl_easy_perform(curl);
    if (!buf_ok(&answer->body))
        (void)err_set(err, ERR_TOO_LARGE, "The dashboard's answer is larger than 16 MiB.");
    else if (code != CURLE_OK)
        (void)guard_explain(&guard, code, request->base, err);
    else {
        read_head(curl, answer);
        rc = 0;
    }
out:
    if (curl != NULL)
        curl_easy_cleanup(curl);
    free_headers(headers);
    return rc;
}
