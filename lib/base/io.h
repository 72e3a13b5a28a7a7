/* io.h - descriptors: whole writes, deadlines, and length-prefixed frames between our own
 * processes.
 *
 * A frame is 4 bytes of length (big endian) and that many bytes; used on the runner's socketpair.
 * Deadlines are monotonic (clock_mono_ms); 0 means now. EINTR is handled here and nowhere else. */
#ifndef WL_BASE_IO_H
#define WL_BASE_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "lib/base/attr.h"
#include "lib/base/buf.h"
#include "lib/base/err.h"

#define IO_FRAME_MAX ((size_t)8 * 1024 * 1024)

int io_set_nonblocking(int fd, bool on);
int io_set_cloexec(int fd, bool on);
/* Wait until fd is readable (POLLIN) or writable (POLLOUT) or the deadline passed. 1 ready, 0
 * deadline, -1 error. */
int io_wait(int fd, short events, int64_t mono_deadline);
int io_write_all(int fd, const void *bytes, size_t len, int64_t mono_deadline,
                 struct err *err) MUST_USE;
/* Read exactly len bytes. *eof is set when the peer closed before the first byte (and 0 is
 * returned). */
int io_read_exact(int fd, void *bytes, size_t len, int64_t mono_deadline, bool *eof,
                  struct err *err) MUST_USE;
int io_frame_write(int fd, const void *bytes, size_t len, int64_t mono_deadline,
                   struct err *err) MUST_USE;
/* Append one frame's payload to `out` (reset first by the caller). */
int io_frame_read(int fd, struct buf *out, int64_t mono_deadline, bool *eof,
                  struct err *err) MUST_USE;
void io_close(int *fd); /* closes when >= 0 and sets -1 */

#endif
