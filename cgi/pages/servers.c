/* servers.c - /servers, /servers/new, /servers/{slug} and its two buttons.
 *
 * Adding, asking for the host key and pinning are questions to the worker: keys and pins are its
 * own. The page shows the worker's sentence when a server cannot be asked. A changed key is a hard
 * stop: both fingerprints are shown, and nothing but comparing them by eye leads on. */
#include <string.h>
#include "cgi/http/ask.h"
#include "cgi/pages/page.h"
#include "cgi/pages/pages.h"
#include "cgi/pages/parts.h"
#include "cgi/pages/row.h"
#include "cgi/pages/server_facts.h"
#include "cgi/pages/submit.h"
#include "db/jobs_web.h"
#include "db/servers.h"
#include "lib/base/str.h"
#include "lib/domain/validate.h"

#define SERVERS_MAX     500
#define JOBS_SHOWN      5
#define KEY_RESTRICTION "restrict,port-forwarding,permitopen=\"127.0.0.1:*\" "

/* --- /servers --- */

static json_t *server_head(const json_t *row)
{
    const char *state = row_text(row, "state");
    return json_pack("{s:s, s:s, s:o, s:o, s:s, s:s, s:I, s:o, s:o}", "id", row_text(row, "id"),
                     "slug", row_text(row, "slug"), "href",
                     part_text("/servers/%s", row_text(row, "slug")), "address", part_address(row),
                     "login", row_text(row, "login"), "host", row_text(row, "host"), "port",
                     row_int(row, "port"), "status", part_status(state, word_server(state)),
                     "checked", part_time(row_int(row, "checked_at")));
}

static const char *failing_words(const json_t *row)
{
    const char *state = row_text(row, "state");
    const json_t *check, *checks = json_object_get(row, "checks");
    size_t i;
    if (str_equal(state, "key_changed"))
        return "Jobs are stopped until someone looks";
    if (!str_equal(state, "failing") && !str_equal(state, "unreachable"))
        return "";
    json_array_foreach(checks, i, check) if (str_equal(row_text(check, "state"),
                                                       "failed")) return row_text(check, "cause")[0]
            != '\0'
        ? row_text(check, "cause")
        : row_text(check, "label");
    return "";
}

static json_t *server_item(const json_t *row, const json_t *environments)
{
    json_t *server = server_head(row);
    int64_t free_bytes = 0, total = 0;
    const json_t *facts = json_object_get(row, "facts");
    bool has_free = server_facts_disk(facts, &free_bytes, &total);
    char free_text[32], total_text[32];
    json_object_set_new(server, "system_text", server_facts_system(facts));
    json_object_set_new(server, "has_disk", json_boolean(total > 0));
    json_object_set_new(
        server, "disk_text",
        total > 0  ? part_text("%s free of %s", str_bytes(free_text, sizeof free_text, free_bytes),
                               str_bytes(total_text, sizeof total_text, total))
        : has_free ? part_text("%s free", str_bytes(free_text, sizeof free_text, free_bytes))
                   : json_string(""));
    json_object_set_new(server, "disk_percent",
                        json_integer(total > 0 ? (total - free_bytes) * 100 / total : 0));
    json_object_set_new(server, "environments",
                        part_environments_of(environments, "server_id", row_text(row, "id")));
    json_object_set_new(server, "failing_text", json_string(failing_words(row)));
    return server;
}

int servers_show(struct request *req, struct response *res, struct err *err)
{
    json_t *rows = NULL, *environments = NULL, *list = json_array();
    json_t *page = page_new("Servers", "servers");
    const json_t *row;
    size_t i;
    if (server_page(req->db, "", SERVERS_MAX, &rows, err) != 0
        || server_environments(req->db, NULL, &environments, err) != 0)
        return -1;
    json_array_foreach(rows, i, row) json_array_append_new(list, server_item(row, environments));
    page_crumb(page, "Servers", "");
    return respond_page(
        res, 200, "servers",
        json_pack("{s:o, s:b}", "servers", list, "has_servers", (int)(json_array_size(list) > 0)),
        page);
}

/* --- /servers/new --- */

static json_t *server_new_page(const struct request *req)
{
    json_t *page = page_new("Add a server", "servers");
    page_crumb(page, "Servers", "/servers");
    page_crumb(page, "New", "");
    page_field(page, "address", request_field(req, "address"));
    page_field(page, "slug", request_field(req, "slug"));
    return page;
}

int server_new_show(struct request *req, struct response *res, struct err *err)
{
    (void)err;
    return respond_page(res, 200, "server_new", json_object(), server_new_page(req));
}

