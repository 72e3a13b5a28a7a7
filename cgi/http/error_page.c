/* error_page.c - what people see when something did not work: what happened in plain words, what to
 * do, and the request's id for the log. */
#include "cgi/http/response_impl.h"

#include "lib/base/str.h"

static const char *fix_of(enum err_code code)
{
    switch (code) {
    case ERR_BUSY:
    case ERR_NO_MEMORY:
        return "Nothing was changed. Wait a moment, then try again.";
    case ERR_NO_SPACE:
        return "Nothing was changed. Free space on the disk of the dashboard's data folder, then "
               "try again.";
    case ERR_INTERNAL:
        return "The cause is in the dashboard's log under the request number below.";
    case ERR_THROTTLED:
        return "Wait a moment, then try again.";
    case ERR_NONE:
    case ERR_INPUT:
    case ERR_NOT_FOUND:
    case ERR_DENIED:
    case ERR_SIGNED_OUT:
    case ERR_PROVE:
    case ERR_CONFLICT:
    case ERR_TOO_LARGE:
    case ERR_REMOTE:
    default:
        return "";
    }
}

static json_t *problem(const struct response *res, const struct err *err)
{
    json_t *object =
        json_pack("{s:s, s:s, s:i, s:s, s:s, s:s}", "type", "about:blank", "title",
                  response_status_words(res->status), "status", res->status, "detail", err->user,
                  "code", err_code_name(err->code), "request_id", res->req->id);

    if (object != NULL && err->field[0] != '\0')
        json_object_set_new(object, "errors",
                            json_pack("[{s:s, s:s}]", "field", err->field, "text", err->user));
    return object;
}

void response_error(struct response *res, int status, const struct err *err)
{
    const struct request *req = res->req;
    bool is_known = req->session.user_id[0] != '\0';
    const char *words;

    res->status = status != 0 ? status : err_http_status(err->code);
    res->misuse = NULL;
    res->flash_kind = NULL;
    words = response_status_words(res->status);
    if (req->wants_json) {
        res->kind = RESPONSE_JSON;
        res->data = problem(res, err);
        return;
    }
    res->kind = RESPONSE_PAGE;
    res->template_name = "error";
    res->data = json_pack("{s:i, s:s, s:s, s:s, s:[{s:s, s:s}]}", "status", res->status, "title",
                          words, "message", err->user[0] != '\0' ? err->user : words, "fix",
                          fix_of(err->code), "links", "text", is_known ? "Home" : "Sign in", "href",
                          is_known ? "/" : "/login");
    res->page = json_pack("{s:s}", "title", words);
}
