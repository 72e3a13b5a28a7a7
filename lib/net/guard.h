/* guard.h - internal to lib/net: the curl options every transfer has, and the filter at its socket.
 */
#ifndef WL_NET_GUARD_H
#define WL_NET_GUARD_H

#include <curl/curl.h>
#include <stdbool.h>
#include "lib/base/err.h"
#include "lib/net/address.h"

struct guard {
    const char *const *allow;
    bool refused;                    /* the filter said no at least once */
    char address[ADDRESS_TEXT_SIZE]; /* what it said no to */
    char message[CURL_ERROR_SIZE];   /* curl's own words, for the log */
};

/* Protocols, proxy, redirects, credentials, signals and the socket filter. `guard` must outlive the
 * handle's transfers. */
int guard_apply(CURL *curl, struct guard *guard, bool allow_http, struct err *err) MUST_USE;
/* A failed transfer as a sentence; the host may be shown (it is what the caller typed). */
int guard_explain(const struct guard *guard, CURLcode code, const char *url, struct err *err);

#endif
