/* aside.c - see aside.h. */
#include "lib/domain/aside.h"

#include <string.h>

#include "lib/base/str.h"
#include "lib/domain/validate.h"

#define FILTER_MAX 200

static const char *text_of(const json_t *params, const char *key)
{
    const char *text = json_string_value(json_object_get(params, key));

    return text == NULL ? "" : text;
}

/* A name of a Compose service or of a role; it becomes an argument, never a part of a command. */
static int check_service(const json_t *params, struct err *err)
{
    const char *text = text_of(params, "service");
    size_t len = strlen(text);

    if (len == 0)
        return 0;
    if (len > 64 || text[0] == '-' || text[0] == '.'
        || strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-") != len)
        return err_field(err, "service",
                         "A service's name has letters, digits, dots, dashes and underscores.");
    return 0;
}

static int check_number(const json_t *params, const char *field, json_int_t min, json_int_t max,
                        struct err *err)
{
    const json_t *value = json_object_get(params, field);
    json_int_t number = json_integer_value(value);

    if (!json_is_integer(value) || number < min || number > max)
        return err_field(err, field, "Give a whole number from %lld to %lld.", (long long)min,
                         (long long)max);
    return 0;
}

static int check_server(const json_t *params, struct err *err)
{
    if (text_of(params, "server_id")[0] == '\0')
        return err_field(err, "server", "Choose a server.");
    return 0;
}

int aside_check_command(const json_t *params, struct err *err)
{
    const char *command = text_of(params, "command"), *how = text_of(params, "how");

    if (check_server(params, err) != 0)
        return -1;
    if (command[strspn(command, " ")] == '\0')
        return err_field(err, "command", "Give the command that is to run.");
    if (validate_command("command", command, err) != 0 || check_service(params, err) != 0)
        return -1;
    if (!str_equal(how, "running") && !str_equal(how, "once"))
        return err_field(err, "how", "Choose the running container or one of its own.");
    return check_number(params, "limit_s", 1, ASIDE_COMMAND_S_MAX, err);
}

int aside_check_logs(const json_t *params, struct err *err)
{
    const char *filter = text_of(params, "filter");
    size_t len = strlen(filter);

    if (check_server(params, err) != 0 || check_service(params, err) != 0
        || check_number(params, "lines", 1, ASIDE_LINES_MAX, err) != 0
        || check_number(params, "since_s", 0, ASIDE_SINCE_S_MAX, err) != 0)
        return -1;
    if (len > FILTER_MAX || !str_is_utf8(filter, len) || str_has_control(filter, len, false))
        return err_field(err, "filter", "The text to look for is one line of at most %d bytes.",
                         FILTER_MAX);
    if (!json_is_boolean(json_object_get(params, "follow")))
        return err_field(err, "follow", "Say whether new lines are followed.");
    return 0;
}
