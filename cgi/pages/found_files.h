/* found_files.h - files that a build dropped into var/artefacts and that no app has claimed. */
#ifndef WL_CGI_PAGES_FOUND_FILES_H
#define WL_CGI_PAGES_FOUND_FILES_H

#include <jansson.h>
#include "cgi/http/request.h"
#include "lib/base/attr.h"

/* New list of {file, size_text, changed, version}; those whose name begins with the app's slug
 * first, at most 20. A folder that cannot be read is an empty list. */
int found_files(struct request *req, const json_t *app, json_t **found, struct err *err) MUST_USE;

/* The ending of an archive's name that recipes can unpack (".tar.gz"), or NULL. Static text. */
const char *archive_ending(const char *file);

#endif
