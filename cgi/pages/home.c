/* home.c - /: what is live, since when, by whom; what needs a person; what happened last. */
#include <string.h>
#include "cgi/http/ask.h"
#include "cgi/pages/job_waits.h"
#include "cgi/pages/page.h"
#include "cgi/pages/pages.h"
#include "cgi/pages/parts.h"
#include "cgi/pages/row.h"
#include "db/apps.h"
#include "db/environments.h"
#include "db/jobs_web.h"
#include "db/servers.h"
#include "lib/base/str.h"

#define COLUMNS_MAX   8
#define APPS_MAX      500
#define ATTENTION_MAX 50
#define JOBS_SHOWN    6

/* Everything the page is made of, read once. */
struct home {
    struct places places;
    json_t *apps, *cards, *servers, *jobs;
};

static int read_home(struct request *req, struct home *home, struct err *err)
{
    struct job_filter newest = {.limit = JOBS_SHOWN};
    if (places_load(req, &home->places, err) != 0
        || app_page(req->db, "", APPS_MAX, &home->apps, err) != 0
        || environment_cards(req->db, NULL, &home->cards, err) != 0
        || server_attention(req->db, ATTENTION_MAX, &home->servers, err) != 0
        || job_list(req->db, &newest, &home->jobs, err) != 0)
        return -1;
    return 0;
}

static int tier_rank(const char *tier)
{
    return str_equal(tier, "production") ? 0 : str_equal(tier, "staging") ? 1 : 2;
}

static const json_t *find_by(const json_t *list, const char *key, const char *value)
{
    const json_t *item;
    size_t i;
    json_array_foreach(list, i, item) if (str_equal(row_text(item, key), value)) return item;
    return NULL;
}

/* One column per name of an environment: production first, then staging, then the rest. */
static json_t *columns_of(const json_t *cards)
{
    json_t *columns = json_array();
    const json_t *card;
    size_t i;
    for (int rank = 0; rank < 3; rank++)
        json_array_foreach(cards, i,
                           card) if (tier_rank(row_text(card, "tier")) == rank
                                     && json_array_size(columns) < COLUMNS_MAX
                                     && find_by(columns, "slug", row_text(card, "slug")) == NULL)
            json_array_append_new(columns, json_pack("{s:s, s:s}", "slug", row_text(card, "slug"),
                                                     "tier", row_text(card, "tier")));
    return columns;
}

static const json_t *find_card(const json_t *cards, const char *app_id, const char *slug)
{
    const json_t *card;
    size_t i;
    json_array_foreach(cards, i, card) if (str_equal(row_text(card, "app_id"), app_id)
                                           && str_equal(row_text(card, "slug"), slug)) return card;
    return NULL;
}

static json_t *apps_of(const struct home *home, const json_t *columns)
{
    json_t *apps = json_array();
    const json_t *row, *column;
    size_t i, k;
    json_array_foreach(home->apps, i, row)
    {
        json_t *cells = json_array();
        json_t *app = part_app(row_text(row, "id"), row_text(row, "slug"), row_text(row, "name"));
        json_array_foreach(columns, k, column)
        {
            const json_t *card =
                find_card(home->cards, row_text(row, "id"), row_text(column, "slug"));
            json_array_append_new(
                cells,
                json_pack("{s:s, s:o}", "column", row_text(column, "slug"), "environment",
                          card == NULL ? json_null() : part_environment(&home->places, card)));
        }
        json_object_set_new(app, "cells", cells);
        json_array_append_new(apps, app);
    }
    return apps;
}

struct item {
    const char *state, *state_text;
    json_t *title;
    const char *text;
    json_t *href;
    const char *action;
    int64_t at;
};

static void add_item(json_t *list, const struct item *item)
{
    json_array_append_new(list, json_pack("{s:o, s:o, s:s, s:o, s:s, s:o}", "status",
                                          part_status(item->state, item->state_text), "title",
                                          item->title, "text", item->text, "href", item->href,
                                          "action", item->action, "at", part_time(item->at)));
}

static json_t *label_of(const json_t *card)
{
    return part_text("%s / %s", row_text(card, "app_slug"), row_text(card, "slug"));
}

static bool is_bad(const char *verdict)
{
    return str_equal(verdict, "failed") || str_equal(verdict, "unknown")
           || str_equal(verdict, "reverted") || str_equal(verdict, "degraded");
}

/* An environment whose last job went wrong, whose state is not sure, or that was never used. One
 * with a job under way is left alone: it will say for itself. */