int server_new_save(struct request *req, struct response *res, struct err *err)
{
    struct err e = {0};
    struct address address = {.port = 0};
    json_t *page = server_new_page(req), *answer = NULL;
    const char *slug = request_field(req, "slug");

    if (validate_address("address", request_field(req, "address"), &address, &e) != 0)
        page_error(page, "address", e.user);
    if (validate_slug("slug", slug, &e) != 0)
        page_error(page, "slug", e.user);
    else if (str_equal(slug, "new"))
        page_error(page, "slug",
                   "A server cannot be called “new”: that is the address of this form.");
    if (page_has_errors(page))
        return respond_page(res, 422, "server_new", json_object(), page);
    e = (struct err){0};
    if (ask(req, "server.add",
            json_pack("{s:s, s:s, s:s, s:i}", "slug", slug, "login", address.login, "host",
                      address.host, "port", address.port),
            &answer, &e)
        == 0) {
        respond_flash(res, "ok",
                      "Server %s is added. Two things are left: the key line, and the host key.",
                      slug);
        return respond_redirect(res, "/servers/%s", slug);
    }
    if (page_take_err(page, &e, "slug") != 0) {
        *err = e;
        return -1;
    }
    return respond_page(res, 422, "server_new", json_object(), page);
}

/* --- /servers/{slug} --- */

static int pinned_model(struct request *req, const json_t *row, json_t **pinned, struct err *err)
{
    json_t *by = NULL;
    *pinned = json_null();
    if (!row_has(row, "pin_print"))
        return 0;
    if (server_pinned_by(req->db, row_text(row, "id"), &by, err) != 0)
        return -1;
    *pinned = json_pack("{s:s, s:s, s:o, s:o}", "type", row_text(row, "pin_type"), "print",
                        row_text(row, "pin_print"), "at", part_time(row_int(by, "at")), "by",
                        part_person(row_text(by, "by_name"), row_text(by, "by_login")));
    return 0;
}

struct asked {
    json_t *presented; /* {type, print} or null */
    const char *error; /* why the server could not be asked, "" */
    bool is_changed;
};

/* What a job or a person saw last, for readers who may not ask. */
static int recall_key(struct request *req, const json_t *row, struct asked *asked, struct err *err)
{
    json_t *detail = NULL;
    const char *print;
    if (server_seen_key(req->db, row_text(row, "id"), &detail, err) != 0)
        return -1;
    print = row_text(detail, "print")[0] != '\0' ? row_text(detail, "print")
                                                 : row_text(detail, "shown");
    if (print[0] != '\0' && !str_equal(print, row_text(row, "pin_print")))
        asked->presented = json_pack("{s:s, s:s}", "type", "", "print", print);
    return 0;
}

/* Ask on request, and always when the key is known to have changed: that page is about nothing
 * else. */
static int ask_key(struct request *req, const json_t *row, struct asked *asked, struct err *err)
{
    bool is_key_changed = str_equal(row_text(row, "state"), "key_changed");
    bool wanted = is_key_changed || request_query(req, "ask")[0] != '\0';
    struct err e = {0};
    json_t *answer = NULL;
    *asked = (struct asked){.presented = json_null(), .error = "", .is_changed = is_key_changed};
    if (!wanted)
        return 0;
    if (!role_may(req->session.role, CAP_SERVERS))
        return recall_key(req, row, asked, err);
    if (ask(req, "server.host_key", json_pack("{s:s}", "server_id", row_text(row, "id")), &answer,
            &e)
        == 0) {
        asked->presented = json_pack("{s:s, s:s}", "type", row_text(answer, "type"), "print",
                                     row_text(answer, "print"));
        if (row_has(row, "pin_print") && !row_is(answer, "matches"))
            asked->is_changed = true;
        return 0;
    }
    if (e.code == ERR_SIGNED_OUT || e.code == ERR_INTERNAL) {
        *err = e;
        return -1;
    }
    asked->error = arena_strdup(req->arena, e.user);
    return asked->error == NULL ? err_set(err, ERR_NO_MEMORY, "There was not enough memory.")
           : is_key_changed     ? recall_key(req, row, asked, err)
                                : 0;
}

static json_t *running_check(const json_t *jobs)
{
    const json_t *row;
    size_t i;
    json_array_foreach(jobs, i,
                       row) if (!str_equal(row_text(row, "state"), "ended")) return part_job(row);
    return json_null();
}

