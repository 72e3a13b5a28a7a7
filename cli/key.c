/* key.c - `windlass key ...`: the master key, which everything in the vault is under.
 *
 * Only who can read the data folder gets this far, so no password is asked. The key itself comes
 * and goes by standard input and output, never as an argument. */
#include "cli/command.h"

#include <dirent.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <unistd.h>
#include "cli/dashboard.h"
#include "db/audit.h"
#include "db/vault/keys.h"
#include "lib/base/clock.h"
#include "lib/base/str.h"
#include "lib/domain/key_sheet.h"

/* --- rotate --- */

#define LOOK_MS 20
#define HOLD_MS 60000 /* longer than any look of the test, also on a busy machine */

/* For tests (worker/failpoint.h has the jobs' half): while WL_FAILPOINTS holds a file
 * key.rotate.<point>, it is renamed to *.hit, and we wait until that is gone. */
static void wait_at(enum vault_rotate_point point, void *folder)
{
    char armed[1024], hit[1040];
    int64_t deadline = clock_mono_ms() + HOLD_MS;
    int n = snprintf(armed, sizeof armed, "%s/key.rotate.%s", (const char *)folder,
                     vault_rotate_point_name(point));

    if (n < 0 || (size_t)n >= sizeof armed)
        return;
    (void)snprintf(hit, sizeof hit, "%s.hit", armed);
    if (rename(armed, hit) != 0)
        return;
    while (access(hit, F_OK) == 0 && clock_left_ms(deadline) > 0)
        clock_sleep_ms(LOOK_MS);
}

/* Copies that migrations made are under the key they were made under. */
static void name_old_copies(const struct place *place)
{
    char path[PLACE_SIZE];
    DIR *folder;
    const struct dirent *entry;

    if (place_path(place, "vault", path, NULL) != 0 || (folder = opendir(path)) == NULL)
        return;
    while ((entry = readdir(folder)) != NULL)
        if (str_starts(entry->d_name, "vault.db.before-"))
            printf("  vault/%s is a copy from before an update and opens with the old key. Delete "
                   "it when you do not need it.\n",
                   entry->d_name);
    (void)closedir(folder);
}

static void print_rotation(const struct vault_rotation *done, const struct place *place)
{
    if (done->only_finished) {
        printf("A rotation that had been interrupted is finished now. The vault is under the key "
               "%s. Nothing else was done: run this again for another new key.\n",
               done->after);
        return;
    }
    printf("The vault is under a new master key, number %s (before: %s).\n", done->after,
           done->before);
    printf("Encrypted anew: the dashboard's own keys, %" PRId64 " secret values of %" PRId64
           " environments (each under a new key), %" PRId64 " server keys, %" PRId64
           " registry passwords.\n\nWhat to do now:\n",
           done->values, done->environments, done->servers, done->registries);
    printf("  Print a recovery sheet of the new key: windlass key backup\n"
           "  Backups of the vault from before today open with the key %s only. Keep its sheet as "
           "long as you keep them.\n",
           done->before);
    name_old_copies(place);
}

int key_rotate_command(int argc, char **argv, struct err *err)
{
    const char *var = NULL, *failpoints = getenv("WL_FAILPOINTS");
    char folder[900] = "";
    const struct vault_watch watch = {wait_at, folder};
    const struct cli_option options[] = {{"var", &var, NULL}, {NULL, NULL, NULL}};
    struct dashboard dashboard = {0};
    struct vault_rotation done;
    int rc;

    if (cli_options(options, (struct cli_bounds){0, 0}, &argc, argv, err) != 0
        || dashboard_open(&dashboard, var, false, err) != 0)
        return -1;
    if (failpoints != NULL)
        (void)str_copy(folder, sizeof folder, failpoints);
    rc = vault_rotate(dashboard.place.var, dashboard.db, folder[0] != '\0' ? &watch : NULL, &done,
                      err);
    if (rc == 0)
        print_rotation(&done, &dashboard.place);
    else if (done.after[0] != '\0')
        err_wrap(err,
                 "The vault is under the new key %s, but what follows is not done. Run this "
                 "again, or restart the worker, to finish it",
                 done.after);
    dashboard_close(&dashboard);
    return rc == 0 ? CLI_OK : -1;
}

/* --- backup --- */

static int note(struct db *db, const char *verb, const char *id, struct err *err)
{
    const struct audit_entry entry = {.actor = &ACTOR_COMMAND_LINE,
                                      .verb = verb,
                                      .target_kind = "key",
                                      .target_id = id,
                                      .target_name = id};

    if (db_begin(db, err) != 0)
        return -1;
    if (audit_append(db, &entry, err) == 0 && db_commit(db, err) == 0)
        return 0;
    db_rollback(db);
    return -1;
}

