/* multipart.h - multipart/form-data (RFC 7578, RFC 2046 §5.1) read as it arrives, in pieces that
 * point into one buffer of fixed size. Strict: CR LF line ends, no nested multipart, no transfer
 * encodings, no text around the parts.
 *
 *     multipart_begin
 *     while (multipart_next(m, &part, &has_part, err) == 0 && has_part)
 *         while ((n = multipart_read(m, &bytes, err)) > 0) ...      to 0, the part's end
 *
 * multipart_next may be called only when the part before was read to its end. */
#ifndef WL_CGI_HTTP_MULTIPART_H
#define WL_CGI_HTTP_MULTIPART_H

#include <stdbool.h>
#include <stddef.h>
#include "cgi/http/form.h"
#include "cgi/http/request.h"
#include "lib/base/attr.h"

#define MULTIPART_PARTS_MAX 20
#define MULTIPART_FILE_NAME 256

struct multipart; /* in the request's arena */

struct multipart_part {
    char name[FORM_NAME_MAX + 1];
    bool is_file;                        /* it has a filename parameter */
    char file_name[MULTIPART_FILE_NAME]; /* as sent, or "" when too long */
};

/* ERR_INPUT when the Content-Type is no multipart/form-data with a boundary. */
int multipart_begin(struct request *req, struct multipart **multipart, struct err *err) MUST_USE;
int multipart_next(struct multipart *m, struct multipart_part *part, bool *has_part,
                   struct err *err) MUST_USE;
/* The next bytes of the part's body; 0 at its end; -1 when the request is malformed or broke off.
 */
ptrdiff_t multipart_read(struct multipart *m, const char **bytes, struct err *err) MUST_USE;

#endif
