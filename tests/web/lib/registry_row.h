/* registry_row.h - a registry and its event as the worker's verb leaves them; the password, which
 * no page reads, is left out. */
#ifndef WL_TESTS_WEB_LIB_REGISTRY_ROW_H
#define WL_TESTS_WEB_LIB_REGISTRY_ROW_H

#include "tests/web/lib/world.h"

#include "db/registries.h"

static UNUSED void add_registry(struct db *worker, const struct actor *actor, const char *slug)
{
    struct registry_row row = {.host = "ghcr.example", .login = "robot", .password_number = 1};
    struct audit_entry entry = {
        .actor = actor, .verb = "registry.save", .target_kind = "registry", .target_name = slug};

    crypto_new_id(row.id);
    snprintf(row.slug, sizeof row.slug, "%s", slug);
    entry.target_id = row.id;
    WORLD_MUST(db_begin(worker, &world_err));
    WORLD_MUST(registry_add(worker, &row, &world_err));
    WORLD_MUST(audit_append(worker, &entry, &world_err));
    WORLD_MUST(db_commit(worker, &world_err));
}

#endif
