/* The poke socket. Its content is thrown away: whoever can reach it can only ask for a look at the
 * queue, and at most one look is made per turn of the loop. */
#include "worker/wake.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include "lib/base/io.h"
#include "lib/base/str.h"

int wake_listen(const struct worker_config *config, struct err *err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    mode_t old;
    if (!str_copy(address.sun_path, sizeof address.sun_path, config->poke))
        return err_field(err, "WL_VAR", "The path of the data folder is too long for a socket.");
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return err_errno(err, "make the poke socket");
    (void)unlink(config->poke); /* we hold the lock: it is nobody's */
    old = umask(0177);
    int rc = bind(fd, (const struct sockaddr *)&address, sizeof address);
    (void)umask(old);
    if (rc == 0 && config->group >= 0)
        rc = chown(config->poke, (uid_t)-1, (gid_t)config->group) != 0 ? -1
                                                                       : chmod(config->poke, 0660);
    if (rc == 0)
        return fd;
    err_errno(err, "bind %s", config->poke);
    io_close(&fd);
    return -1;
}

bool wake_drain(int fd)
{
    char byte;
    bool any = false;
    while (recv(fd, &byte, sizeof byte, MSG_DONTWAIT) >= 0)
        any = true;
    return any;
}
