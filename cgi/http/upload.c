/* upload.c - what an upload may be, and where its bytes go: a new file in artefacts/.incoming,
 * hashed on the way, and linked to its final name only when all of it is there and on the disk. */
#include "cgi/http/upload.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "cgi/http/csrf.h"
#include "cgi/http/multipart.h"
#include "cgi/http/site.h"
#include "lib/base/fs.h"
#include "lib/base/io.h"
#include "lib/base/clock.h"
#include "lib/base/str.h"
#include "lib/crypto/crypto.h"
#include "lib/domain/validate.h"

#define TEXT_MAX      ((size_t)8 * 1024)
#define OVERHEAD_MAX  ((int64_t)1024 * 1024)      /* what is not the file */
#define SPACE_RESERVE ((int64_t)64 * 1024 * 1024) /* left free for the databases */
#define WRITE_MS      60000
#define LEFTOVER_S    (24 * 60 * 60)

struct upload_field {
    char name[FORM_NAME_MAX + 1];
    const char *value;
};

struct upload {
    struct request *req;
    struct multipart *multipart;
    struct upload_field fields[MULTIPART_PARTS_MAX];
    size_t count;
    char folder[PATH_MAX];   /* var/artefacts */
    char incoming[PATH_MAX]; /* var/artefacts/.incoming */
    char temp[CRYPTO_ID_SIZE + 8];
    char kept[256]; /* name below folder, or "" */
    int fd;
    bool has_file;
    const char *file_name;
    int64_t size;
    struct crypto_sha256_state state;
    char sha256[CRYPTO_HASH_HEX];
};

static int no_memory(struct err *err)
{
    return err_set(err, ERR_NO_MEMORY, "There is no memory for the upload.");
}

static bool has_field(const struct upload *up, const char *name)
{
    for (size_t i = 0; i < up->count; i++) {
        if (strcmp(up->fields[i].name, name) == 0)
            return true;
    }
    return false;
}

const char *upload_field(const struct upload *up, const char *name)
{
    for (size_t i = 0; i < up->count; i++) {
        if (strcmp(up->fields[i].name, name) == 0)
            return up->fields[i].value;
    }
    return "";
}

/* A text part to its end, into the list of fields. */
static int read_text(struct upload *up, const struct multipart_part *part, struct err *err)
{
    char *text = arena_alloc(up->req->arena, TEXT_MAX + 1);
    const char *bytes;
    size_t len = 0;
    ptrdiff_t n;

    if (text == NULL || up->count == COUNT_OF(up->fields))
        return no_memory(err);
    while ((n = multipart_read(up->multipart, &bytes, err)) > 0) {
        if (len + (size_t)n > TEXT_MAX) {
            err_field(err, part->name, "The field \"%s\" is longer than %zu bytes. Shorten it.",
                      part->name, TEXT_MAX);
            return -1;
        }
        memcpy(text + len, bytes, (size_t)n);
        len += (size_t)n;
    }
    if (n < 0 || form_check_value(part->name, text, len, err) != 0)
        return -1;
    str_copy(up->fields[up->count].name, sizeof up->fields[up->count].name, part->name);
    up->fields[up->count++].value = text;
    return 0;
}

int upload_begin(struct request *req, struct upload **out, struct err *err)
{
    struct upload *up = arena_alloc(req->arena, sizeof *up);
    struct multipart_part part;
    bool has_part = false;

    if (up == NULL)
        return no_memory(err);
    up->req = req;
    up->fd = -1;
    up->file_name = "";
    *out = up;
    if (!fs_join(up->folder, sizeof up->folder, req->site->var_dir, "artefacts")
        || !fs_join(up->incoming, sizeof up->incoming, up->folder, ".incoming"))
        return no_memory(err);
    if (multipart_begin(req, &up->multipart, err) != 0
        || multipart_next(up->multipart, &part, &has_part, err) != 0)
        return -1;
    if (!has_part || part.is_file || strcmp(part.name, "csrf") != 0)
        return err_set(err, ERR_DENIED,
                       "The form's first field must be its token, and it was not there. Reload the "
                       "page and send it again.");
    if (read_text(up, &part, err) != 0)
        return -1;
    return csrf_check_token(req, upload_field(up, "csrf"), err);
}

static int too_large(const struct multipart_part *part, int64_t max_bytes, struct err *err)
{
    char size[32];

    err_field(err, part->name,
              "The file is larger than %s, which is the most this dashboard takes.",
              str_bytes(size, sizeof size, max_bytes));
    if (err != NULL)
        err->code = ERR_TOO_LARGE;
    return -1;
}

/* Refuse early what cannot fit, and keep room for the databases. */
static int check_space(const struct upload *up, struct err *err)
{
    int64_t free_bytes = fs_free_bytes(up->folder);

    if (free_bytes < 0 || free_bytes - up->req->content_length >= SPACE_RESERVE)
        return 0;
    return err_set(err, ERR_NO_SPACE,
                   "The disk of the dashboard has too little room for this file. Remove old "
                   "artefacts or free space, then upload it again.");
}

static int open_temp(struct upload *up, struct err *err)
{
    char id[CRYPTO_ID_SIZE];

    if (fs_mkdirs(up->incoming, 0750, err) != 0 || check_space(up, err) != 0)
        return -1;
    crypto_new_id(id);
    snprintf(up->temp, sizeof up->temp, "%s.part", id);
    up->fd = fs_open_beneath(up->incoming, up->temp, O_WRONLY | O_CREAT | O_EXCL, 0640, err);
    if (up->fd < 0)
        up->temp[0] = '\0';
    return up->fd < 0 ? -1 : 0;
}

