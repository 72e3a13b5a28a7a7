/* audit.c - /audit, /audit/{seq}: the history, newest first, and one event with its place in the
 * chain. What a chain is worth, `windlass audit verify` says; this page only shows how far the
 * worker has signed it. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include "cgi/pages/audit_words.h"
#include "cgi/pages/page.h"
#include "cgi/pages/pages.h"
#include "cgi/pages/parts.h"
#include "cgi/pages/row.h"
#include "db/audit.h"
#include "db/audit_web.h"
#include "db/environments.h"
#include "db/registries.h"
#include "db/users.h"
#include "lib/base/str.h"

#define EVENTS_PER_PAGE 50
#define USERS_MAX       1000

/* What links and names of all events on a page need. */
struct audit_view {
    json_t *users, *cards, *registries;
};

static int view_load(struct request *req, struct audit_view *view, struct err *err)
{
    if (user_page(req->db, "", USERS_MAX, &view->users, err) != 0
        || registry_list(req->db, &view->registries, err) != 0)
        return -1;
    return environment_cards(req->db, NULL, &view->cards, err);
}

static const json_t *find_by(const json_t *list, const char *key, const char *value)
{
    const json_t *item;
    size_t i;
    json_array_foreach(list, i, item) if (str_equal(row_text(item, key), value)) return item;
    return NULL;
}

static json_t *actor_model(const struct audit_view *view, const json_t *row)
{
    const char *kind = row_text(row, "actor_kind"), *name = row_text(row, "actor_name");
    const json_t *user = find_by(view->users, "id", row_text(row, "actor_id"));
    json_t *actor;
    if (user != NULL)
        name = row_text(user, "name");
    if (str_equal(kind, "command_line") && name[0] == '\0')
        name = "Command line";
    if (str_equal(kind, "nobody") && name[0] == '\0')
        name = "Nobody";
    actor = part_person(str_equal(kind, "system") ? "" : name, row_text(user, "login"));
    json_object_set_new(actor, "kind", json_string(kind));
    return actor;
}

static json_t *target_href(const struct audit_view *view, const json_t *row)
{
    const char *kind = row_text(row, "target_kind"), *id = row_text(row, "target_id");
    const json_t *card;
    if (str_equal(kind, "environment")
        && (card = find_by(view->cards, "id", row_text(row, "environment_id"))) != NULL)
        return part_text("/apps/%s/%s", row_text(card, "app_slug"), row_text(card, "slug"));
    if (str_equal(kind, "job"))
        return part_text("/jobs/%s", id);
    if (str_equal(kind, "server"))
        return part_text("/servers/%s", row_text(row, "target_name"));
    if (str_equal(kind, "registry") && find_by(view->registries, "id", id) != NULL)
        return part_text("/registries/%s", row_text(row, "target_name"));
    if ((str_equal(kind, "app") || str_equal(kind, "artefact"))
        && (card = find_by(view->cards, "app_id", row_text(row, "app_id"))) != NULL)
        return part_text("/apps/%s", row_text(card, "app_slug"));
    return json_string("");
}

/* The event's own name for its target; an environment in full. */
static json_t *target_name(const struct audit_view *view, const json_t *row)
{
    const json_t *card = find_by(view->cards, "id", row_text(row, "target_id"));
    if (str_equal(row_text(row, "target_kind"), "environment") && card != NULL)
        return part_text("%s / %s", row_text(card, "app_slug"), row_text(card, "slug"));
    return json_string(row_text(row, "target_name"));
}

static json_t *result_status(const char *result)
{
    return part_status(result, str_equal(result, "ok")       ? "OK"
                               : str_equal(result, "denied") ? "Denied"
                                                             : "Failed");
}

