/* gates.c - what holds an environment back, in words (gates.h). */
#include "cgi/pages/gates.h"

#include "cgi/pages/page.h"
#include "cgi/pages/parts.h"
#include "cgi/pages/row.h"
#include "db/locks.h"
#include "lib/base/str.h"
#include "lib/domain/access.h"

bool gate_may_unlock(const struct request *req)
{
    return !req->has_bearer && role_may(req->session.role, CAP_LOCK);
}

static json_t *href_of(const json_t *card, const char *rest)
{
    return part_text("/apps/%s/%s/%s", row_text(card, "app_slug"), row_text(card, "slug"), rest);
}

static const char *name_or_somebody(const char *name)
{
    return name[0] == '\0' ? "somebody" : name;
}

/* --- the banners --------------------------------------------------------------------------------
 */

struct hold {
    const char *icon, *before;
    int64_t since;
    json_t *after;  /* stolen */
    json_t *action; /* {text, href, is_form} or null; stolen */
};

static void add_hold(json_t *page, const struct hold *hold)
{
    json_t *holds = json_object_get(page, "holds");
    if (holds == NULL) {
        holds = json_array();
        json_object_set_new(page, "holds", holds);
    }
    json_array_append_new(holds, json_pack("{s:s, s:s, s:o, s:o, s:o}", "icon", hold->icon,
                                           "before", hold->before, "since", part_time(hold->since),
                                           "after", hold->after, "action", hold->action));
}

static json_t *action_of(bool may, const char *text, json_t *href, bool is_form)
{
    if (!may) {
        json_decref(href);
        return json_null();
    }
    return json_pack("{s:s, s:o, s:b}", "text", text, "href", href, "is_form", (int)is_form);
}

void gate_add_holds(const struct request *req, json_t *page, const json_t *card)
{
    if (row_has(card, "stopped_at"))
        add_hold(page,
                 &(struct hold){"stopped", "Stopped", row_int(card, "stopped_at"),
                                part_text("by %s: nothing serves here.",
                                          name_or_somebody(row_text(card, "stopped_by_name"))),
                                action_of(role_may(req->session.role, CAP_DEPLOY), "Start…",
                                          href_of(card, "operate/start"), false)});
    if (lock_is_on(card))
        add_hold(page,
                 &(struct hold){
                     "locked", "Locked since", row_int(card, "locked_at"),
                     part_text("by %s: %s", name_or_somebody(row_text(card, "locked_by_name")),
                               row_text(card, "locked_why")),
                     action_of(gate_may_unlock(req), "Unlock", href_of(card, "unlock"), true)});
}

/* --- the confirm pages --------------------------------------------------------------------------
 */

void gate_add_problems(const struct request *req, const json_t *card, json_t *problems)
{
    json_t *when = part_time(row_int(card, "locked_at"));
    if (lock_is_on(card) && !gate_may_unlock(req))
        json_array_append_new(
            problems, json_pack("{s:o, s:o, s:s}", "text",
                                part_text("Locked by %s %s: %s",
                                          name_or_somebody(row_text(card, "locked_by_name")),
                                          row_text(when, "text"), row_text(card, "locked_why")),
                                "href", href_of(card, "operate"), "action", "Who may unlock it"));
}

void gate_fields(struct request *req, json_t *page, const json_t *card)
{
    page_field(page, "despite_lock", request_field(req, "despite_lock"));
    json_object_set_new(
        page, "despite",
        json_pack("{s:b}", "lock", (int)(lock_is_on(card) && gate_may_unlock(req))));
}

void gate_check(struct request *req, json_t *page, const json_t *card)
{
    if (lock_is_on(card) && gate_may_unlock(req)
        && !str_equal(request_field(req, "despite_lock"), "1"))
        page_error(page, "despite_lock",
                   "The environment is locked. Confirm that you act all the same, or unlock it.");
}