/* The browser's name of the file, without folders; only ever shown. */
static const char *clean_file_name(struct upload *up, const char *sent)
{
    const char *slash = strrchr(sent, '/');
    const char *backslash = strrchr(sent, '\\');
    const char *name = sent;

    if (slash != NULL)
        name = slash + 1;
    if (backslash != NULL && backslash >= name)
        name = backslash + 1;
    if (!str_is_utf8(name, strlen(name)) || str_has_control(name, strlen(name), false))
        return "";
    name = arena_strdup(up->req->arena, name);
    return name != NULL ? name : "";
}

static int read_file(struct upload *up, const struct multipart_part *part, int64_t max_bytes,
                     struct err *err)
{
    uint8_t hash[CRYPTO_HASH_BYTES];
    const char *bytes;
    ptrdiff_t n;

    if (up->req->content_length > max_bytes + OVERHEAD_MAX)
        return too_large(part, max_bytes, err);
    if (open_temp(up, err) != 0)
        return -1;
    up->has_file = true;
    up->file_name = clean_file_name(up, part->file_name);
    crypto_sha256_init(&up->state);
    while ((n = multipart_read(up->multipart, &bytes, err)) > 0) {
        up->size += n;
        if (up->size > max_bytes)
            return too_large(part, max_bytes, err);
        crypto_sha256_add(&up->state, bytes, (size_t)n);
        if (io_write_all(up->fd, bytes, (size_t)n, clock_mono_ms() + WRITE_MS, err) != 0)
            return -1;
    }
    if (n < 0)
        return -1;
    crypto_sha256_end(&up->state, hash);
    crypto_hex(up->sha256, sizeof up->sha256, hash, sizeof hash);
    return 0;
}

static int read_part(struct upload *up, const struct multipart_part *part, const char *file_field,
                     int64_t max_bytes, struct err *err)
{
    bool is_the_file = strcmp(part->name, file_field) == 0;

    if (has_field(up, part->name) || (is_the_file && up->has_file))
        return err_field(err, part->name, "The field \"%s\" was given twice. Send it once.",
                         part->name);
    if (part->is_file != is_the_file)
        return err_field(err, part->name,
                         is_the_file ? "The field \"%s\" must be a file."
                                     : "The field \"%s\" may not be a file.",
                         part->name);
    return is_the_file ? read_file(up, part, max_bytes, err) : read_text(up, part, err);
}

int upload_read(struct upload *up, const char *file_field, int64_t max_bytes, struct err *err)
{
    struct multipart_part part;
    bool has_part = false;

    for (;;) {
        if (multipart_next(up->multipart, &part, &has_part, err) != 0)
            return -1;
        if (!has_part)
            break;
        if (read_part(up, &part, file_field, max_bytes, err) != 0)
            return -1;
    }
    if (!up->has_file || up->size == 0)
        return err_field(err, file_field, "No file was chosen, or it is empty. Choose one.");
    return 0;
}

const char *upload_file_name(const struct upload *up)
{
    return up->file_name;
}

int64_t upload_size(const struct upload *up)
{
    return up->size;
}

const char *upload_sha256(const struct upload *up)
{
    return up->sha256;
}

static int sync_folder(const char *folder, struct err *err)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int rc = 0;

    if (fd < 0 || fsync(fd) != 0)
        rc = err_errno(err, "sync the folder %s", folder);
    io_close(&fd);
    return rc;
}

int upload_keep(struct upload *up, const char *name, struct err *err)
{
    char from[PATH_MAX], to[PATH_MAX];

    if (validate_file_name("file", name, err) != 0)
        return -1;
    if (!fs_join(from, sizeof from, up->incoming, up->temp)
        || !fs_join(to, sizeof to, up->folder, name) || strlen(name) >= sizeof up->kept)
        return no_memory(err);
    if (fsync(up->fd) != 0)
        return err_errno(err, "sync an upload");
    if (link(from, to) != 0) {
        if (errno == EEXIST)
            return err_set(err, ERR_CONFLICT,
                           "There is an artefact with this name already. Versions are never "
                           "replaced: choose another one.");
        return err_errno(err, "link an upload to its name");
    }
    str_copy(up->kept, sizeof up->kept, name);
    return sync_folder(up->folder, err);
}

void upload_discard(struct upload *up)
{
    char path[PATH_MAX];

    if (up->kept[0] != '\0' && fs_join(path, sizeof path, up->folder, up->kept))
        (void)unlink(path);
    up->kept[0] = '\0';
}

void upload_end(struct upload *up)
{
    char path[PATH_MAX];

    if (up == NULL)
        return;
    io_close(&up->fd);
    /* A kept file has its own name by now; this one goes in every case. */
    if (up->temp[0] != '\0' && fs_join(path, sizeof path, up->incoming, up->temp))
        (void)unlink(path);
    up->temp[0] = '\0';
}

void upload_sweep(const struct site *site)
{
    time_t limit = (time_t)(clock_now_ms() / 1000) - LEFTOVER_S;
    char folder[PATH_MAX];
    struct dirent *entry;
    DIR *dir = NULL;

    if (fs_join(folder, sizeof folder, site->var_dir, "artefacts/.incoming"))
        dir = opendir(folder);
    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        struct stat st;

        if (str_ends(entry->d_name, ".part")
            && fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0
            && st.st_mtime < limit)
            (void)unlinkat(dirfd(dir), entry->d_name, 0);
    }
    if (dir != NULL)
        closedir(dir);
}
