/* assets.h - one version for all files of static/, so that a browser may keep them for ever: URLs
 * are /static/<version>/<file>, and a changed file changes the version. nginx drops the version
 * and serves the file. */
#ifndef WL_CGI_HTTP_ASSETS_H
#define WL_CGI_HTTP_ASSETS_H

#include "lib/base/attr.h"
#include "lib/base/err.h"

#define ASSETS_VERSION_SIZE 17

/* 16 hex digits of the SHA-256 over names and bytes of the folder's files, sorted by name,
 * including one level of folders. */
int assets_version(const char *folder, char version[ASSETS_VERSION_SIZE], struct err *err) MUST_USE;

#endif