static void environment_attention(json_t *list, const struct home *home, const json_t *card)
{
    const char *verdict = row_text(card, "last_verdict"), *state = row_text(card, "live_state");
    struct item item = {.state = state, .state_text = word_environment(state)};
    if (places_active_job(&home->places, row_text(card, "id")) != NULL)
        return;
    if (is_bad(verdict)) {
        item = (struct item){.state = verdict, .state_text = word_job(verdict)};
        item.text = row_text(card, "last_summary");
        item.href = part_text("/jobs/%s", row_text(card, "last_id"));
        item.action = str_equal(verdict, "reverted") ? "Read why" : "Open the job";
        item.at = row_int(card, "last_ended_at");
    } else if (str_equal(state, "never")) {
        item.text = "Nothing was deployed here yet.";
        item.href =
            part_text("/apps/%s/%s/deploy", row_text(card, "app_slug"), row_text(card, "slug"));
        item.action = "Deploy";
    } else if (!str_equal(state, "live")) {
        item.text = "What serves here is not what was last proven live.";
        item.href = part_text("/apps/%s/%s", row_text(card, "app_slug"), row_text(card, "slug"));
        item.action = "Open it";
        item.at = row_int(card, "live_since");
    } else
        return;
    item.title = label_of(card);
    add_item(list, &item);
}

static const char *server_words(const json_t *server)
{
    const char *state = row_text(server, "state");
    const json_t *check, *checks = json_object_get(server, "checks");
    size_t i;
    if (str_equal(state, "new"))
        return "Its host key is not confirmed yet.";
    if (str_equal(state, "key_changed"))
        return "It showed another host key than the confirmed one. No job runs on it until "
               "someone has looked.";
    json_array_foreach(checks, i, check) if (str_equal(row_text(check, "state"), "failed")
                                             && row_text(check, "cause")[0]
                                                    != '\0') return row_text(check, "cause");
    return str_equal(state, "unreachable") ? "It did not answer." : "A check fails.";
}

static void server_item(json_t *list, const json_t *server)
{
    const char *state = row_text(server, "state");
    struct item item = {.state = state,
                        .state_text = word_server(state),
                        .title = part_text("Server %s", row_text(server, "slug")),
                        .text = server_words(server),
                        .href = part_text("/servers/%s", row_text(server, "slug")),
                        .action = "Open the server",
                        .at = row_int(server, "checked_at")};
    add_item(list, &item);
}

static json_t *attention_of(struct request *req, const struct home *home)
{
    json_t *list = json_array(), *answer = NULL;
    const json_t *row;
    struct err silent = {0};
    size_t i;
    if (ask(req, "ping", json_object(), &answer, &silent) != 0) {
        struct item item = {.state = "failed",
                            .state_text = "Not running",
                            .title = json_string("The worker"),
                            .text = "It does not answer, so jobs wait. Start windlass-worker; its "
                                    "log says why it stopped.",
                            .href = json_string("/jobs"),
                            .action = "See the jobs"};
        add_item(list, &item);
    }
    json_array_foreach(home->cards, i, row) if (json_array_size(list) < ATTENTION_MAX)
        environment_attention(list, home, row);
    json_array_foreach(home->servers, i, row) if (json_array_size(list) < ATTENTION_MAX)
        server_item(list, row);
    return list;
}

static json_t *step_model(const char *text, const char *help, const char *href, bool is_done)
{
    return json_pack("{s:s, s:s, s:s, s:b}", "text", text, "help", help, "href", href, "is_done",
                     (int)is_done);
}

/* The way from nothing to the first deploy; gone when it has been walked. */
static int checklist_of(struct request *req, const struct home *home, json_t **list,
                        struct err *err)
{
    json_t *servers = NULL;
    const json_t *card;
    size_t i;
    bool has_live = false;
    if (server_page(req->db, "", 1, &servers, err) != 0)
        return -1;
    json_array_foreach(home->cards, i, card) has_live =
        has_live || !str_equal(row_text(card, "live_state"), "never");
    if (has_live) {
        *list = json_null();
        return 0;
    }
    *list = json_pack(
        "[o, o, o, o]",
        step_model("Add a server", "One line in its authorized_keys, then Check.", "/servers/new",
                   json_array_size(servers) > 0),
        step_model("Add an app", "What your team deploys.", "/apps/new",
                   json_array_size(home->apps) > 0),
        step_model("Give it an environment", "Staging or production: a recipe, servers, settings.",
                   "/apps", json_array_size(home->cards) > 0),
        step_model("Press Deploy", "Watch it go live, step by step.", "/apps", false));
    return 0;
}

int home_show(struct request *req, struct response *res, struct err *err)
{
    struct home home = {.apps = NULL};
    json_t *columns, *apps, *attention, *jobs, *checklist = NULL;
    if (read_home(req, &home, err) != 0 || checklist_of(req, &home, &checklist, err) != 0
        || job_waits_list(req, home.jobs, &jobs, err) != 0)
        return -1;
    columns = columns_of(home.cards);
    apps = apps_of(&home, columns);
    attention = attention_of(req, &home);
    return respond_page(res, 200, "home",
                        json_pack("{s:o, s:o, s:b, s:o, s:b, s:o, s:b, s:o}", "columns", columns,
                                  "apps", apps, "has_apps", (int)(json_array_size(apps) > 0),
                                  "attention", attention, "has_attention",
                                  (int)(json_array_size(attention) > 0), "jobs", jobs, "has_jobs",
                                  (int)(json_array_size(jobs) > 0), "checklist", checklist),
                        page_new("Home", "home"));
}