static int server_data(struct request *req, const json_t *row, json_t **made, struct err *err)
{
    json_t *jobs = NULL, *environments = NULL, *pinned = NULL, *data, *server;
    struct asked asked;
    int failing = 0;
    const char *id = row_text(row, "id"), *key = row_text(row, "public_key");

    if (job_list_of_server(req->db, id, JOBS_SHOWN, &jobs, err) != 0
        || server_environments(req->db, id, &environments, err) != 0
        || pinned_model(req, row, &pinned, err) != 0 || ask_key(req, row, &asked, err) != 0)
        return -1;
    server = server_head(row);
    json_object_set_new(server, "created", part_time(row_int(row, "created_at")));
    data = json_pack("{s:o, s:o, s:o, s:o, s:b, s:s, s:b}", "server", server, "authorized_keys",
                     key[0] != '\0' ? part_text(KEY_RESTRICTION "%s", key) : json_string(""),
                     "pinned", pinned, "presented", asked.presented, "is_changed",
                     (int)asked.is_changed, "ask_error", asked.error, "can_check",
                     (int)(!json_is_null(pinned) && !asked.is_changed));
    part_set_list(data, "checks", "has_checks",
                  server_checks_list(json_object_get(row, "checks"), &failing));
    json_object_set_new(data, "failing", json_integer(failing));
    part_set_list(data, "facts", "has_facts", server_facts_list(json_object_get(row, "facts")));
    part_set_list(data, "environments", "has_environments",
                  part_environments_of(environments, "server_id", id));
    json_object_set_new(data, "running", running_check(jobs));
    part_set_list(data, "jobs", "has_jobs", part_jobs(jobs));
    *made = data;
    return 0;
}

static json_t *server_page_model(const json_t *row)
{
    json_t *page;
    char title[64];
    snprintf(title, sizeof title, "Server %.50s", row_text(row, "slug"));
    page = page_new(title, "servers");
    page_crumb(page, "Servers", "/servers");
    page_crumb(page, row_text(row, "slug"), "");
    page_field(page, "print", NULL);
    return page;
}

static int respond_server(struct request *req, struct response *res, int status, const json_t *row,
                          json_t *page, struct err *err)
{
    json_t *data = NULL;
    if (server_data(req, row, &data, err) != 0)
        return -1;
    if (!json_is_null(json_object_get(data, "running")))
        page_refresh(page, 3);
    return respond_page(res, status, "server", data, page);
}

int server_show(struct request *req, struct response *res, struct err *err)
{
    json_t *row = NULL;
    if (server_by_slug(req->db, request_param(req, 0), &row, err) != 0)
        return -1;
    return respond_server(req, res, 200, row, server_page_model(row), err);
}

int server_pin(struct request *req, struct response *res, struct err *err)
{
    struct err e = {0};
    json_t *row = NULL, *answer = NULL, *page;
    if (server_by_slug(req->db, request_param(req, 0), &row, err) != 0)
        return -1;
    if (ask(req, "server.pin",
            json_pack("{s:s, s:s, s:s}", "server_id", row_text(row, "id"), "type",
                      request_field(req, "type"), "print", request_field(req, "print")),
            &answer, &e)
        == 0) {
        respond_flash(res, "ok", "The host key of %s is confirmed. Now press Check.",
                      row_text(row, "slug"));
        return respond_redirect(res, "/servers/%s", row_text(row, "slug"));
    }
    if (e.code != ERR_CONFLICT && e.code != ERR_INPUT && e.code != ERR_REMOTE) {
        *err = e;
        return -1;
    }
    page = server_page_model(row);
    page_error(page, "print", e.user);
    return respond_server(req, res, e.code == ERR_CONFLICT ? 409 : 422, row, page, err);
}

/* A check that is under way already is the answer to a second click. */
int server_check(struct request *req, struct response *res, struct err *err)
{
    json_t *row = NULL, *jobs = NULL;
    struct job_added added;
    struct job_request job = {.kind = "check", .lock_class = "none", .verb = "check.request"};
    if (server_by_slug(req->db, request_param(req, 0), &row, err) != 0
        || job_list_of_server(req->db, row_text(row, "id"), JOBS_SHOWN, &jobs, err) != 0)
        return -1;
    if (!row_has(row, "pin_print"))
        return err_set(err, ERR_CONFLICT,
                       "The host key of %s is not confirmed yet. Open its page, ask for the key "
                       "and confirm it; then check.",
                       row_text(row, "slug"));
    if (json_is_null(running_check(jobs))) {
        job.server_id = row_text(row, "id");
        job.target_name = row_text(row, "slug");
        if (submit_job(req, &job, &added, err) != 0)
            return -1;
    }
    return respond_redirect(res, "/servers/%s", row_text(row, "slug"));
}

/* One job for all of them, at the same time. */
int servers_check(struct request *req, struct response *res, struct err *err)
{
    struct job_added added;
    struct job_request job = {.kind = "check",
                              .lock_class = "none",
                              .verb = "check.request",
                              .target_name = "all servers"};
    if (submit_job(req, &job, &added, err) != 0)
        return -1;
    return respond_redirect(res, "/jobs/%s", added.id);
}
