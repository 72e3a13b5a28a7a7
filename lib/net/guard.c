/* guard.c - what makes an outbound transfer safe, in one place.
 *
 * The filter sits in CURLOPT_OPENSOCKETFUNCTION: curl calls it with the very address it is about to
 * connect to, for every attempt, so neither a second DNS answer nor an odd spelling of 127.0.0.1
 * gets past it. Errors curl reports are turned into sentences here and nowhere else. */
#include "lib/net/guard.h"

#include <fcntl.h>
#include "lib/base/str.h"

/* curl's prototype wants a non-const address; it is only read. */
static curl_socket_t open_socket(void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct guard *guard = context;

    if (purpose != CURLSOCKTYPE_IPCXN)
        return CURL_SOCKET_BAD;
    if (!address_in_list(&address->addr, guard->allow)
        && (!address_is_public(&address->addr) || address_is_own(&address->addr))) {
        guard->refused = true;
        (void)address_text(guard->address, &address->addr);
        return CURL_SOCKET_BAD;
    }
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

int guard_apply(CURL *curl, struct guard *guard, bool allow_http, struct err *err)
{
    const char *protocols = allow_http ? "http,https" : "https";

    guard->refused = false;
    guard->message[0] = '\0';
    if (curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, protocols) != CURLE_OK
        || curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR, protocols) != CURLE_OK
        || curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L) != CURLE_OK
        || curl_easy_setopt(curl, CURLOPT_PROXY, "") != CURLE_OK
        || curl_easy_setopt(curl, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED) != CURLE_OK
        || curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L) != CURLE_OK
        || curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 1L) != CURLE_OK
        || curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 2L) != CURLE_OK
        || curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, guard->message) != CURLE_OK
        || curl_easy_setopt(curl, CURLOPT_USERAGENT, "windlass/" WL_VERSION) != CURLE_OK
        || curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, open_socket) != CURLE_OK
        || curl_easy_setopt(curl, CURLOPT_OPENSOCKETDATA, guard) != CURLE_OK)
        return err_set(err, ERR_INTERNAL, "The HTTP library refused one of its safety settings.");
    return 0;
}

/* The host of a URL as typed, for sentences: at most 100 bytes, "the address" when there is none.
 */
static void host_of(const char *url, char host[101])
{
    CURLU *parts = curl_url();
    char *found = NULL;

    if (parts != NULL && curl_url_set(parts, CURLUPART_URL, url, 0) == CURLUE_OK
        && curl_url_get(parts, CURLUPART_HOST, &found, 0) == CURLUE_OK)
        (void)str_copy(host, 101, found);
    else
        (void)str_copy(host, 101, "the address");
    curl_free(found);
    curl_url_cleanup(parts);
}

static int explain_refusal(const struct guard *guard, const char *host, struct err *err)
{
    return err_set(err, ERR_INPUT,
                   "%s is %s, which is not a public address, so Windlass does not connect to it. "
                   "Fix: use a public address, or let an admin add %s to the allowed ones.",
                   host, guard->address, guard->address);
}

int guard_explain(const struct guard *guard, CURLcode code, const char *url, struct err *err)
{
    char host[101];

    host_of(url, host);
    if (guard->refused && (code == CURLE_COULDNT_CONNECT || code == CURLE_ABORTED_BY_CALLBACK))
        (void)explain_refusal(guard, host, err);
    else if (code == CURLE_UNSUPPORTED_PROTOCOL || code == CURLE_URL_MALFORMAT)
        (void)err_set(err, ERR_INPUT,
                      "This is not an https address. Fix: write it as "
                      "https://host/path.");
    else if (code == CURLE_COULDNT_RESOLVE_HOST)
        (void)err_set(err, ERR_REMOTE,
                      "The name %s could not be found. Fix: check its spelling, "
                      "and the name server of this machine.",
                      host);
    else if (code == CURLE_COULDNT_CONNECT)
        (void)err_set(err, ERR_REMOTE,
                      "%s refused the connection. Fix: check that it runs, and "
                      "its port.",
                      host);
    else if (code == CURLE_OPERATION_TIMEDOUT)
        (void)err_set(err, ERR_REMOTE,
                      "%s did not answer in time, or too slowly. Fix: try again, "
                      "or check the way to it.",
                      host);
    else if (code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE)
        (void)err_set(err, ERR_REMOTE,
                      "The TLS certificate of %s could not be verified. Fix: "
                      "check its name, its dates and its chain.",
                      host);
    else
        (void)err_set(err, ERR_REMOTE, "The transfer from %s broke off. Fix: try again.", host);
    return err_detail(err, "curl %d: %s", (int)code,
                      guard->message[0] != '\0' ? guard->message : curl_easy_strerror(code));
}
