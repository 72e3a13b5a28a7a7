/* ssh_put.c - copy a file to the target by SFTP.
 *
 * SFTP's speed is what is in flight, and libssh2 keeps in flight only what one call was given:
 * hence a buffer of 4 MiB (24 MB/s at 50 ms, 0.6 MB/s with 32 KiB; measured). The protocol has no
 * word for a full disk ("failure 4"), and libssh2's close reports success after it; statvfs before
 * and after tells. Rename cannot replace a file, so nothing here renames. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "lib/base/clock.h"
#include "lib/base/str.h"
#include "worker/ssh/ssh_private.h"

#define CHUNK ((size_t)4 * 1024 * 1024)

struct put {
    struct ssh *ssh;
    LIBSSH2_SFTP_HANDLE *handle;
    const char *path;
    int64_t size;
    int64_t deadline;
    enum ssh_fault *fault;
    struct err *err;
};

/* The source: an open file, or bytes in memory. */
struct source {
    int fd; /* -1: bytes */
    const char *bytes;
    size_t left;
};

static int open_sftp(struct put *put)
{
    struct ssh *ssh = put->ssh;
    while (ssh->sftp == NULL) {
        ssh->sftp = libssh2_sftp_init(ssh->session);
        if (ssh->sftp != NULL)
            break;
        int code = libssh2_session_last_errno(ssh->session);
        if (code == LIBSSH2_ERROR_EAGAIN) {
            if (ssh_wait(ssh, put->deadline, put->fault, put->err) != 0)
                return -1;
        } else if (code == LIBSSH2_ERROR_CHANNEL_FAILURE
                   || code == LIBSSH2_ERROR_CHANNEL_REQUEST_DENIED) {
            *put->fault = SSH_FAULT_REMOTE;
            return err_set(put->err, ERR_REMOTE,
                           "%s offers no SFTP. Fix: add \"Subsystem sftp internal-sftp\" to its "
                           "sshd_config and reload sshd.",
                           ssh->host);
        } else {
            return ssh_lost(ssh, "starting SFTP", put->fault, put->err);
        }
    }
    return 0;
}

/* Free bytes for the account in the file system of path's folder; -1 when the server does not say.
 */
static int64_t free_bytes(struct put *put)
{
    char folder[1024];
    LIBSSH2_SFTP_STATVFS room;
    if (!str_copy(folder, sizeof folder, put->path))
        return -1;
    char *slash = strrchr(folder, '/');
    if (slash == NULL || slash == folder)
        return -1;
    *slash = '\0';
    int rc;
    while ((rc = libssh2_sftp_statvfs(put->ssh->sftp, folder, strlen(folder), &room))
           == LIBSSH2_ERROR_EAGAIN)
        if (ssh_wait(put->ssh, put->deadline, put->fault, NULL) != 0)
            return -1;
    if (rc != 0 || room.f_frsize == 0 || room.f_frsize > 1u << 30
        || room.f_bavail > (uint64_t)INT64_MAX / room.f_frsize)
        return -1;
    return (int64_t)(room.f_bavail * room.f_frsize);
}

static int disk_full(struct put *put, int64_t room)
{
    char need[32], have[32];
    *put->fault = SSH_FAULT_REMOTE;
    return err_set(put->err, ERR_REMOTE,
                   "The disk of %s is full: %s are needed below %s and %s are free. Fix: free "
                   "space there (old releases, logs), then "
                   "try again.",
                   put->ssh->host, str_bytes(need, sizeof need, put->size), put->path,
                   str_bytes(have, sizeof have, room));
}

static int refused(struct put *put, const char *doing)
{
    struct ssh *ssh = put->ssh;
    if (libssh2_session_last_errno(ssh->session) != LIBSSH2_ERROR_SFTP_PROTOCOL)
        return ssh_lost(ssh, doing, put->fault, put->err);
    unsigned long status = libssh2_sftp_last_error(ssh->sftp);
    int64_t room = free_bytes(put);
    if (ssh->alive && status == LIBSSH2_FX_FAILURE && room >= 0 && room < 65536)
        return disk_full(put, room);
    *put->fault = SSH_FAULT_REMOTE;
    const char *why = "the server refused it (the file exists, or a limit or quota was reached)";
    if (status == LIBSSH2_FX_PERMISSION_DENIED)
        why = "permission denied";
    else if (status == LIBSSH2_FX_NO_SUCH_FILE)
        why = "its folder does not exist";
    (void)err_set(put->err, ERR_REMOTE,
                  "%s: %s failed: %s. Fix: check the owner, the mode and the quota of that folder.",
                  put->path, doing, why);
    return err_detail(put->err, "sftp status %lu", status);
}

static int open_file(struct put *put, int mode, bool must_be_new)
{
    unsigned long flags = LIBSSH2_FXF_WRITE | LIBSSH2_FXF_CREAT;
    flags |= must_be_new ? LIBSSH2_FXF_EXCL : LIBSSH2_FXF_TRUNC;
    size_t len = strlen(put->path);
    while ((put->handle = libssh2_sftp_open_ex(put->ssh->sftp, put->path, (unsigned)len, flags,
                                               mode, LIBSSH2_SFTP_OPENFILE))
           == NULL) {
        if (libssh2_session_last_errno(put->ssh->session) != LIBSSH2_ERROR_EAGAIN)
            return refused(put, "creating the file");
        if (ssh_wait(put->ssh, put->deadline, put->fault, put->err) != 0)
            return -1;
    }
    /* The server's umask took part in the mode; say it again. */
    LIBSSH2_SFTP_ATTRIBUTES attributes = {.flags = LIBSSH2_SFTP_ATTR_PERMISSIONS,
                                          .permissions = (unsigned long)mode};
    int rc;
    while ((rc = libssh2_sftp_fsetstat(put->handle, &attributes)) == LIBSSH2_ERROR_EAGAIN)
        if (ssh_wait(put->ssh, put->deadline, put->fault, put->err) != 0)
            return -1;
    return rc == 0 ? 0 : refused(put, "setting the file's mode");
}

