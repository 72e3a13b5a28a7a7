/* place.c - finding folders (place.h). The programs are found beside this one, never through PATH:
 * a data folder is opened by the version it was started with. */
#include "cli/place.h"

#include <errno.h>
#include <limits.h>
#include "lib/base/fs.h"
#include "lib/base/str.h"

#define INSTALLED_VAR "/var/lib/windlass" /* packaging/ */

static int find_bin(struct place *place, struct err *err)
{
    ssize_t len = readlink("/proc/self/exe", place->bin, sizeof(place->bin) - 1);
    char *slash;

    if (len <= 0)
        return err_errno(err, "readlink /proc/self/exe");
    place->bin[len] = '\0';
    slash = strrchr(place->bin, '/');
    if (slash == NULL || slash == place->bin)
        return err_set(err, ERR_INTERNAL, "The folder of the programs could not be found.");
    *slash = '\0';
    return 0;
}

static int make_absolute(char dst[PLACE_SIZE], const char *path, struct err *err)
{
    char here[PLACE_SIZE];
    size_t len;
    bool fits;

    if (path[0] == '\0')
        return err_field(err, "var", "The data folder's name is empty. Fix: --var FOLDER.");
    if (path[0] == '/') {
        fits = str_copy(dst, PLACE_SIZE, path);
    } else {
        if (getcwd(here, sizeof(here)) == NULL)
            return err_errno(err, "getcwd");
        fits = fs_join(dst, PLACE_SIZE, here, path);
    }
    if (!fits)
        return err_field(err, "var", "The data folder's path is longer than %d bytes.",
                         PLACE_SIZE - 1);
    for (len = strlen(dst); len > 1 && dst[len - 1] == '/'; len--)
        dst[len - 1] = '\0';
    return 0;
}

int place_find(struct place *place, const char *var, struct err *err)
{
    memset(place, 0, sizeof(*place));
    if (var == NULL)
        var = getenv("WL_VAR");
    if (var == NULL)
        var = "var";
    if (find_bin(place, err) != 0)
        return -1;
    return make_absolute(place->var, var, err);
}

static bool is_home(const char *folder)
{
    char path[PLACE_SIZE];

    return fs_join(path, sizeof(path), folder, "templates") && fs_exists(path)
           && fs_join(path, sizeof(path), folder, "recipes") && fs_exists(path);
}

int place_find_home(struct place *place, struct err *err)
{
    const char *given = getenv("WL_HOME");
    char *slash;

    if (given != NULL) {
        if (!is_home(given) || given[0] != '/' || !str_copy(place->home, PLACE_SIZE, given))
            return err_set(err, ERR_INPUT,
                           "WL_HOME is not the absolute path of a folder with templates and "
                           "recipes. Fix: correct it, or unset it.");
        return 0;
    }
    memcpy(place->home, place->bin, sizeof(place->home));
    for (int up = 0; up < 4 && (slash = strrchr(place->home, '/')) != NULL; up++) {
        *slash = '\0';
        if (is_home(place->home))
            return 0;
    }
    place->home[0] = '\0';
    return err_set(err, ERR_NOT_FOUND,
                   "The folders templates and recipes are not above the program's. Fix: set "
                   "WL_HOME to the folder that holds them.");
}

int place_path(const struct place *place, const char *name, char path[PLACE_SIZE], struct err *err)
{
    if (!fs_join(path, PLACE_SIZE, place->var, name))
        return err_field(err, "var", "The data folder's path is too long.");
    return 0;
}

int place_find_existing(struct place *place, const char *var, struct err *err)
{
    char path[PLACE_SIZE];

    if (var == NULL && getenv("WL_VAR") == NULL && !fs_exists("var/.windlass")
        && fs_exists(INSTALLED_VAR "/.windlass"))
        var = INSTALLED_VAR;
    if (place_find(place, var, err) != 0 || place_path(place, "db/windlass.db", path, err) != 0)
        return -1;
    if (access(path, F_OK) == 0)
        return 0;
    if (errno == EACCES)
        return err_set(err, ERR_DENIED,
                       "The data folder belongs to another user. Fix: run this as that user, or "
                       "with sudo.");
    return err_set(err, ERR_NOT_FOUND,
                   "There is no dashboard in %s. Fix: name its data folder with --var, or start "
                   "one with windlass up.",
                   place->var);
}
