/* request.c - what handlers ask of a request. */
#include "cgi/http/request.h"

#include <string.h>
#include "cgi/http/form.h"
#include "cgi/http/transport.h"
#include "lib/base/str.h"

const char *request_param(const struct request *req, int index)
{
    return index >= 0 && index < (int)COUNT_OF(req->params) ? req->params[index] : "";
}

static const char *text_of(const struct form *form, const char *name)
{
    const struct form_field *field = form_find(form, name);

    return field != NULL ? field->value : "";
}

const char *request_query(const struct request *req, const char *name)
{
    return text_of(req->query, name);
}

int64_t request_query_int(const struct request *req, const char *name, int64_t min, int64_t max,
                          int64_t otherwise)
{
    int64_t value;

    return str_to_int64(request_query(req, name), min, max, &value) ? value : otherwise;
}

const char *request_field(const struct request *req, const char *name)
{
    return text_of(req->form, name);
}

const char *request_field_bytes(const struct request *req, const char *name, size_t *len)
{
    const struct form_field *field = form_find(req->form, name);

    *len = field != NULL ? field->len : 0;
    return field != NULL ? field->value : "";
}

bool request_has_field(const struct request *req, const char *name)
{
    return form_find(req->form, name) != NULL;
}

json_t *request_fields_with(const struct request *req, const char *prefix)
{
    json_t *object = json_object();
    size_t prefix_len = strlen(prefix);

    for (size_t i = 0; req->form != NULL && i < req->form->count; i++) {
        const struct form_field *field = &req->form->fields[i];

        if (str_starts(field->name, prefix)
            && json_object_set_new(object, field->name + prefix_len,
                                   json_stringn(field->value, field->len))
                   != 0)
            return NULL; /* the arena is full: the dispatcher answers for that */
    }
    return object;
}

const char *request_header(const struct request *req, const char *cgi_name)
{
    const char *value = req->transport->param(req->transport, cgi_name);

    return value != NULL ? value : "";
}
