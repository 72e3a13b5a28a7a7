/* The reserve for a full disk. posix_fallocate, so that the blocks are really taken. */
#include "worker/ballast.h"

#include <fcntl.h>
#include <unistd.h>
#include "lib/base/fs.h"
#include "lib/base/io.h"
#include "lib/base/log.h"

#define BALLAST_BYTES ((int64_t)4 * 1024 * 1024)
#define ROOM_BYTES    ((int64_t)64 * 1024 * 1024)

void ballast_keep(const struct worker_config *config)
{
    if (fs_exists(config->ballast) || fs_free_bytes(config->var) < ROOM_BYTES)
        return;
    int fd = open(config->ballast, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return;
    if (posix_fallocate(fd, 0, BALLAST_BYTES) != 0)
        (void)unlink(config->ballast);
    io_close(&fd);
}

void ballast_drop(const struct worker_config *config)
{
    if (unlink(config->ballast) == 0)
        LOG_ERROR("disk_full",
                  "the dashboard's disk is full: the reserve was given back. Fix: make "
                  "room in the file system of the data folder");
}
