/* tokens.c - `windlass token ...`: API tokens, made and removed on the dashboard's machine.
 *
 * Only who can read the data folder gets this far, so no password is asked. The token goes to
 * standard output and nowhere else. */
#include "cli/command.h"

#include <jansson.h>
#include "cli/dashboard.h"
#include "cli/table.h"
#include "db/users.h"
#include "db/vault/tokens.h"
#include "lib/base/clock.h"
#include "lib/base/str.h"

struct wish {
    const char *login, *name, *scopes, *environments, *days;
};

static const char *text_of(const json_t *row, const char *key)
{
    const char *text = json_string_value(json_object_get(row, key));

    return text != NULL ? text : "";
}

/* The user who is to own it, enabled. */
static int find_user(struct dashboard *dashboard, const char *login, json_t **user, struct err *err)
{
    struct err cause = {0};

    if (user_by_login(dashboard->db, login, user, &cause) == 0) {
        if (json_is_null(json_object_get(*user, "disabled_at")))
            return 0;
        return err_set(err, ERR_DENIED, "The account %s is disabled.", login);
    }
    if (cause.code == ERR_NOT_FOUND)
        return err_set(err, ERR_NOT_FOUND, "There is no user %s. windlass user list shows them.",
                       login);
    *err = cause;
    return -1;
}

static int add(struct dashboard *dashboard, const struct wish *wish, struct err *err)
{
    struct token_new token = {.name = wish->name, .days = TOKEN_DAYS_USUAL};
    char until[CLOCK_TEXT_SIZE], scopes[SCOPE_TEXT_SIZE];
    json_t *user = NULL, *environments = NULL;
    struct token_made made;
    int64_t days;
    int rc = -1;

    if (wish->days != NULL) {
        if (!str_to_int64(wish->days, 1, TOKEN_DAYS_MAX, &days))
            return err_field(err, "days", "--days is a whole number from 1 to %d.", TOKEN_DAYS_MAX);
        token.days = (int)days;
    }
    if (scope_parse("scope", wish->scopes, &token.scopes, err) != 0
        || find_user(dashboard, wish->login, &user, err) != 0
        || token_environments(dashboard->db, "env", wish->environments, &environments, err) != 0)
        goto out;
    token.user_id = text_of(user, "id");
    token.login = text_of(user, "login");
    token.environments = environments;
    if (token_issue(dashboard->db, dashboard->vault, &ACTOR_COMMAND_LINE, &token, &made, err) != 0)
        goto out;
    /* Unbuffered: stdio would keep a copy. */
    setvbuf(stdout, NULL, _IONBF, 0);
    if (puts(made.text) < 0)
        (void)err_set(err, ERR_INTERNAL,
                      "The token could not be written. Remove it: windlass "
                      "token remove.");
    else {
        fprintf(stderr, "Token \"%s\" of %s (%s), until %s. It is not shown again.\n",
                made.row.name, made.row.login, scope_text(scopes, made.row.scopes),
                clock_rfc3339(until, made.row.expires_at));
        rc = CLI_OK;
    }
    crypto_wipe(&made, sizeof(made));
out:
    json_decref(user);
    json_decref(environments);
    return rc;
}

/* The last one would silently win. */
static int refuse_repeated_env(int argc, char **argv, struct err *err)
{
    int times = 0;

    for (int i = 1; i < argc && !str_equal(argv[i], "--"); i++)
        times += str_equal(argv[i], "--env") || str_starts(argv[i], "--env=") ? 1 : 0;
    return times <= 1
               ? 0
               : err_set(err, ERR_INPUT, "Give --env once, with commas between the environments.");
}

int token_add_command(int argc, char **argv, struct err *err)
{
    const char *var = NULL;
    struct wish wish = {.environments = ""};
    const struct cli_option options[] = {
        {"var", &var, NULL},           {"user", &wish.login, NULL},
        {"scope", &wish.scopes, NULL}, {"env", &wish.environments, NULL},
        {"days", &wish.days, NULL},    {NULL, NULL, NULL}};
    struct dashboard dashboard = {0};
    int rc;

    if (refuse_repeated_env(argc, argv, err) != 0
        || cli_options(options, (struct cli_bounds){1, 1}, &argc, argv, err) != 0)
        return -1;
    wish.name = argv[1];
    if (wish.login == NULL)
        return err_set(err, ERR_INPUT, "--user LOGIN says whose token it is.");
    if (wish.scopes == NULL)
        return err_set(err, ERR_INPUT,
                       "--scope says what it may do: read, secrets:read, "
                       "secrets:write, with commas between.");
    if (dashboard_open(&dashboard, var, true, err) != 0)
        return -1;
    rc = add(&dashboard, &wish, err);
    dashboard_close(&dashboard);
    return rc;
}

int token_list_command(int argc, char **argv, struct err *err)
{
    static const struct table_column COLUMNS[] = {{"USER", "login"},
                                                  {"NAME", "name"},
                                                  {"SCOPES", "scopes"},
                                                  {"ENVIRONMENTS", "where"},
                                                  {"EXPIRES", "expires_at"},
                                                  {"LAST USED", "used_at"},
                                                  {NULL, NULL}};
    const char *var = NULL, *login = NULL;
    bool as_json = false;
    const struct cli_option options[] = {
        {"var", &var, NULL}, {"user", &login, NULL}, {"json", NULL, &as_json}, {NULL, NULL, NULL}};
    struct dashboard dashboard = {0};
    json_t *tokens = NULL, *user = NULL, *row;
    size_t i;
    int rc = -1;

    if (cli_options(options, (struct cli_bounds){0, 0}, &argc, argv, err) != 0
        || dashboard_open(&dashboard, var, false, err) != 0)
        return -1;
    if ((login == NULL || user_by_login(dashboard.db, login, &user, err) == 0)
        && token_list(dashboard.db, user == NULL ? NULL : text_of(user, "id"), &tokens, err) == 0) {
        json_array_foreach(tokens, i, row)
        {
            bool is_for_all = json_array_size(json_object_get(row, "environments")) == 0;

            json_object_set_new(row, "where",
                                json_string(is_for_all ? "all" : text_of(row, "places")));
        }
        rc = table_print(COLUMNS, tokens, as_json, err);
    }
    json_decref(tokens);
    json_decref(user);
    dashboard_close(&dashboard);
    return rc;
}

int token_remove_command(int argc, char **argv, struct err *err)
{
    const char *var = NULL, *login = NULL;
    const struct cli_option options[] = {
        {"var", &var, NULL}, {"user", &login, NULL}, {NULL, NULL, NULL}};
    struct dashboard dashboard = {0};
    json_t *user = NULL;
    struct token_row row;
    int rc = -1;

    if (cli_options(options, (struct cli_bounds){1, 1}, &argc, argv, err) != 0)
        return -1;
    if (login == NULL)
        return err_set(err, ERR_INPUT, "--user LOGIN says whose token it is.");
    if (dashboard_open(&dashboard, var, true, err) != 0)
        return -1;
    if (user_by_login(dashboard.db, login, &user, err) == 0
        && token_find(dashboard.db, text_of(user, "id"), argv[1], &row, err) == 0
        && token_remove(dashboard.db, dashboard.vault, &ACTOR_COMMAND_LINE, &row, err) == 0) {
        printf("Token \"%s\" of %s is removed.\n", row.name, row.login);
        rc = CLI_OK;
    }
    json_decref(user);
    dashboard_close(&dashboard);
    return rc;
}
