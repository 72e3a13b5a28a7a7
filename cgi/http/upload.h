/* upload.h - a multipart form (RFC 7578) that carries one file, read as it arrives: the file goes
 * straight to disk with a maximum and a SHA-256 on the way, never through memory.
 *
 * For routes with CSRF_IN_UPLOAD. Calling sequence in the handler:
 *
 *     struct upload *up = NULL;
 *     int rc = -1;
 *     if (upload_begin(req, &up, err) != 0)       csrf part checked; nothing else read yet
 *         goto out;
 *     if (upload_read(up, "file", req->site->upload_max, err) != 0)
 *         goto out;
 *     version = upload_field(up, "version");
 *     if (upload_keep(up, "hello-1.0.0.tar.gz", err) != 0)   into var/artefacts/, never replacing
 *         goto out;
 *     ... the row, in one transaction with its audit event; if that fails: upload_discard(up) ...
 *     rc = respond_redirect(res, ...);
 * out:
 *     upload_end(up);                             removes the temporary file unless it was kept
 *
 * Order of parts on the wire: first `csrf` (so that nothing of a forged request is stored), then
 * text fields, then the file; text fields after the file are accepted too. Limits: 20 parts, 64
 * bytes of field name, 8 KiB a text field, valid UTF-8 without control characters (LF and TAB
 * allowed), one file part, each name once. Errors: ERR_INPUT naming the field, ERR_TOO_LARGE,
 * ERR_DENIED (csrf), ERR_NO_SPACE. */
#ifndef WL_CGI_HTTP_UPLOAD_H
#define WL_CGI_HTTP_UPLOAD_H

#include <stdint.h>
#include "cgi/http/request.h"
#include "lib/base/attr.h"

struct upload; /* lives in the request's arena; owns a descriptor and a temporary file */

int upload_begin(struct request *req, struct upload **up, struct err *err) MUST_USE;
/* Read all parts. `file_field` must be there and not empty; the file is at most max_bytes. */
int upload_read(struct upload *up, const char *file_field, int64_t max_bytes,
                struct err *err) MUST_USE;
/* A text field's value, or "". */
const char *upload_field(const struct upload *up, const char *name);
/* The name the browser gave the file, last path part only, or "" when it is not valid UTF-8 or has
 * control characters. To show and to store as `source`; never to open. */
const char *upload_file_name(const struct upload *up);
int64_t upload_size(const struct upload *up);
const char *upload_sha256(const struct upload *up); /* 64 hex digits */
/* fsync, then link to var/artefacts/<name> and fsync the folder; ERR_CONFLICT when it exists. */
int upload_keep(struct upload *up, const char *name, struct err *err) MUST_USE;
/* Remove what upload_keep made: the database refused the row. */
void upload_discard(struct upload *up);
/* Close and remove the temporary file. NULL is fine. */
void upload_end(struct upload *up);
/* At start: remove temporary files of uploads that a killed process left a day ago or more. */
void upload_sweep(const struct site *site);

#endif
