/* freeze.c - /apps/{app}/{env}/freeze: windows of time in which nobody deploys here. */
#include <stdio.h>
#include <string.h>
#include "cgi/pages/page.h"
#include "cgi/pages/pages.h"
#include "cgi/pages/parts.h"
#include "cgi/pages/row.h"
#include "cgi/pages/undeployed.h"
#include "db/environments.h"
#include "db/freezes.h"
#include "lib/base/clock.h"
#include "lib/base/str.h"

static json_t *freeze_page(struct request *req, const json_t *card, const char *zone,
                           const char *windows)
{
    const char *app = row_text(card, "app_slug"), *env = row_text(card, "slug");
    char title[160], href[200];
    json_t *page;
    snprintf(title, sizeof title, "Freeze windows of %.50s / %.50s", app, env);
    snprintf(href, sizeof href, "/apps/%.60s/%.60s/operate", app, env);
    page = page_new(title, "apps");
    page_crumbs_of(page, app, env, row_text(card, "tier"));
    page_crumb(page, "Operate", href);
    page_crumb(page, "Freeze windows", "");
    undeployed_add(req, page, card);
    page_field(page, "zone", zone);
    page_field(page, "windows", windows);
    return page;
}

static int freeze_respond(struct request *req, struct response *res, int status, const json_t *card,
                          json_t *page, struct err *err)
{
    struct places places;
    struct freeze_now at;
    struct err unknown = {0};
    json_t *now;
    if (places_load(req, &places, err) != 0)
        return -1;
    now = freeze_state(card, clock_now_ms(), &at, &unknown) != 0 ? json_string(unknown.user)
          : !at.is_frozen ? json_string("Deploys are open at this moment.")
          : at.until[0] != '\0'
              ? part_text("Frozen at this moment (%s), until %s.", at.text, at.until)
              : part_text("Frozen at this moment (%s), without an end.", at.text);
    return respond_page(res, status, "freeze",
                        json_pack("{s:o, s:o, s:o, s:o}", "environment",
                                  part_environment(&places, card), "freeze", freeze_of(card), "now",
                                  now, "freeze_href",
                                  part_text("/apps/%s/%s/freeze", row_text(card, "app_slug"),
                                            row_text(card, "slug"))),
                        page);
}

int freeze_show(struct request *req, struct response *res, struct err *err)
{
    json_t *card, *freeze;
    if (environment_card(req->db, request_param(req, 0), request_param(req, 1), &card, err) != 0)
        return -1;
    freeze = freeze_of(card);
    return freeze_respond(
        req, res, 200, card,
        freeze_page(req, card,
                    row_text(freeze, "zone")[0] != '\0' ? row_text(freeze, "zone") : "UTC",
                    row_text(freeze, "windows")),
        err);
}

int freeze_save_form(struct request *req, struct response *res, struct err *err)
{
    const char *zone = request_field(req, "zone");
    const char *windows = page_lines(req, request_field(req, "windows"));
    json_t *card, *page;
    struct err refused = {0};
    struct freeze_change change = {.zone = zone, .windows = windows};
    if (environment_card(req->db, request_param(req, 0), request_param(req, 1), &card, err) != 0)
        return -1;
    if (freeze_save(req->db, &req->actor, card, &change, &refused) == 0) {
        respond_flash(res, "ok",
                      change.changed ? "The freeze windows are saved." : "Nothing was changed.");
        return respond_redirect(res, "/apps/%s/%s/freeze", request_param(req, 0),
                                request_param(req, 1));
    }
    page = freeze_page(req, card, zone, windows);
    if (page_take_err(page, &refused, "windows") != 0) {
        *err = refused;
        return -1;
    }
    return freeze_respond(req, res, 422, card, page, err);
}
