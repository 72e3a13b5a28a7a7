/* undeployed.c - saved, but not deployed (undeployed.h). */
#include "cgi/pages/undeployed.h"

#include "cgi/pages/parts.h"
#include "cgi/pages/row.h"
#include "db/secrets.h"
#include "lib/base/log.h"

static int count_changes(struct request *req, const json_t *card, int64_t live, int64_t *newest,
                         size_t *count, struct err *err)
{
    const char *id = row_text(card, "id");
    json_t *set, *changes;
    if (secret_set_current(req->db, id, &set, err) != 0)
        return -1;
    *newest = row_int(set, "number");
    *count = 0;
    if (*newest == live)
        return 0;
    if (secret_set_difference(req->db, id, live, *newest, &changes, err) != 0)
        return -1;
    *count = json_array_size(changes);
    return 0;
}

void undeployed_add(struct request *req, json_t *page, const json_t *card)
{
    const char *app = row_text(card, "app_slug"), *slug = row_text(card, "slug");
    int64_t live = row_int(card, "live_secret_set"), newest = 0;
    struct err e = {0};
    size_t count = 0;
    if (!row_has(card, "live_number"))
        return; /* nothing is live: everything waits, and the page says so elsewhere */
    if (count_changes(req, card, live, &newest, &count, &e) != 0) {
        log_err("undeployed", &e);
        return;
    }
    if (count == 0)
        return;
    json_object_set_new(
        page, "undeployed",
        json_pack(
            "{s:o, s:o, s:o, s:o, s:I, s:I}", "text",
            part_text("%zu change%s of secrets not deployed", count, count == 1 ? "" : "s"),
            "review_href",
            part_text("/apps/%s/%s/secrets/history?from=%lld&to=%lld", app, slug, (long long)live,
                      (long long)newest),
            "deploy_href",
            part_text("/apps/%s/%s/deploy?version=%s", app, slug, row_text(card, "live_version")),
            "discard_href", part_text("/apps/%s/%s/secrets/restore", app, slug), "live_set", live,
            "base_set", newest));
}
