/* fs.h - files: whole or not at all, and never outside the folder that was meant. All fds are
 * close-on-exec. */
#ifndef WL_BASE_FS_H
#define WL_BASE_FS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include "lib/base/attr.h"
#include "lib/base/buf.h"
#include "lib/base/err.h"

/* mkdir -p of one folder with `mode` for the last part; an existing folder is fine. */
int fs_mkdirs(const char *path, mode_t mode, struct err *err) MUST_USE;
/* Temp file beside it, write, fsync, rename, fsync of the folder. */
int fs_write_atomic(const char *path, const void *bytes, size_t len, mode_t mode,
                    struct err *err) MUST_USE;
/* Append the whole file to `out`; a file larger than out->max is ERR_TOO_LARGE. A missing file is
 * ERR_NOT_FOUND. */
int fs_read_all(const char *path, struct buf *out, struct err *err) MUST_USE;
/* Open `name` beneath `dir` with RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS (openat2(2)). Returns the fd
 * or -1. */
int fs_open_beneath(const char *dir, const char *name, int flags, mode_t mode,
                    struct err *err) MUST_USE;
bool fs_exists(const char *path);
/* Free bytes for an unprivileged writer in the file system of `path`; -1 when unknown. */
int64_t fs_free_bytes(const char *path);
/* Remove a folder and all in it, following no link. A missing folder is fine. */
int fs_remove_tree(const char *path, struct err *err) MUST_USE;

/* Join into dst; false when it does not fit. */
bool fs_join(char *dst, size_t dst_size, const char *dir, const char *name);

#endif