static json_t *event_model(const struct audit_view *view, const json_t *row)
{
    int64_t seq = row_int(row, "seq");
    return json_pack("{s:I, s:o, s:o, s:o, s:s, s:s, s:o, s:o, s:o, s:o, s:s, s:s}", "seq", seq,
                     "href", part_text("/audit/%lld", (long long)seq), "at",
                     part_time(row_int(row, "at")), "actor", actor_model(view, row), "verb",
                     row_text(row, "verb"), "target_kind", row_text(row, "target_kind"),
                     "target_name", target_name(view, row), "target_href", target_href(view, row),
                     "status", result_status(row_text(row, "result")), "summary",
                     audit_summary(json_object_get(row, "detail")), "ip", row_text(row, "ip"),
                     "request_id", row_text(row, "request_id"));
}

/* --- /audit --- */

static const char *const RESULTS[][2] = {
    {"", "Any result"}, {"ok", "OK"}, {"denied", "Denied"}, {"failed", "Failed"}};
static const char *const PRESETS[][3] = {{"Deploys", "verb", "deploy.*"},
                                         {"Secrets", "verb", "secret.*"},
                                         {"Sign-ins", "verb", "session.*"},
                                         {"Denied", "result", "denied"}};

/* The typed filter as audit_list wants it: a login or a name we know stands for the person's id,
 * since names change; a value that can match nothing is kept, and then nothing matches. */
static json_t *filter_of(struct request *req, const struct audit_view *view)
{
    const char *actor = request_query(req, "actor"), *verb = request_query(req, "verb");
    const char *result = request_query(req, "result");
    const json_t *user = find_by(view->users, "login", actor);
    json_t *filter = json_object();
    if (user == NULL)
        user = find_by(view->users, "name", actor);
    if (actor[0] != '\0')
        json_object_set_new(filter, "actor",
                            json_string(user == NULL ? actor : row_text(user, "id")));
    if (verb[0] != '\0')
        json_object_set_new(filter, "verb", json_string(verb));
    if (result[0] != '\0')
        json_object_set_new(filter, "result", json_string(result));
    return filter;
}

static json_t *filter_model(const struct request *req, bool is_filtered)
{
    json_t *results = json_array();
    for (size_t i = 0; i < COUNT_OF(RESULTS); i++)
        json_array_append_new(results,
                              part_choice(RESULTS[i][0], RESULTS[i][1],
                                          str_equal(RESULTS[i][0], request_query(req, "result"))));
    return json_pack("{s:s, s:s, s:o, s:b}", "actor", request_query(req, "actor"), "verb",
                     request_query(req, "verb"), "result", results, "is_filtered",
                     (int)is_filtered);
}

static json_t *presets_model(const struct request *req)
{
    json_t *list = json_array();
    for (size_t i = 0; i < COUNT_OF(PRESETS); i++)
        json_array_append_new(
            list, json_pack("{s:s, s:o, s:b}", "text", PRESETS[i][0], "href",
                            part_text("/audit?%s=%s", PRESETS[i][1], PRESETS[i][2]), "is_current",
                            (int)str_equal(request_query(req, PRESETS[i][1]), PRESETS[i][2])));
    return list;
}

static void add_escaped(char *text, size_t size, const char *value)
{
    size_t len = strlen(text);
    for (; *value != '\0' && len + 4 < size; value++) {
        unsigned char c = (unsigned char)*value;
        if (isalnum(c) || strchr("-._*", c) != NULL)
            len += (size_t)snprintf(text + len, size - len, "%c", c);
        else
            len += (size_t)snprintf(text + len, size - len, "%%%02X", c);
    }
}

/* This list's address, further down (before > 0) or from its newest event. */
static json_t *list_href(const struct request *req, int64_t before)
{
    static const char *const NAMES[] = {"actor", "verb", "result"};
    char text[1024] = "/audit";
    char sep = '?';
    for (size_t i = 0; i < COUNT_OF(NAMES); i++) {
        const char *value = request_query(req, NAMES[i]);
        size_t len = strlen(text);
        if (value[0] == '\0' || strlen(value) > 100)
            continue;
        snprintf(text + len, sizeof text - len, "%c%s=", sep, NAMES[i]);
        add_escaped(text, sizeof text, value);
        sep = '&';
    }
    if (before > 0)
        snprintf(text + strlen(text), sizeof text - strlen(text), "%cbefore=%lld", sep,
                 (long long)before);
    return json_string(text);
}

