/* prove.c - see prove.h. */
#include "cgi/pages/prove.h"

#include <string.h>
#include "cgi/http/ask.h"
#include "lib/base/clock.h"
#include "lib/base/str.h"

#define LASTS_MS ((int64_t)10 * 60 * 1000) /* as in worker/ask/prove.c */

bool prove_is_fresh(const struct request *req)
{
    int64_t at = req->session.proved_at > req->session.created_at ? req->session.proved_at
                                                                  : req->session.created_at;
    return clock_now_ms() - at < LASTS_MS;
}

int prove_password(struct request *req, struct err *err)
{
    const char *password = request_field(req, "password"), *sealed;
    struct err e = {0};
    json_t *answer;
    if (password[0] == '\0')
        return 0;
    sealed = ask_seal(req, password, strlen(password), err);
    if (sealed == NULL)
        return -1;
    if (ask(req, "session.prove", json_pack("{s:s}", "password", sealed), &answer, &e) == 0)
        return 0;
    if (str_equal(e.field, "password"))
        e.code = ERR_PROVE;
    *err = e;
    return -1;
}
