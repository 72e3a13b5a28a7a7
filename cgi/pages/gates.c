/* gates.c - what holds an environment back, in words (gates.h). */
#include "cgi/pages/gates.h"

#include <string.h>
#include "cgi/pages/page.h"
#include "cgi/pages/parts.h"
#include "cgi/pages/row.h"
#include "db/freezes.h"
#include "db/locks.h"
#include "lib/base/clock.h"
#include "lib/base/str.h"
#include "lib/domain/access.h"
#include "lib/domain/validate.h"

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

/* While frozen; also when nobody can know, since then nobody may. */
static void add_freeze_hold(json_t *page, const json_t *card)
{
    struct freeze_now at = {.is_frozen = false};
    struct err unknown = {0};
    if (freeze_state(card, clock_now_ms(), &at, &unknown) == 0 && !at.is_frozen)
        return;
    add_hold(page,
             &(struct hold){"frozen", "Deploys are frozen", 0,
                            !at.is_frozen         ? json_string(unknown.user)
                            : at.until[0] != '\0' ? part_text("until %s: %s", at.until, at.text)
                                                  : part_text("without an end: %s", at.text),
                            action_of(true, "Windows", href_of(card, "freeze"), false)});
}

void gate_add_holds(const struct request *req, json_t *page, const json_t *card)
{
    add_freeze_hold(page, card);
    if (row_has(card, "maintenance_at"))
        add_hold(page,
                 &(struct hold){"warn", "The maintenance page is shown since",
                                row_int(card, "maintenance_at"),
                                part_text("by %s. A deploy leaves it on.",
                                          name_or_somebody(row_text(card, "maintenance_by_name"))),
                                action_of(role_may(req->session.role, CAP_DEPLOY), "Hide it…",
                                          href_of(card, "operate/maintenance_off"), false)});
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

/* A window holds, or nobody can know: text, in the first case with its end. */
static bool is_frozen(const json_t *card, struct freeze_now *at, struct err *unknown)
{
    return freeze_state(card, clock_now_ms(), at, unknown) != 0 || at->is_frozen;
}

static bool may_despite_freeze(const struct request *req)
{
    return !req->has_bearer && role_may(req->session.role, CAP_ADMIN);
}

static void add_freeze_problem(const struct request *req, const json_t *card, json_t *problems)
{
    struct freeze_now at = {.is_frozen = false};
    struct err unknown = {0};
    json_t *text;
    if (!is_frozen(card, &at, &unknown) || (at.is_frozen && may_despite_freeze(req)))
        return;
    text = !at.is_frozen         ? json_string(unknown.user)
           : at.until[0] != '\0' ? part_text("Deploys are frozen (%s) until %s.", at.text, at.until)
                                 : part_text("Deploys are frozen (%s).", at.text);
    json_array_append_new(problems,
                          json_pack("{s:o, s:o, s:s}", "text", text, "href",
                                    href_of(card, "freeze"), "action", "See the windows"));
}

void gate_add_problems(const struct request *req, const json_t *card, enum gate_for what,
                       json_t *problems)
{
    json_t *when = part_time(row_int(card, "locked_at"));
    if (lock_is_on(card) && !gate_may_unlock(req))
        json_array_append_new(
            problems, json_pack("{s:o, s:o, s:s}", "text",
                                part_text("Locked by %s %s: %s",
                                          name_or_somebody(row_text(card, "locked_by_name")),
                                          row_text(when, "text"), row_text(card, "locked_why")),
                                "href", href_of(card, "operate"), "action", "Who may unlock it"));
    if (what == GATE_RELEASE)
        add_freeze_problem(req, card, problems);
}

static bool must_say_why(const struct request *req, const json_t *card, enum gate_for what)
{
    struct freeze_now at = {.is_frozen = false};
    struct err unknown = {0};
    return what == GATE_RELEASE && may_despite_freeze(req) && is_frozen(card, &at, &unknown)
           && at.is_frozen;
}

void gate_fields(struct request *req, json_t *page, const json_t *card, enum gate_for what)
{
    page_field(page, "despite_lock", request_field(req, "despite_lock"));
    page_field(page, "despite_freeze", request_field(req, "despite_freeze"));
    json_object_set_new(page, "despite",
                        json_pack("{s:b, s:b}", "lock",
                                  (int)(lock_is_on(card) && gate_may_unlock(req)), "freeze",
                                  (int)must_say_why(req, card, what)));
}

static const char *freeze_reason(struct request *req)
{
    return page_lines(req, request_field(req, "despite_freeze"));
}

void gate_check(struct request *req, json_t *page, const json_t *card, enum gate_for what)
{
    struct err e = {0};
    const char *why = freeze_reason(req);
    if (lock_is_on(card) && gate_may_unlock(req)
        && !str_equal(request_field(req, "despite_lock"), "1"))
        page_error(page, "despite_lock",
                   "The environment is locked. Confirm that you act all the same, or unlock it.");
    if (!must_say_why(req, card, what))
        return;
    if (why[strspn(why, " \t\n")] == '\0')
        page_error(page, "despite_freeze",
                   "Deploys are frozen here. Say why this one must be all the same.");
    else if (validate_note("despite_freeze", why, FREEZE_DESPITE_MAX, &e) != 0)
        page_error(page, "despite_freeze", e.user);
}

json_t *gate_params(struct request *req, const json_t *card)
{
    if (!must_say_why(req, card, GATE_RELEASE))
        return NULL;
    return json_pack("{s:s}", "despite_freeze", freeze_reason(req));
}