static int send_chunk(struct put *put, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t sent = libssh2_sftp_write(put->handle, bytes, len);
        if (sent == LIBSSH2_ERROR_EAGAIN) {
            if (ssh_wait(put->ssh, put->deadline, put->fault, put->err) != 0)
                return -1;
        } else if (sent < 0) {
            return refused(put, "writing");
        } else {
            bytes += sent;
            len -= (size_t)sent;
        }
    }
    return 0;
}

/* The next piece: its length, 0 at the end, -1 on a read error. */
static ssize_t next_piece(struct source *source, char *room, const char **piece)
{
    if (source->fd < 0) {
        size_t len = source->left < CHUNK ? source->left : CHUNK;
        *piece = source->bytes;
        source->bytes += len;
        source->left -= len;
        return (ssize_t)len;
    }
    size_t have = 0;
    while (have < CHUNK) {
        ssize_t got = read(source->fd, room + have, CHUNK - have);
        if (got == -1 && errno == EINTR)
            continue;
        if (got == -1)
            return -1;
        if (got == 0)
            break;
        have += (size_t)got;
    }
    *piece = room;
    return (ssize_t)have;
}

static int send_source(struct put *put, struct source *source, ssh_progress_fn *progress,
                       void *context)
{
    char *room = source->fd >= 0 ? malloc(CHUNK) : NULL;
    int64_t done = 0;
    int rc = -1;
    if (source->fd >= 0 && room == NULL)
        return err_set(put->err, ERR_NO_MEMORY, "There is no memory for the upload.");
    for (;;) {
        const char *piece = NULL;
        ssize_t len = next_piece(source, room, &piece);
        if (len < 0) {
            (void)err_errno(put->err, "read the artefact");
            goto out;
        }
        if (len == 0)
            break;
        if (send_chunk(put, piece, (size_t)len) != 0)
            goto out;
        done += len;
        if (progress != NULL && progress(context, done, put->size) != 0) {
            (void)err_set(put->err, ERR_CONFLICT, "The upload was stopped.");
            goto out;
        }
    }
    if (done != put->size)
        (void)err_set(
            put->err, ERR_INTERNAL,
            "The artefact has %lld bytes, not the %lld that were recorded. Fix: add it again.",
            (long long)done, (long long)put->size);
    else
        rc = 0;
out:
    free(room);
    return rc;
}

static int sync_file(struct put *put)
{
    int rc;
    while ((rc = libssh2_sftp_fsync(put->handle)) == LIBSSH2_ERROR_EAGAIN)
        if (ssh_wait(put->ssh, put->deadline, put->fault, put->err) != 0)
            return -1;
    if (rc == 0
        || (rc == LIBSSH2_ERROR_SFTP_PROTOCOL
            && libssh2_sftp_last_error(put->ssh->sftp) == LIBSSH2_FX_OP_UNSUPPORTED))
        return 0;
    return refused(put, "writing it to disk");
}

static int close_file(struct put *put)
{
    int rc;
    if (put->handle == NULL)
        return 0;
    while ((rc = libssh2_sftp_close_handle(put->handle)) == LIBSSH2_ERROR_EAGAIN)
        if (ssh_wait(put->ssh, put->deadline, put->fault, put->err) != 0)
            return -1;
    put->handle = NULL;
    return rc == 0 ? 0 : refused(put, "closing the file");
}

static int put_all(struct put *put, struct source *source, int mode, bool must_be_new,
                   ssh_progress_fn *progress, void *context)
{
    *put->fault = SSH_FAULT_NONE;
    if (open_sftp(put) != 0)
        return -1;
    int64_t room = free_bytes(put);
    if (!put->ssh->alive)
        return err_set(put->err, ERR_REMOTE, "%s did not answer in time.", put->ssh->host);
    if (room >= 0 && room < put->size)
        return disk_full(put, room);
    int rc = open_file(put, mode, must_be_new);
    if (rc == 0)
        rc = send_source(put, source, progress, context);
    if (rc == 0)
        rc = sync_file(put);
    if (!put->ssh->alive)
        return -1;
    if (rc == 0)
        return close_file(put);
    enum ssh_fault late = SSH_FAULT_NONE; /* the first failure is the one to tell */
    struct put quiet = *put;
    quiet.fault = &late;
    quiet.err = NULL;
    (void)close_file(&quiet);
    return -1;
}

int ssh_put(struct ssh *ssh, int fd, int64_t size, const char *path, int mode, int64_t deadline_ms,
            ssh_progress_fn *progress, void *context, enum ssh_fault *fault, struct err *err)
{
    struct put put = {.ssh = ssh,
                      .path = path,
                      .size = size,
                      .deadline = clock_mono_ms() + deadline_ms,
                      .fault = fault,
                      .err = err};
    struct source source = {.fd = fd};
    if (lseek(fd, 0, SEEK_SET) == -1)
        return err_errno(err, "rewind the artefact");
    return put_all(&put, &source, mode, false, progress, context);
}

int ssh_put_bytes(struct ssh *ssh, const void *bytes, size_t len, const char *path, int mode,
                  int64_t deadline_ms, enum ssh_fault *fault, struct err *err)
{
    struct put put = {.ssh = ssh,
                      .path = path,
                      .size = (int64_t)len,
                      .deadline = clock_mono_ms() + deadline_ms,
                      .fault = fault,
                      .err = err};
    struct source source = {.fd = -1, .bytes = bytes, .left = len};
    return put_all(&put, &source, mode, true, NULL, NULL);
}