static void write_sheet(struct buf *out, const struct dashboard *dashboard, const char *id)
{
    uint8_t key[CRYPTO_KEY_BYTES];
    char now[CLOCK_TEXT_SIZE], host[256] = "";

    clock_rfc3339(now, clock_now_ms());
    if (gethostname(host, sizeof host - 1) != 0)
        host[0] = '\0';
    buf_printf(out,
               "WINDLASS RECOVERY SHEET                                        keep this secret\n"
               "================================================================================\n"
               "\n"
               "  Dashboard    %s\n"
               "  Machine      %s, data folder %s\n"
               "  Key number   %s\n"
               "  Printed      %.10s %.5s UTC\n"
               "\n"
               "  The master key (digits 0-9 and a-f; the last group checks its line):\n\n",
               vault_instance_id(dashboard->vault), host, dashboard->place.var, id, now, now + 11);
    vault_copy_master_key(dashboard->vault, key);
    key_sheet_write(out, key, "      ");
    crypto_wipe(key, sizeof key);
    buf_printf(
        out,
        "\n"
        "What it opens\n"
        "  Every secret of this dashboard and its keys for your servers, together with a copy\n"
        "  of vault/vault.db. Keep the sheet away from where those copies are, on paper.\n"
        "\n"
        "What else a recovery needs\n"
        "  Backups of db/windlass.db and of vault/vault.db made while this key was in use. The\n"
        "  sheet alone restores nothing. After \"windlass key rotate\" print a new one; keep\n"
        "  this one as long as backups from before are kept.\n"
        "\n"
        "How to restore\n"
        "  -  Install Windlass; put windlass.db and vault.db back into the data folder.\n"
        "  -  Run   windlass key restore --var FOLDER   and type the four lines K1 to K4, then\n"
        "     Ctrl-D (or give it this sheet as a file on standard input). A typing error is\n"
        "     named with its line; nothing is written unless the vault opens with the key.\n"
        "  -  Start Windlass.\n");
}

int key_backup_command(int argc, char **argv, struct err *err)
{
    const char *var = NULL;
    bool show = false;
    const struct cli_option options[] = {
        {"var", &var, NULL}, {"show", NULL, &show}, {NULL, NULL, NULL}};
    struct dashboard dashboard = {0};
    char id[VAULT_KEY_ID_SIZE];
    struct buf sheet;
    int rc = -1;

    if (cli_options(options, (struct cli_bounds){0, 0}, &argc, argv, err) != 0)
        return -1;
    if (isatty(STDOUT_FILENO) && !show)
        return err_set(err, ERR_INPUT,
                       "This would show the master key on the screen, where others may see it and "
                       "the terminal keeps it. Fix: send it to a printer (windlass key backup | "
                       "lp), or say --show.");
    if (dashboard_open(&dashboard, var, true, err) != 0)
        return -1;
    vault_key_id(dashboard.vault, id);
    buf_init(&sheet, 8192);
    write_sheet(&sheet, &dashboard, id);
    if (!buf_ok(&sheet))
        err_set(err, ERR_NO_MEMORY, "There is not enough memory for the sheet.");
    else if (note(dashboard.db, "key.backup", id, err) == 0) {
        setvbuf(stdout, NULL, _IONBF, 0); /* stdio would keep a copy of the key */
        rc = fwrite(sheet.data, 1, sheet.len, stdout) == sheet.len
                 ? CLI_OK
                 : err_errno(err, "write the sheet to standard output");
    }
    buf_wipe(&sheet);
    buf_deinit(&sheet);
    dashboard_close(&dashboard);
    return rc;
}

/* --- restore --- */

static int read_sheet(uint8_t key[CRYPTO_KEY_BYTES], struct err *err)
{
    struct buf text;
    char piece[1024];
    ssize_t len;
    int rc;

    if (isatty(STDIN_FILENO))
        fputs("Type the four lines of the key (K1 to K4), then Ctrl-D:\n", stderr);
    buf_init(&text, KEY_SHEET_MAX);
    while ((len = read(STDIN_FILENO, piece, sizeof piece)) > 0)
        buf_add(&text, piece, (size_t)len);
    crypto_wipe(piece, sizeof piece);
    if (len < 0)
        rc = err_errno(err, "read the sheet from standard input");
    else if (!buf_ok(&text))
        rc = err_field(err, "sheet", "This is longer than a recovery sheet.");
    else
        rc = key_sheet_read(text.data, key, err);
    buf_wipe(&text);
    buf_deinit(&text);
    return rc;
}

int key_restore_command(int argc, char **argv, struct err *err)
{
    const char *var = NULL;
    const struct cli_option options[] = {{"var", &var, NULL}, {NULL, NULL, NULL}};
    struct dashboard dashboard = {0};
    struct vault_restored done = {0};
    uint8_t key[CRYPTO_KEY_BYTES] = {0};
    int rc = -1;

    if (cli_options(options, (struct cli_bounds){0, 0}, &argc, argv, err) != 0
        || dashboard_open(&dashboard, var, false, err) != 0)
        return -1;
    if (read_sheet(key, err) == 0)
        rc = vault_restore_key(dashboard.place.var, dashboard.db, key, &done, err);
    crypto_wipe(key, sizeof key);
    if (rc == 0 && done.was_there)
        printf("The key %s is in its place already (keys/master.key), and the vault opens with "
               "it.\n",
               done.id);
    else if (rc == 0)
        printf("The vault opens with the key %s, which is in its place again (keys/master.key).\n",
               done.id);
    if (rc == 0 && done.kept[0] != '\0')
        printf("The key that was there opens another vault; it is %s now.\n", done.kept);
    dashboard_close(&dashboard);
    return rc == 0 ? CLI_OK : -1;
}
