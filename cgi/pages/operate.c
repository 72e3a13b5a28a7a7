/* operate.c - /apps/{app}/{env}/operate: the lock of an environment, and what can be done with what
 * is live without a new version. Each deed has a confirm page of its own (operation.c). */
#include <stdio.h>
#include <string.h>
#include "cgi/pages/gates.h"
#include "cgi/pages/operation_view.h"
#include "cgi/pages/page.h"
#include "cgi/pages/pages.h"
#include "cgi/pages/parts.h"
#include "cgi/pages/promotion.h"
#include "cgi/pages/row.h"
#include "cgi/pages/undeployed.h"
#include "db/environments.h"
#include "db/freezes.h"
#include "db/locks.h"
#include "lib/base/str.h"
#include "lib/domain/validate.h"

static json_t *lock_model(const json_t *card)
{
    if (!lock_is_on(card))
        return json_null();
    return json_pack(
        "{s:o, s:o, s:s}", "since", part_time(row_int(card, "locked_at")), "by",
        part_person(row_text(card, "locked_by_name"), row_text(card, "locked_by_login")), "why",
        row_text(card, "locked_why"));
}

static json_t *operate_page(struct request *req, const json_t *card)
{
    const char *app = row_text(card, "app_slug"), *env = row_text(card, "slug");
    char title[128];
    json_t *page;
    snprintf(title, sizeof title, "Operate %.50s / %.50s", app, env);
    page = page_new(title, "apps");
    page_crumbs_of(page, app, env, row_text(card, "tier"));
    page_crumb(page, "Operate", "");
    undeployed_add(req, page, card);
    page_field(page, "lock_why", request_field(req, "lock_why"));
    return page;
}

static int operate_respond(struct request *req, struct response *res, int status,
                           const json_t *card, json_t *page, struct err *err)
{
    struct places places;
    json_t *data, *operations = NULL, *promotions = NULL;
    if (places_load(req, &places, err) != 0 || operation_view_list(req, card, &operations, err) != 0
        || promotion_list(req, card, &promotions, err) != 0)
        return -1;
    data = json_pack(
        "{s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "environment", part_environment(&places, card),
        "live", part_live(card), "lock", lock_model(card), "lock_href",
        part_text("/apps/%s/%s/lock", row_text(card, "app_slug"), row_text(card, "slug")),
        "unlock_href",
        part_text("/apps/%s/%s/unlock", row_text(card, "app_slug"), row_text(card, "slug")),
        "operations", operations, "freeze", freeze_of(card));
    part_set_list(data, "promotions", "has_promotions", promotions);
    return respond_page(res, status, "operate", data, page);
}

static int read_card(struct request *req, json_t **card, struct err *err)
{
    return environment_card(req->db, request_param(req, 0), request_param(req, 1), card, err);
}

int operate_show(struct request *req, struct response *res, struct err *err)
{
    json_t *card;
    if (read_card(req, &card, err) != 0)
        return -1;
    return operate_respond(req, res, 200, card, operate_page(req, card), err);
}

/* --- the lock --- */

/* The reason is what everybody reads who is stopped by it, so there must be one. */
static int try_lock(struct request *req, const json_t *card, struct err *err)
{
    const char *why = page_lines(req, request_field(req, "lock_why"));
    if (why[strspn(why, " \t\n")] == '\0')
        return err_field(err, "lock_why",
                         "Say why it is locked: whoever wants to deploy reads it.");
    if (validate_note("lock_why", why, LOCK_WHY_MAX, err) != 0)
        return -1;
    return lock_begin(req->db, &req->actor, card, why, err);
}

int env_lock(struct request *req, struct response *res, struct err *err)
{
    json_t *card, *page;
    struct err refused = {0};
    if (read_card(req, &card, err) != 0)
        return -1;
    if (try_lock(req, card, &refused) == 0) {
        respond_flash(res, "ok", "%.40s / %.40s is locked.", request_param(req, 0),
                      request_param(req, 1));
        return respond_redirect(res, "/apps/%s/%s/operate", request_param(req, 0),
                                request_param(req, 1));
    }
    if (read_card(req, &card, err) != 0) /* somebody may have been first: theirs is shown */
        return -1;
    page = operate_page(req, card);
    if (page_take_err(page, &refused, "lock_why") != 0) {
        *err = refused;
        return -1;
    }
    return operate_respond(req, res, 422, card, page, err);
}

int env_unlock(struct request *req, struct response *res, struct err *err)
{
    json_t *card;
    if (read_card(req, &card, err) != 0 || lock_end(req->db, &req->actor, card, err) != 0)
        return -1;
    respond_flash(res, "ok", "%.40s / %.40s is unlocked.", request_param(req, 0),
                  request_param(req, 1));
    return respond_redirect(res, "/apps/%s/%s/operate", request_param(req, 0),
                            request_param(req, 1));
}
