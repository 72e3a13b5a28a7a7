/* users.c - `windlass user ...`: who can sign in; for the day everyone is locked out.
 *
 * Only who can read the data folder gets this far, so no password is asked. Each change and its
 * event are one transaction in windlass.db; what proves the password is then in the vault, written
 * first, so that a crash between the two leaves nobody with a right they had not. */
#include "cli/command.h"

#include <jansson.h>
#include "cli/dashboard.h"
#include "cli/table.h"
#include "db/audit.h"
#include "db/users.h"
#include "db/vault/access.h"
#include "lib/base/str.h"
#include "lib/domain/validate.h"

#define PASSWORD_SIZE 1026

static int add_roles(struct vault *vault, json_t *users, struct err *err)
{
    size_t i;
    json_t *user;

    json_array_foreach(users, i, user)
    {
        enum role role = ROLE_NONE;
        if (vault_role_anywhere(vault, json_string_value(json_object_get(user, "id")), &role, err)
            != 0)
            return -1;
        if (json_object_set_new(user, "role", json_string(role_name(role))) != 0)
            return err_set(err, ERR_NO_MEMORY, "Not enough memory.");
    }
    return 0;
}

int user_list_command(int argc, char **argv, struct err *err)
{
    static const struct table_column COLUMNS[] = {{"LOGIN", "login"},
                                                  {"NAME", "name"},
                                                  {"ROLE", "role"},
                                                  {"SINCE", "created_at"},
                                                  {NULL, NULL}};
    const char *var = NULL;
    bool as_json = false;
    const struct cli_option options[] = {
        {"var", &var, NULL}, {"json", NULL, &as_json}, {NULL, NULL, NULL}};
    struct dashboard dashboard = {0};
    json_t *users = NULL;
    int rc = -1;

    if (cli_options(options, (struct cli_bounds){0, 0}, &argc, argv, err) != 0
        || dashboard_open(&dashboard, var, true, err) != 0)
        return -1;
    if (user_page(dashboard.db, "", 1000, &users, err) == 0
        && add_roles(dashboard.vault, users, err) == 0)
        rc = table_print(COLUMNS, users, as_json, err);
    json_decref(users);
    dashboard_close(&dashboard);
    return rc;
}

/* Read, check and hash the new password of `login`. */
static int take_password(const char *login, char verifier[PASSWORD_VERIFIER_SIZE], struct err *err)
{
    char password[PASSWORD_SIZE];
    int rc = -1;

    if (cli_read_password(password, sizeof(password), err) == 0
        && validate_password("password", password, login, err) == 0)
        rc = password_hash(password, strlen(password), verifier, err);
    crypto_wipe(password, sizeof(password));
    return rc;
}

static int note(struct db *db, const char *verb, const char *id, const char *login, json_t *detail,
                struct err *err)
{
    const struct audit_entry entry = {.actor = &ACTOR_COMMAND_LINE,
                                      .verb = verb,
                                      .target_kind = "user",
                                      .target_id = id,
                                      .target_name = login,
                                      .detail = detail};

    return audit_append(db, &entry, err);
}

struct new_user {
    const char *login, *name;
    enum role role;
};

static int add_user(struct dashboard *dashboard, const struct new_user *user, const char *verifier,
                    struct err *err)
{
    char id[CRYPTO_ID_SIZE];
    int rc = -1;

    crypto_new_id(id);
    if (db_begin(dashboard->db, err) != 0)
        return -1;
    if (user_add(dashboard->db, id, user->login, user->name, err) == 0
        && note(dashboard->db, "user.add", id, user->login,
                json_pack("{s:s}", "role", role_name(user->role)), err)
               == 0
        && vault_set_credential(dashboard->vault, id, verifier, err) == 0
        && vault_grant(dashboard->vault, &(struct grant){id, "", "", user->role, "command_line"},
                       err)
               == 0)
        rc = db_commit(dashboard->db, err);
    db_rollback(dashboard->db);
    return rc;
}

int user_add_command(int argc, char **argv, struct err *err)
{
    const char *var = NULL, *role = "viewer";
    struct new_user user = {0};
    const struct cli_option options[] = {
        {"var", &var, NULL}, {"name", &user.name, NULL}, {"role", &role, NULL}, {NULL, NULL, NULL}};
    char verifier[PASSWORD_VERIFIER_SIZE];
    struct dashboard dashboard = {0};
    int rc;

    if (cli_options(options, (struct cli_bounds){1, 1}, &argc, argv, err) != 0)
        return -1;
    user.login = argv[1];
    user.name = user.name != NULL ? user.name : user.login;
    user.role = role_from_name(role);
    if (user.role == ROLE_NONE)
        return err_field(err, "role", "--role is viewer, deployer, maintainer or admin.");
    if (validate_login("login", user.login, err) != 0 || validate_name("name", user.name, err) != 0
        || dashboard_open(&dashboard, var, true, err) != 0)
        return -1;
    rc = take_password(user.login, verifier, err) == 0 ? add_user(&dashboard, &user, verifier, err)
                                                       : -1;
    dashboard_close(&dashboard);
    if (rc == 0)
        printf("%s can sign in now, as %s of everything.\n", user.login, role);
    return rc;
}

/* New verifier, all sessions ended, one event. */
static int reset(struct dashboard *dashboard, const json_t *user, const char *verifier,
                 int64_t *ended, struct err *err)
{
    const char *id = json_string_value(json_object_get(user, "id"));
    const char *login = json_string_value(json_object_get(user, "login"));
    char key[128];
    int rc = -1;

    (void)snprintf(key, sizeof(key), "account:%s", login);
    if (db_begin(dashboard->db, err) != 0)
        return -1;
    if (session_revoke_all(dashboard->db, id, NULL, ended, err) == 0
        && login_failure_clear(dashboard->db, key, err) == 0
        && note(dashboard->db, "user.password_reset", id, login,
                json_pack("{s:I}", "sessions_ended", (json_int_t)*ended), err)
               == 0
        && vault_set_credential(dashboard->vault, id, verifier, err) == 0)
        rc = db_commit(dashboard->db, err);
    db_rollback(dashboard->db);
    return rc;
}

int user_reset_command(int argc, char **argv, struct err *err)
{
    const char *var = NULL;
    const struct cli_option options[] = {{"var", &var, NULL}, {NULL, NULL, NULL}};
    char verifier[PASSWORD_VERIFIER_SIZE];
    struct dashboard dashboard = {0};
    json_t *user = NULL;
    int64_t ended = 0;
    int rc = -1;

    if (cli_options(options, (struct cli_bounds){1, 1}, &argc, argv, err) != 0
        || dashboard_open(&dashboard, var, true, err) != 0)
        return -1;
    if (user_by_login(dashboard.db, argv[1], &user, err) == 0
        && take_password(argv[1], verifier, err) == 0)
        rc = reset(&dashboard, user, verifier, &ended, err);
    if (rc == 0)
        printf("%s has a new password. Sessions ended: %lld.\n", argv[1], (long long)ended);
    json_decref(user);
    dashboard_close(&dashboard);
    return rc;
}
