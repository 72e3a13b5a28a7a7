/* dashboard.c - opening the stores (dashboard.h).
 *
 * The command may do what the worker may: whoever can read the master key can anyhow. As root the
 * files keep the owners the worker's user needs, which SQLite takes care of for its own. */
#include "cli/dashboard.h"

#include <sys/stat.h>

int dashboard_open(struct dashboard *dashboard, const char *var, bool with_vault, struct err *err)
{
    const enum db_role role = (enum db_role)(DB_ROLE_CLI | DB_ROLE_WORKER);
    char path[PLACE_SIZE];

    memset(dashboard, 0, sizeof(*dashboard));
    umask(getenv("WL_GROUP") != NULL || geteuid() == 0 ? 0007 : 0077);
    if (place_find_existing(&dashboard->place, var, err) != 0
        || place_path(&dashboard->place, "db/windlass.db", path, err) != 0
        || db_open(path, DB_SHARED, role, &dashboard->db, err) != 0)
        return -1;
    if (with_vault && vault_open(dashboard->place.var, DB_ROLE_CLI, &dashboard->vault, err) != 0) {
        dashboard_close(dashboard);
        return -1;
    }
    return 0;
}

void dashboard_close(struct dashboard *dashboard)
{
    vault_close(dashboard->vault);
    db_close(dashboard->db);
    dashboard->vault = NULL;
    dashboard->db = NULL;
}
