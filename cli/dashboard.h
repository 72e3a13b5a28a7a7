/* dashboard.h - the stores of a dashboard on this machine, opened for an admin who can read its
 * data folder. */
#ifndef WL_CLI_DASHBOARD_H
#define WL_CLI_DASHBOARD_H

#include "cli/place.h"
#include "db/db.h"
#include "db/vault/vault.h"
#include "lib/base/attr.h"
#include "lib/base/err.h"

struct dashboard {
    struct place place;
    struct db *db;
    struct vault *vault; /* NULL when it was not asked for */
};

/* var: the option's value or NULL. On failure nothing is open. ERR_NOT_FOUND: none here yet. */
int dashboard_open(struct dashboard *dashboard, const char *var, bool with_vault,
                   struct err *err) MUST_USE;
void dashboard_close(struct dashboard *dashboard);

#endif
