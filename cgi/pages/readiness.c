/* readiness.c - what is missing for a deploy, each with the link that mends it (readiness.h). The
 * worker checks the same things again; here they save a person the walk. */
#include "cgi/pages/readiness.h"

#include <stdio.h>
#include "cgi/pages/parts.h"
#include "cgi/pages/row.h"
#include "lib/base/clock.h"
#include "lib/base/str.h"

#define OLD_CHECK_MS ((int64_t)24 * 60 * 60 * 1000)

static void add(json_t *list, json_t *text, json_t *href, const char *action)
{
    json_array_append_new(
        list, json_pack("{s:o, s:o, s:s}", "text", text, "href", href, "action", action));
}

static json_t *server_href(const json_t *server)
{
    return part_text("/servers/%s", row_text(server, "slug"));
}

json_t *readiness_problems(const json_t *environment, const json_t *servers, bool has_artefact)
{
    const char *app = row_text(environment, "app_slug"), *env = row_text(environment, "slug");
    json_t *list = json_array();
    const json_t *server;
    size_t i;
    if (!has_artefact)
        add(list, part_text("%s has no artefact yet.", app), part_text("/apps/%s#artefacts", app),
            "Add one");
    if (json_array_size(servers) == 0)
        add(list, part_text("%s / %s has no server.", app, env),
            part_text("/apps/%s/%s/settings", app, env), "Choose servers");
    json_array_foreach(servers, i, server)
    {
        if (!row_has(server, "pin_print"))
            add(list, part_text("The host key of %s is not confirmed.", row_text(server, "slug")),
                server_href(server), "Confirm it");
        else if (str_equal(row_text(server, "state"), "key_changed"))
            add(list, part_text("The host key of %s has changed.", row_text(server, "slug")),
                server_href(server), "Compare both");
    }
    return list;
}

static void warn_of(json_t *list, const json_t *server)
{
    const char *slug = row_text(server, "slug"), *state = row_text(server, "state");
    int64_t checked = row_int(server, "checked_at");
    if (str_equal(state, "failing"))
        add(list, part_text("A check of %s fails.", slug), server_href(server), "Read why");
    else if (str_equal(state, "unreachable"))
        add(list, part_text("%s did not answer when it was last asked.", slug), server_href(server),
            "Check it");
    else if (checked == 0)
        add(list, part_text("%s was never checked.", slug), server_href(server), "Check it");
    else if (clock_now_ms() - checked > OLD_CHECK_MS) {
        json_t *when = part_time(checked);
        add(list, part_text("%s was last checked %s.", slug, row_text(when, "text")),
            server_href(server), "Check it");
    }
}

json_t *readiness_warnings(const json_t *servers)
{
    json_t *list = json_array();
    const json_t *server;
    size_t i;
    json_array_foreach(servers, i, server) warn_of(list, server);
    return list;
}
