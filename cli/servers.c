/* servers.c - `windlass server ...`. The worker makes the key and asks the server; this only asks
 * the worker, as the person who signs in for it, so the history names a person. */
#include "cli/servers.h"

#include <jansson.h>
#include "cli/command.h"
#include "cli/table.h"
#include "cli/worker_ask.h"
#include "db/servers.h"
#include "lib/base/str.h"
#include "lib/domain/validate.h"

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text != NULL ? text : "";
}

int server_add(const struct dashboard *dashboard, const char *token, const char *slug,
               const char *address, struct server_added *added, struct err *err)
{
    struct address parts;
    json_t *answer = NULL;
    int rc = -1;

    if (validate_slug("slug", slug, err) != 0
        || validate_address("address", address, &parts, err) != 0
        || worker_ask(&dashboard->place, "server.add", token,
                      json_pack("{s:s, s:s, s:s, s:i}", "slug", slug, "login", parts.login, "host",
                                parts.host, "port", parts.port),
                      &answer, err)
               != 0)
        return -1;
    if (str_copy(added->id, sizeof(added->id), text_of(answer, "server_id"))
        && snprintf(added->authorized_line, sizeof(added->authorized_line),
                    "restrict,port-forwarding,permitopen=\"127.0.0.1:*\" %s",
                    text_of(answer, "public_key"))
               < (int)sizeof(added->authorized_line))
        rc = 0;
    else
        (void)err_set(err, ERR_INTERNAL, "The worker's answer is longer than expected.");
    json_decref(answer);
    return rc;
}

int server_pin(const struct dashboard *dashboard, const char *token, const char *server_id,
               const char *print, struct err *err)
{
    json_t *key = NULL, *answer = NULL;
    int rc = -1;

    if (worker_ask(&dashboard->place, "server.host_key", token,
                   json_pack("{s:s}", "server_id", server_id), &key, err)
        != 0)
        return -1;
    if (!str_equal(text_of(key, "print"), print))
        (void)err_set(err, ERR_CONFLICT,
                      "The server shows the host key %s, not %s. Nothing was pinned. Fix: compare "
                      "it with ssh-keygen -lf on the server itself.",
                      text_of(key, "print"), print);
    else
        rc = worker_ask(&dashboard->place, "server.pin", token,
                        json_pack("{s:s, s:s, s:s}", "server_id", server_id, "type",
                                  text_of(key, "type"), "print", print),
                        &answer, err);
    json_decref(key);
    json_decref(answer);
    return rc;
}

int server_list_command(int argc, char **argv, struct err *err)
{
    static const struct table_column COLUMNS[] = {
        {"SERVER", "slug"}, {"ACCOUNT", "login"},      {"HOST", "host"},          {"PORT", "port"},
        {"STATE", "state"}, {"HOST KEY", "pin_print"}, {"CHECKED", "checked_at"}, {NULL, NULL}};
    const char *var = NULL;
    bool as_json = false;
    const struct cli_option options[] = {
        {"var", &var, NULL}, {"json", NULL, &as_json}, {NULL, NULL, NULL}};
    struct dashboard dashboard = {0};
    json_t *servers = NULL;
    int rc = -1;

    if (cli_options(options, (struct cli_bounds){0, 0}, &argc, argv, err) != 0
        || dashboard_open(&dashboard, var, false, err) != 0)
        return -1;
    if (server_page(dashboard.db, "", 1000, &servers, err) == 0)
        rc = table_print(COLUMNS, servers, as_json, err);
    json_decref(servers);
    dashboard_close(&dashboard);
    return rc;
}

static int sign_in(const struct dashboard *dashboard, const char *login,
                   char token[CRYPTO_TOKEN_TEXT], struct err *err)
{
    char password[1026];
    int rc = -1;

    if (cli_read_one_password(password, sizeof(password), err) == 0)
        rc = worker_ask_login(dashboard, login, password, token, err);
    crypto_wipe(password, sizeof(password));
    return rc;
}

static int add_and_tell(const struct dashboard *dashboard, const char *token, char **argv,
                        const char *print, struct err *err)
{
    struct server_added added;

    if (server_add(dashboard, token, argv[1], argv[2], &added, err) != 0)
        return -1;
    printf("%s\n", added.authorized_line);
    fprintf(stderr, "Put the line above into ~/.ssh/authorized_keys of the account.\n");
    if (print == NULL) {
        fprintf(stderr, "The host key is not confirmed yet: open the server's page.\n");
        return 0;
    }
    return server_pin(dashboard, token, added.id, print, err);
}

int server_add_command(int argc, char **argv, struct err *err)
{
    const char *var = NULL, *print = NULL, *login = NULL;
    const struct cli_option options[] = {
        {"var", &var, NULL}, {"pin", &print, NULL}, {"as", &login, NULL}, {NULL, NULL, NULL}};
    char token[CRYPTO_TOKEN_TEXT] = "";
    struct dashboard dashboard = {0};
    json_t *answer = NULL;
    int rc = -1;

    if (cli_options(options, (struct cli_bounds){2, 2}, &argc, argv, err) != 0)
        return -1;
    if (login == NULL)
        return err_field(err, "as", "--as LOGIN is missing: the history names who adds a server.");
    if (dashboard_open(&dashboard, var, false, err) != 0)
        return -1;
    if (sign_in(&dashboard, login, token, err) == 0) {
        rc = add_and_tell(&dashboard, token, argv, print, err);
        if (worker_ask(&dashboard.place, "logout", token, json_object(), &answer, NULL) != 0)
            fprintf(stderr, "The session could not be ended; it ends by itself.\n");
    }
    crypto_wipe(token, sizeof(token));
    json_decref(answer);
    dashboard_close(&dashboard);
    return rc;
}
