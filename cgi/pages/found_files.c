/* found_files.c - looking into var/artefacts (found_files.h). Only names are offered to the page;
 * the bytes are read by the worker, which opens them beneath the folder and follows no link. */
#include "cgi/pages/found_files.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include "cgi/http/site.h"
#include "cgi/pages/parts.h"
#include "cgi/pages/row.h"
#include "db/artefacts.h"
#include "lib/base/fs.h"
#include "lib/base/str.h"
#include "lib/domain/validate.h"

#define FOUND_MAX   20
#define ENTRIES_MAX 5000

const char *archive_ending(const char *file)
{
    static const char *const ENDINGS[] = {".tar.gz",  ".tgz",     ".tar.xz",
                                          ".tar.zst", ".tar.bz2", ".tar"};
    for (size_t i = 0; i < COUNT_OF(ENDINGS); i++)
        if (str_ends(file, ENDINGS[i]) && strlen(file) > strlen(ENDINGS[i]))
            return ENDINGS[i];
    return NULL;
}

/* "hello-1.3.0.tar.gz" of app hello is probably version 1.3.0. */
static json_t *version_of(const char *file, const char *slug)
{
    struct err ignored = {0};
    char text[256];
    size_t skip = str_starts(file, slug) ? strlen(slug) : 0;
    const char *ending = archive_ending(file);
    if (skip > 0 && file[skip] != '\0' && strchr("-_", file[skip]) != NULL)
        skip++;
    str_copy(text, sizeof text, file + skip);
    if (ending != NULL && strlen(text) > strlen(ending))
        text[strlen(text) - strlen(ending)] = '\0';
    return json_string(validate_version("version", text, &ignored) == 0 ? text : "");
}

static bool is_candidate(int dir, const char *name, struct stat *st)
{
    struct err ignored = {0};
    return archive_ending(name) != NULL && validate_file_name("file", name, &ignored) == 0
           && fstatat(dir, name, st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st->st_mode);
}

static int add_found(struct request *req, DIR *dir, const char *slug, json_t *found,
                     struct err *err)
{
    struct dirent *entry;
    int seen = 0;
    while ((entry = readdir(dir)) != NULL && seen++ < ENTRIES_MAX
           && json_array_size(found) < FOUND_MAX) {
        struct stat st;
        bool known = true;
        if (!is_candidate(dirfd(dir), entry->d_name, &st))
            continue;
        if (artefact_file_known(req->db, entry->d_name, &known, err) != 0)
            return -1;
        if (known)
            continue;
        json_t *item = json_pack(
            "{s:s, s:o, s:o, s:o}", "file", entry->d_name, "size_text", part_size(st.st_size),
            "changed", part_time((int64_t)st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000),
            "version", version_of(entry->d_name, slug));
        if (str_starts(entry->d_name, slug))
            json_array_insert_new(found, 0, item);
        else
            json_array_append_new(found, item);
    }
    return 0;
}

int found_files(struct request *req, const json_t *app, json_t **found, struct err *err)
{
    char path[512];
    int rc = 0;
    *found = json_array();
    if (!fs_join(path, sizeof path, req->site->var_dir, "artefacts"))
        return 0;
    DIR *dir = opendir(path);
    if (dir == NULL)
        return 0;
    rc = add_found(req, dir, row_text(app, "slug"), *found, err);
    closedir(dir);
    return rc;
}
