/* slots.c - at most two argon2 computations at a time (64 MiB each), and a short queue for them.
 *
 * Slots are file locks in var/run, since every question is a process of its own: the kernel gives a
 * lock back however its holder ends. Whoever finds both slots taken takes one of eight places in
 * the queue, and without a place is told to come back. */
#include "worker/ask/question.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>
#include "lib/base/clock.h"

#define SLOTS    2
#define QUEUE    8
#define WAIT_MS  4000
#define RETRY_MS 15

/* The descriptor of a lock file that was free; -1: all taken, -2: fault. */
static int take_one_of(const char *var_dir, const char *kind, int count, struct err *err)
{
    for (int i = 0; i < count; i++) {
        char path[4096];
        int fd;

        if (snprintf(path, sizeof path, "%s/run/%s.%d", var_dir, kind, i) >= (int)sizeof path) {
            err_set(err, ERR_INTERNAL, "The data folder's path is too long.");
            return -2;
        }
        fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (fd == -1) {
            err_errno(err, "open %s", path);
            return -2;
        }
        if (flock(fd, LOCK_EX | LOCK_NB) == 0)
            return fd;
        close(fd);
    }
    return -1;
}

static int too_busy(struct err *err)
{
    return err_set(err, ERR_THROTTLED,
                   "Too many people are signing in at this moment. Try again in a few seconds.");
}

int slot_take(const char *var_dir, struct err *err)
{
    int64_t deadline = clock_mono_ms() + WAIT_MS;
    int place, slot = take_one_of(var_dir, "slot", SLOTS, err);

    if (slot >= 0)
        return slot;
    if (slot == -2)
        return -1;
    place = take_one_of(var_dir, "queue", QUEUE, err);
    if (place < 0)
        return place == -2 ? -1 : too_busy(err);
    do {
        clock_sleep_ms(RETRY_MS);
        slot = take_one_of(var_dir, "slot", SLOTS, err);
    } while (slot == -1 && clock_mono_ms() < deadline);
    close(place);
    if (slot == -1)
        return too_busy(err);
    return slot < 0 ? -1 : slot;
}
