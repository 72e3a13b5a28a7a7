/* deploy_files.h - an environment's secret files as inputs of a step: WL_FILES, how many, and of
 * each WL_FILE_<n>_PATH (below the app's folder), _MODE (four octal digits), _BASE64 (its bytes on
 * one line, since they may hold NUL) and _SHA256 (hex, for the comparison on the target).
 * recipes/lib.sh, "secret files", makes files of them; docs/add-a-recipe.md describes both. */
#ifndef WL_WORKER_JOBS_DEPLOY_FILES_H
#define WL_WORKER_JOBS_DEPLOY_FILES_H

#include "worker/secret_values.h"

/* Appends the assignments to `out`, whose limit holds for the variables and files of an environment
 * together: an error names the file that does not fit in, one whose path or mode no server should
 * get, and one that lies where another needs a folder. Without files, it says WL_FILES='0'. */
int deploy_files_assign(struct buf *out, const struct secret_values *values,
                        struct err *err) MUST_USE;

#endif
