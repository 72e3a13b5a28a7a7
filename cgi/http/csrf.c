/* csrf.c - see csrf.h. Both checks must pass; each alone has known holes (old browsers, a leaked
 * page, a sibling host that plants cookies). */
#include "cgi/http/csrf.h"

#include <string.h>
#include "cgi/http/site.h"
#include "lib/base/str.h"
#include "lib/crypto/crypto.h"

const char *csrf_token(struct arena *arena, const char *cookie_value)
{
    uint8_t key[CRYPTO_TOKEN_BYTES];
    uint8_t mac[CRYPTO_MAC_BYTES];
    char *text = NULL;

    _Static_assert(CRYPTO_TOKEN_BYTES == CRYPTO_KEY_BYTES, "a token is used as a key");
    if (cookie_value == NULL || strlen(cookie_value) != CRYPTO_TOKEN_TEXT - 1
        || crypto_unb64url(cookie_value, key, sizeof key) != (int)sizeof key)
        return NULL;
    text = arena_alloc(arena, CRYPTO_B64_SIZE(sizeof mac));
    if (text != NULL) {
        crypto_mac(key, "csrf", "", 0, mac);
        crypto_b64url(text, CRYPTO_B64_SIZE(sizeof mac), mac, sizeof mac);
    }
    crypto_wipe(key, sizeof key);
    return text;
}

int csrf_check_origin(const struct request *req, struct err *err)
{
    const char *origin = request_header(req, "HTTP_ORIGIN");
    const char *site = request_header(req, "HTTP_SEC_FETCH_SITE");

    if (!str_equal(origin, req->site->origin))
        return err_set(err, ERR_DENIED,
                       "This request did not come from a page of this dashboard (%s), so nothing "
                       "was done. Open the page here and try again.",
                       req->site->origin);
    if (site[0] != '\0' && !str_equal(site, "same-origin"))
        return err_set(err, ERR_DENIED,
                       "The browser says that another site sent this request, so nothing was done. "
                       "Open the page here and try again.");
    return 0;
}

int csrf_check_token(const struct request *req, const char *given, struct err *err)
{
    size_t len = strlen(req->csrf);

    if (len == 0 || strlen(given) != len || !crypto_equal(given, req->csrf, len))
        return err_set(err, ERR_DENIED,
                       "The form is out of date: it was opened before you logged in or out. "
                       "Nothing was done. Go back, reload the page, and send it again.");
    return 0;
}
