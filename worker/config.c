/* Reading WL_*. Nothing else in the worker reads the environment. */
#include "worker/config.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "lib/base/fs.h"
#include "lib/base/str.h"
#include "worker/mask/mask.h"

static int find_program(struct worker_config *c, struct err *err)
{
    ssize_t n = readlink("/proc/self/exe", c->program, sizeof c->program - 1);
    if (n <= 0)
        return err_errno(err, "read /proc/self/exe");
    c->program[n] = '\0';
    return 0;
}

/* WL_HOME, or the folder above the one that holds the binary. */
static int find_recipes(struct worker_config *c, struct err *err)
{
    char home[WORKER_PATH_MAX];
    const char *given = getenv("WL_HOME");
    if (given != NULL) {
        str_copy(home, sizeof home, given);
    } else {
        str_copy(home, sizeof home, c->program);
        for (int up = 0; up < 2; up++) {
            char *slash = strrchr(home, '/');
            if (slash != NULL)
                *slash = '\0';
        }
    }
    if (!fs_join(c->recipes, sizeof c->recipes, home, "recipes"))
        return err_set(err, ERR_INPUT, "WL_HOME is too long.");
    return 0;
}

static enum log_level level_of(const char *name)
{
    static const char *const names[] = {"error", "warn", "info", "debug"};
    for (size_t i = 0; name != NULL && i < COUNT_OF(names); i++) {
        if (strcmp(name, names[i]) == 0)
            return (enum log_level)i;
    }
    return LOG_LEVEL_INFO;
}

static int read_numbers(struct worker_config *c, struct err *err)
{
    int64_t group = -1;
    const char *text = getenv("WL_GROUP");
    if (text != NULL && text[0] != '\0' && !str_to_int64(text, 0, INT32_MAX, &group))
        return err_field(err, "WL_GROUP", "WL_GROUP must be a group's number.");
    c->group = (int)group;
    c->log_max = MASK_DEFAULT_MAX;
    text = getenv("WL_LOG_MAX");
    if (text != NULL && !str_to_int64(text, 1024, INT64_MAX / 4, &c->log_max))
        return err_field(err, "WL_LOG_MAX", "WL_LOG_MAX must be a number of bytes, at least 1024.");
    return 0;
}

int worker_config_load(struct worker_config *c, struct err *err)
{
    const char *var = getenv("WL_VAR"), *runner = getenv("WL_RUNNER");
    const char *failpoints = getenv("WL_FAILPOINTS"), *unmasked = getenv("WL_UNMASKED");
    memset(c, 0, sizeof *c);
    if (var == NULL || var[0] != '/')
        return err_field(err, "WL_VAR", "WL_VAR must name the data folder by its full path.");
    if (!str_copy(c->var, sizeof c->var, var)
        || !fs_join(c->db, sizeof c->db, var, "db/windlass.db")
        || !fs_join(c->lock, sizeof c->lock, var, "run/worker.lock")
        || !fs_join(c->poke, sizeof c->poke, var, "run/poke.sock")
        || !fs_join(c->artefacts, sizeof c->artefacts, var, "artefacts")
        || !fs_join(c->logs, sizeof c->logs, var, "serve/logs")
        || !fs_join(c->ballast, sizeof c->ballast, var, "db/.ballast"))
        return err_field(err, "WL_VAR", "WL_VAR is too long: at most %zu bytes.", sizeof c->var);
    str_copy(c->runner, sizeof c->runner, runner == NULL ? "" : runner);
    str_copy(c->failpoints, sizeof c->failpoints, failpoints == NULL ? "" : failpoints);
    c->unmasked = unmasked != NULL && strcmp(unmasked, "1") == 0;
    if (getenv("WL_FETCH_ALLOW") != NULL
        && !str_copy(c->allow, sizeof c->allow, getenv("WL_FETCH_ALLOW")))
        return err_field(err, "WL_FETCH_ALLOW", "WL_FETCH_ALLOW is too long.");
    c->level = level_of(getenv("WL_LOG"));
    if (find_program(c, err) != 0 || find_recipes(c, err) != 0)
        return -1;
    return read_numbers(c, err);
}
