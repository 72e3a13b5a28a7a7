/* secrets_file.h - a .env on its way to a dashboard: the one place of the command line that reads
 * one, by the grammar of lib/domain/dotenv.h. */
#ifndef WL_CLI_SECRETS_FILE_H
#define WL_CLI_SECRETS_FILE_H

#include <jansson.h>
#include "lib/base/attr.h"
#include "lib/base/buf.h"
#include "lib/base/err.h"

#define SECRETS_FILE_MAX ((size_t)4 * 1024 * 1024)

/* Append all of a file ("-": standard input) to out, whose maximum holds. ERR_INPUT when it cannot
 * be read. Wipe the buffer after use. */
int secrets_file_read(const char *path, struct buf *out, struct err *err) MUST_USE;
/* A new list of {key, value, comment} in the file's order, and the comment lines behind the last
 * key. All mistakes go to standard error with line and column (no value does); then it is
 * ERR_INPUT. */
int secrets_file_parse(const struct buf *text, json_t **entries, json_t **tail,
                       struct err *err) MUST_USE;

#endif
