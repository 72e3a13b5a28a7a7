/* plan_containers.c - what becomes of each container on a server, in words (plan_look.h).
 *
 * Compose makes a container anew when its image or its definition is another, or a variable it is
 * made with. The first is seen on the server; the others are read from both Compose files and both
 * secret sets, by the names that each service uses. */
#include <string.h>
#include "cgi/pages/parts.h"
#include "cgi/pages/plan_look.h"
#include "cgi/pages/row.h"
#include "db/plans.h"
#include "lib/base/buf.h"
#include "lib/base/str.h"

#define WHY_MAX  1000
#define KEYS_MAX 4

struct service {
    char name[80], digest[600], runs[600], here[8], reason[300];
    int64_t running, there;
};

static void read_service(const char *line, struct service *s)
{
    char number[24];
    plan_field(line, PLAN_SERVICE, s->name, sizeof s->name);
    plan_field(line, PLAN_DIGEST, s->digest, sizeof s->digest);
    plan_field(line, PLAN_RUNS, s->runs, sizeof s->runs);
    plan_field(line, PLAN_HERE, s->here, sizeof s->here);
    plan_field(line, PLAN_REASON, s->reason, sizeof s->reason);
    plan_field(line, PLAN_RUNNING, number, sizeof number);
    if (!str_to_int64(number, 0, 10000, &s->running))
        s->running = 0;
    plan_field(line, PLAN_THERE, number, sizeof number);
    if (!str_to_int64(number, 0, 10000, &s->there))
        s->there = 0;
}

static void add_reason(struct buf *why, const char *text)
{
    buf_printf(why, "%s%s", why->len > 0 ? "; " : "", text);
}

static bool uses_key(const json_t *change, const char *key)
{
    const json_t *name;
    size_t i;
    if (row_is(change, "reads_all"))
        return true;
    json_array_foreach(json_object_get(change, "uses"), i,
                       name) if (str_equal(json_string_value(name), key)) return true;
    return false;
}

/* The keys whose values are others, and which this service is made with; files concern all. */
static void add_keys(struct buf *why, const json_t *change, const json_t *keys)
{
    const json_t *row;
    size_t i, count = 0;
    bool has_files = false;
    json_array_foreach(keys, i, row)
    {
        const char *key = row_text(row, "key");
        if (str_equal(row_text(row, "verb"), "about"))
            continue;
        if (str_equal(row_text(row, "form"), "file"))
            has_files = true;
        else if (uses_key(change, key) && count++ < KEYS_MAX)
            buf_printf(why, "%s%.128s",
                       count > 1      ? ", "
                       : why->len > 0 ? "; variables "
                                      : "variables ",
                       key);
    }
    if (count > KEYS_MAX)
        buf_printf(why, " and %zu more", count - KEYS_MAX);
    if (has_files)
        add_reason(why, "secret files");
}

static json_t *item(const char *service, const char *state, const char *text, const char *why)
{
    return json_pack("{s:s, s:o, s:s}", "service", service, "status", part_status(state, text),
                     "why", why);
}

/* A service of a Compose file that has a container there already. */
static json_t *of_known(const struct plan_containers *seen, const struct service *s, bool *replaces)
{
    const json_t *change = json_object_get(seen->changes, s->name);
    struct buf why;
    json_t *model;
    buf_init(&why, WHY_MAX);
    if (s->digest[0] != '\0' && strcmp(s->digest, s->runs) != 0)
        add_reason(&why, "its image is another one");
    if (row_is(change, "is_changed"))
        add_reason(&why, "the Compose file says otherwise");
    if (seen->has_live)
        add_keys(&why, change, seen->keys);
    *replaces = *replaces || why.len > 0;
    if (why.len > 0) {
        model = item(s->name, "changes", "Replaced", why.data);
    } else if (s->digest[0] == '\0' || !seen->has_live) {
        *replaces = true;
        model = item(s->name, "unknown", "Not known",
                     s->digest[0] == '\0' ? "what its image is now is not known"
                                          : "nobody knows how it was made");
    } else {
        model = s->running > 0 ? item(s->name, "same", "Stays", "nothing of it changes")
                               : item(s->name, "changes", "Started", "it is stopped");
    }
    buf_deinit(&why);
    return model;
}

static json_t *of_service(const struct plan_containers *seen, const struct service *s,
                          bool *replaces)
{
    if (seen->changes == NULL) { /* one image: a new container each time */
        *replaces = true;
        return item(s->name, "changes", "New beside it",
                    s->running > 0
                        ? "the old container is stopped once the new one serves, and kept"
                        : "none runs yet");
    }
    if (s->there > 0)
        return of_known(seen, s, replaces);
    if (row_is(json_object_get(seen->changes, s->name), "is_optional"))
        return item(s->name, "same", "Not run", "it has a profile");
    return item(s->name, "changes", "Made", "there is none yet");
}

json_t *plan_containers_model(const struct plan_containers *seen, bool *replaces)
{
    json_t *list = json_array(), *value;
    const char *key;
    struct service s;
    char name[200];
    json_object_foreach(json_object_get(seen->host, "results"), key, value)
    {
        if (!json_is_string(value) || !str_starts(key, "planned_"))
            continue;
        read_service(json_string_value(value), &s);
        json_array_append_new(list, of_service(seen, &s, replaces));
    }
    json_object_foreach(json_object_get(seen->host, "results"), key, value)
    {
        if (!json_is_string(value) || !str_starts(key, "gone_"))
            continue;
        plan_field(json_string_value(value), 1, name, sizeof name);
        json_array_append_new(list, item(name, "changes", "Removed",
                                         "its service is not in the Compose file any more"));
        *replaces = true;
    }
    return list;
}
