/* setup_url.c - `windlass setup-url`, and the same for `windlass up` (setup_url.h).
 *
 * The token is known only to who reads this machine's data folder; its hash is in the vault. A file
 * with the address lies in var/run while it is of use, so that a service without a terminal can be
 * set up too. */
#include "cli/setup_url.h"

#include "cli/command.h"
#include "cli/dashboard.h"
#include "db/vault/access.h"
#include "lib/base/buf.h"
#include "lib/base/fs.h"
#include "lib/base/str.h"

static int write_url(const struct place *place, const char *url, struct err *err)
{
    char path[PLACE_SIZE], line[SETUP_URL_SIZE + 1];
    int len = snprintf(line, sizeof(line), "%s\n", url);

    if (place_path(place, "run/setup-url", path, err) != 0)
        return -1;
    return fs_write_atomic(path, line, (size_t)len, 0600, err);
}

int setup_url_renew(const struct place *place, const char *origin, char url[SETUP_URL_SIZE],
                    struct err *err)
{
    char token[CRYPTO_TOKEN_TEXT];
    struct vault *vault = NULL;
    bool has_admin = true;
    int rc = -1;

    url[0] = '\0';
    if (vault_open(place->var, DB_ROLE_CLI, &vault, err) != 0
        || vault_has_admin(vault, &has_admin, err) != 0)
        goto out;
    if (has_admin) {
        setup_url_forget(place, NULL);
        rc = 0;
        goto out;
    }
    if (vault_new_setup_token(vault, token, err) != 0)
        goto out;
    if (snprintf(url, SETUP_URL_SIZE, "%s/setup/%s", origin, token) >= SETUP_URL_SIZE) {
        url[0] = '\0';
        rc = err_set(err, ERR_INPUT, "The origin is longer than an address may be here.");
        goto out;
    }
    rc = write_url(place, url, err);
out:
    crypto_wipe(token, sizeof(token));
    vault_close(vault);
    return rc;
}

void setup_url_forget(const struct place *place, struct err *err)
{
    char path[PLACE_SIZE];

    if (place_path(place, "run/setup-url", path, err) == 0)
        (void)unlink(path);
}

/* What people type to reach it: WL_ORIGIN, else what `windlass up` or the service wrote down. */
static int find_origin(const struct place *place, char origin[256], struct err *err)
{
    const char *given = getenv("WL_ORIGIN");
    char path[PLACE_SIZE];
    struct buf text;
    bool fits = false;

    if (given != NULL)
        return str_copy(origin, 256, given) ? 0 : err_set(err, ERR_INPUT, "WL_ORIGIN is too long.");
    buf_init(&text, 256);
    if (place_path(place, "run/origin", path, err) == 0 && fs_read_all(path, &text, NULL) == 0) {
        text.data[strcspn(text.data, "\n")] = '\0';
        fits = str_copy(origin, 256, text.data);
    }
    buf_deinit(&text);
    return fits ? 0
                : err_set(err, ERR_NOT_FOUND,
                          "Windlass does not run with this data folder, so its address is not "
                          "known. Fix: start it, or set WL_ORIGIN.");
}

int setup_url_command(int argc, char **argv, struct err *err)
{
    const char *var = NULL;
    const struct cli_option options[] = {{"var", &var, NULL}, {NULL, NULL, NULL}};
    char origin[256], url[SETUP_URL_SIZE];
    struct place place;

    if (cli_options(options, (struct cli_bounds){0, 0}, &argc, argv, err) != 0
        || place_find_existing(&place, var, err) != 0 || find_origin(&place, origin, err) != 0
        || setup_url_renew(&place, origin, url, err) != 0)
        return -1;
    if (url[0] == '\0')
        return err_set(err, ERR_CONFLICT,
                       "There is an admin already. Fix: sign in, or give a new password with "
                       "windlass user reset-password LOGIN.");
    printf("%s\n", url);
    return CLI_OK;
}