static int chain_model(struct request *req, json_t **chain, struct err *err)
{
    struct audit_chain_state state;
    if (audit_chain_state(req->db, &state, err) != 0)
        return -1;
    *chain = json_pack("{s:I, s:I, s:o, s:b}", "events", (json_int_t)state.events, "signed_seq",
                       (json_int_t)state.signed_seq, "signed", part_time(state.signed_at),
                       "is_signed", (int)(state.events > 0 && state.signed_seq == state.events));
    return 0;
}

int audit_show(struct request *req, struct response *res, struct err *err)
{
    struct audit_view view;
    json_t *filter, *rows = NULL, *events = json_array(), *chain = NULL;
    json_t *page = page_new("Audit", "audit");
    int64_t before = request_query_int(req, "before", 1, INT64_MAX, 0), last = 0;
    size_t i, count;
    bool is_filtered;

    if (view_load(req, &view, err) != 0 || chain_model(req, &chain, err) != 0)
        return -1;
    filter = filter_of(req, &view);
    is_filtered = json_object_size(filter) > 0;
    if (audit_list(req->db, filter, before, EVENTS_PER_PAGE + 1, &rows, err) != 0)
        return -1;
    count = json_array_size(rows);
    for (i = 0; i < count && i < EVENTS_PER_PAGE; i++) {
        json_array_append_new(events, event_model(&view, json_array_get(rows, i)));
        last = row_int(json_array_get(rows, i), "seq");
    }
    page_crumb(page, "Audit", "");
    return respond_page(
        res, 200, "audit",
        json_pack("{s:o, s:b, s:o, s:o, s:o, s:o, s:o}", "events", events, "has_events",
                  (int)(count > 0), "filter", filter_model(req, is_filtered), "presets",
                  presets_model(req), "older_href",
                  count > EVENTS_PER_PAGE ? list_href(req, last) : json_string(""), "newest_href",
                  before > 0                  ? list_href(req, 0)
                  : is_filtered && count == 0 ? json_string("/audit")
                                              : json_string(""),
                  "chain", chain),
        page);
}

/* --- /audit/{seq} --- */

int audit_event_show(struct request *req, struct response *res, struct err *err)
{
    struct audit_view view;
    struct audit_chain_state chain;
    int64_t seq = 0, signed_at = 0;
    json_t *row = NULL, *details, *page;
    char title[64];

    if (!str_to_int64(request_param(req, 0), 1, INT64_MAX, &seq))
        return err_set(err, ERR_NOT_FOUND, "There is no such event.");
    if (audit_get(req->db, seq, &row, err) != 0 || view_load(req, &view, err) != 0
        || audit_chain_state(req->db, &chain, err) != 0
        || audit_signed_at(req->db, seq, &signed_at, err) != 0)
        return -1;
    details = audit_details(json_object_get(row, "detail"));
    snprintf(title, sizeof title, "Audit event %lld", (long long)seq);
    page = page_new(title, "audit");
    page_crumb(page, "Audit", "/audit");
    page_crumb(page, title, "");
    return respond_page(
        res, 200, "audit_event",
        json_pack(
            "{s:o, s:o, s:b, s:s, s:s, s:o, s:o, s:o}", "event", event_model(&view, row), "details",
            details, "has_details", (int)(json_array_size(details) > 0), "hash",
            row_text(row, "hash"), "prev_hash", row_text(row, "prev_hash"), "prev_href",
            seq > 1 ? part_text("/audit/%lld", (long long)seq - 1) : json_string(""), "next_href",
            seq < chain.events ? part_text("/audit/%lld", (long long)seq + 1) : json_string(""),
            "signed", part_time(signed_at)),
        page);
}
