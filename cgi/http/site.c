/* site.c - reads the environment (docs/architecture.md lists the variables) into struct site, and
 * refuses to start with a sentence when something in it cannot be right. */
#include "cgi/http/site.h"

#include <ctype.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "cgi/http/assets.h"
#include "db/instance.h"
#include "lib/base/fs.h"
#include "lib/base/str.h"
#include "lib/crypto/crypto.h"

#define UPLOAD_MAX_DEFAULT ((int64_t)2 * 1024 * 1024 * 1024)

static int no_memory(struct err *err)
{
    return err_set(err, ERR_NO_MEMORY, "There is no memory left to start.");
}

/* realpath of a folder that must exist. */
static int load_folder(const char *variable, const char *path, const char **folder, struct err *err)
{
    char *real = realpath(path, NULL);

    if (real == NULL)
        return err_field(err, variable, "%s is \"%.200s\", which is no folder that can be opened.",
                         variable, path);
    *folder = real;
    return 0;
}

/* The folder above the one this program's file is in. */
static int default_home(char *path, size_t size, struct err *err)
{
    char *real = realpath("/proc/self/exe", NULL);
    char *slash;
    int rc = -1;

    for (int level = 0; real != NULL && level < 2; level++) {
        slash = strrchr(real, '/');
        if (slash != NULL && slash != real)
            *slash = '\0';
    }
    if (real != NULL && str_copy(path, size, real))
        rc = 0;
    else
        rc = err_field(err, "WL_HOME", "WL_HOME is not set, and the program's folder is unknown.");
    free(real);
    return rc;
}

/* host[:port] of an origin; the characters a host may have, so that it is safe in headers. */
static bool is_host(const char *host)
{
    static const char ALLOWED[] = "abcdefghijklmnopqrstuvwxyz0123456789.-:[]";

    return host[0] != '\0' && strlen(host) <= 255 && strspn(host, ALLOWED) == strlen(host);
}

static bool is_loopback(const char *host)
{
    return str_starts(host, "127.") || str_starts(host, "[::1]") || str_equal(host, "localhost")
           || str_starts(host, "localhost:");
}

static int load_origin(struct site *site, struct err *err)
{
    const char *text = getenv("WL_ORIGIN");
    const char *colon;
    int64_t port;

    if (text == NULL || text[0] == '\0')
        text = "http://127.0.0.1:8080";
    site->is_https = str_starts(text, "https://");
    if (!site->is_https && !str_starts(text, "http://"))
        return err_field(err, "WL_ORIGIN", "WL_ORIGIN must begin with https:// or http://.");
    if ((site->origin = strdup(text)) == NULL)
        return no_memory(err);
    site->host = site->origin + (site->is_https ? 8 : 7);
    if (!is_host(site->host))
        return err_field(err, "WL_ORIGIN",
                         "WL_ORIGIN must be scheme, host and port only, in lower case, without a "
                         "slash at the end: https://deploy.example.org");
    colon = strrchr(site->host, ':');
    if (colon != NULL && strchr(colon, ']') == NULL) {
        if (!str_to_int64(colon + 1, 1, 65535, &port))
            return err_field(err, "WL_ORIGIN", "WL_ORIGIN has a port that is not 1 to 65535.");
        site->port = (int)port;
    } else {
        site->port = site->is_https ? 443 : 80;
    }
    site->may_log_in = site->is_https || is_loopback(site->host);
    return 0;
}

static int load_folders(struct site *site, struct err *err)
{
    const char *var = getenv("WL_VAR");
    const char *home = getenv("WL_HOME");
    char fallback[PATH_MAX];
    char recipes[PATH_MAX];

    if (var == NULL || var[0] == '\0')
        return err_field(err, "WL_VAR", "WL_VAR is not set: it names the data folder.");
    if (load_folder("WL_VAR", var, &site->var_dir, err) != 0)
        return -1;
    if (strlen(site->var_dir) > SITE_VAR_MAX)
        return err_field(err, "WL_VAR",
                         "The data folder's path is longer than %d bytes, too long for the sockets "
                         "in it. Choose a shorter one.",
                         SITE_VAR_MAX);
    if (home == NULL || home[0] == '\0') {
        if (default_home(fallback, sizeof fallback, err) != 0)
            return -1;
        home = fallback;
    }
    if (load_folder("WL_HOME", home, &site->home_dir, err) != 0)
        return -1;
    if (!fs_join(recipes, sizeof recipes, site->home_dir, "recipes")
        || (site->recipes_dir = strdup(recipes)) == NULL)
        return no_memory(err);
    return 0;
}

enum log_level site_log_level(void)
{
    static const char *const NAMES[] = {"error", "warn", "info", "debug"};
    const char *wanted = getenv("WL_LOG");

    for (int i = 0; wanted != NULL && i < (int)COUNT_OF(NAMES); i++) {
        if (str_equal(wanted, NAMES[i]))
            return (enum log_level)i;
    }
    return LOG_LEVEL_INFO;
}

int site_load(struct site *site, struct err *err)
{
    const char *strict = getenv("WL_STRICT");
    const char *upload_max = getenv("WL_UPLOAD_MAX");

    *site = (struct site){.upload_max = UPLOAD_MAX_DEFAULT};
    site->strict_templates = str_equal(strict, "1");
    if (upload_max != NULL && !str_to_int64(upload_max, 1, (int64_t)1 << 40, &site->upload_max))
        return err_field(err, "WL_UPLOAD_MAX", "WL_UPLOAD_MAX must be a number of bytes.");
    if (load_folders(site, err) != 0 || load_origin(site, err) != 0)
        return -1;
    return 0;
}

int site_load_templates(struct site *site, struct err *err)
{
    char folder[PATH_MAX];
    char version[ASSETS_VERSION_SIZE];

    if (!fs_join(folder, sizeof folder, site->home_dir, "templates"))
        return err_field(err, "WL_HOME", "The program's folder has too long a path.");
    if (templates_load(folder, site->strict_templates, &site->templates, err) != 0)
        return -1;
    if (!fs_join(folder, sizeof folder, site->home_dir, "static")
        || assets_version(folder, version, err) != 0)
        return -1;
    if ((site->static_version = strdup(version)) == NULL)
        return no_memory(err);
    return 0;
}

int site_load_instance(struct site *site, struct db *db, struct err *err)
{
    struct instance instance;

    if (instance_get(db, &instance, err) != 0)
        return -1;
    str_copy(site->instance_id, sizeof site->instance_id, instance.id);
    memcpy(site->seal_key, instance.seal_key, sizeof site->seal_key);
    site->has_instance = true;
    return 0;
}

void site_free(struct site *site)
{
    templates_free(site->templates);
    free((void *)(uintptr_t)site->var_dir);
    free((void *)(uintptr_t)site->home_dir);
    free((void *)(uintptr_t)site->recipes_dir);
    free((void *)(uintptr_t)site->origin);
    free((void *)(uintptr_t)site->static_version);
    *site = (struct site){0};
}
