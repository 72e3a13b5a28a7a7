/* undeployed.c - saved, but not deployed (undeployed.h). */
#include "cgi/pages/undeployed.h"

#include "cgi/pages/gates.h"
#include "cgi/pages/parts.h"
#include "cgi/pages/row.h"
#include "db/environments.h"
#include "db/pauses.h"
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

/* Settings that the live release had with another value. Keys that one of the two does not have
 * came with an upgrade and say nothing. */
static int count_settings(struct request *req, const json_t *card, size_t *count, struct err *err)
{
    json_t *live, *value;
    const char *key;
    *count = 0;
    if (environment_release(req->db, row_text(card, "live_release_id"), &live, err) != 0)
        return -1;
    const json_t *was = json_object_get(live, "settings");
    json_object_foreach(json_object_get(card, "settings"), key, value)
    {
        const json_t *old = json_object_get(was, key);
        *count += old != NULL && !json_equal(old, value) ? 1 : 0;
    }
    return 0;
}

static void add_paused(json_t *page, const json_t *card)
{
    if (!pause_is_on(card))
        return;
    json_object_set_new(
        page, "paused",
        json_pack(
            "{s:o, s:o, s:s, s:o}", "since", part_time(row_int(card, "paused_at")), "by",
            part_person(row_text(card, "paused_by_name"), row_text(card, "paused_by_login")), "why",
            row_text(card, "paused_why"), "resume_href",
            part_text("/apps/%s/%s/resume", row_text(card, "app_slug"), row_text(card, "slug"))));
}

/* "2 changes of secrets and 1 of settings not deployed" */
static json_t *bar_text(size_t secrets, size_t settings)
{
    size_t first = secrets > 0 ? secrets : settings;
    const char *plural = first == 1 ? "" : "s";
    if (secrets > 0 && settings > 0)
        return part_text("%zu change%s of secrets and %zu of settings not deployed", secrets,
                         plural, settings);
    return part_text("%zu change%s of %s not deployed", first, plural,
                     secrets > 0 ? "secrets" : "settings");
}

static json_t *review_href(const json_t *card, int64_t live, int64_t newest, bool has_secrets)
{
    const char *app = row_text(card, "app_slug"), *slug = row_text(card, "slug");
    if (has_secrets)
        return part_text("/apps/%s/%s/secrets/history?from=%lld&to=%lld", app, slug,
                         (long long)live, (long long)newest);
    return part_text("/apps/%s/%s/deploy?version=%s#changes", app, slug,
                     row_text(card, "live_version"));
}

void undeployed_add(struct request *req, json_t *page, const json_t *card)
{
    const char *app = row_text(card, "app_slug"), *slug = row_text(card, "slug");
    int64_t live = row_int(card, "live_secret_set"), newest = 0;
    struct err e = {0};
    size_t secrets = 0, settings = 0;
    add_paused(page, card);
    gate_add_holds(req, page, card);
    if (!row_has(card, "live_number"))
        return; /* nothing is live: everything waits, and the page says so elsewhere */
    if (count_changes(req, card, live, &newest, &secrets, &e) != 0
        || count_settings(req, card, &settings, &e) != 0) {
        log_err("undeployed", &e);
        return;
    }
    if (secrets + settings == 0)
        return;
    json_object_set_new(
        page, "undeployed",
        json_pack(
            "{s:o, s:o, s:o, s:o, s:b, s:I, s:I}", "text", bar_text(secrets, settings),
            "review_href", review_href(card, live, newest, secrets > 0), "deploy_href",
            part_text("/apps/%s/%s/deploy?version=%s", app, slug, row_text(card, "live_version")),
            "discard_href", part_text("/apps/%s/%s/secrets/restore", app, slug), "has_secrets",
            (int)(secrets > 0), "live_set", live, "base_set", newest));
}
