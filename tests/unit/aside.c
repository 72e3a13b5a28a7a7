/* aside.c - what may be asked of a command and of a log: each field by name, and nothing that could
 * be read as an option or as a part of another command. */
#include "tests/tap.h"

#include <jansson.h>
#include <string.h>
#include "lib/base/attr.h"
#include "lib/domain/aside.h"

static json_t *command(void)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:i}", "server_id", "s1", "command", "./manage.py x",
                     "service", "web", "how", "running", "limit_s", 300);
}

static json_t *logs(void)
{
    return json_pack("{s:s, s:s, s:s, s:i, s:i, s:b}", "server_id", "s1", "service", "", "filter",
                     "", "lines", 100, "since_s", 0, "follow", 0);
}

/* The field that is refused when this one has that value (stolen); "" when all is well. */
static const char *refused(json_t *params, bool is_command, const char *field, json_t *value)
{
    static char name[64];
    struct err err = {0};
    json_object_set_new(params, field, value);
    int rc = is_command ? aside_check_command(params, &err) : aside_check_logs(params, &err);
    snprintf(name, sizeof name, "%s", rc == 0 ? "" : err.field);
    json_decref(params);
    return name;
}

static void a_command_is_one_line_on_a_named_place(void)
{
    char longest[2002];
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    CHECK_STR(refused(command(), true, "service", json_string("a_b.c-9")), "");
    CHECK_STR(refused(command(), true, "service", json_string("")), "");
    CHECK_STR(refused(command(), true, "command", json_string("")), "command");
    CHECK_STR(refused(command(), true, "command", json_string("   ")), "command");
    CHECK_STR(refused(command(), true, "command", json_string("a\nb")), "command");
    CHECK_STR(refused(command(), true, "command", json_string(longest)), "command");
    CHECK_STR(refused(command(), true, "command", json_integer(1)), "command");
    CHECK_STR(refused(command(), true, "server_id", json_string("")), "server");
    CHECK_STR(refused(command(), true, "service", json_string("-rf")), "service");
    CHECK_STR(refused(command(), true, "service", json_string("a b")), "service");
    CHECK_STR(refused(command(), true, "service", json_string("$(x)")), "service");
    CHECK_STR(refused(command(), true, "how", json_string("")), "how");
    CHECK_STR(refused(command(), true, "limit_s", json_integer(0)), "limit_s");
    CHECK_STR(refused(command(), true, "limit_s", json_integer(3601)), "limit_s");
    CHECK_STR(refused(command(), true, "limit_s", json_string("300")), "limit_s");
}

static void a_log_has_bounds(void)
{
    char longest[202];
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    CHECK_STR(refused(logs(), false, "filter", json_string("it's \"$(here)\" \xc3\xa9")), "");
    CHECK_STR(refused(logs(), false, "filter", json_string(longest)), "filter");
    CHECK_STR(refused(logs(), false, "filter", json_string("a\nb")), "filter");
    CHECK_STR(refused(logs(), false, "lines", json_integer(0)), "lines");
    CHECK_STR(refused(logs(), false, "lines", json_integer(5001)), "lines");
    CHECK_STR(refused(logs(), false, "since_s", json_integer(-1)), "since_s");
    CHECK_STR(refused(logs(), false, "since_s", json_integer(604801)), "since_s");
    CHECK_STR(refused(logs(), false, "follow", json_string("1")), "follow");
    CHECK_STR(refused(logs(), false, "server_id", json_null()), "server");
}

int main(void)
{
    TAP_RUN(a_command_is_one_line_on_a_named_place);
    TAP_RUN(a_log_has_bounds);
    return tap_done();
}
