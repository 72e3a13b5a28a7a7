/* plan_view.c - the look at the servers as a page shows it (plan_look.h): per server when it was
 * seen, what becomes of its containers and whether there is room; the images by content; the
 * Compose file as a diff. What nobody saw is not known, and said so. */
#include <stdio.h>
#include <string.h>
#include "cgi/pages/lines.h"
#include "cgi/pages/parts.h"
#include "cgi/pages/plan_look.h"
#include "cgi/pages/row.h"
#include "db/plans.h"
#include "db/secrets.h"
#include "lib/base/str.h"
#include "lib/crypto/crypto.h"
#include "lib/domain/compose_changes.h"

#define FIELD_MAX 620

/* What is read once for all servers. */
struct plan_read {
    const struct plan_view *v;
    json_t *changes, *keys;
    bool all_seen, replaces; /* every server was seen; some container is made anew */
};

static const char *compose_of(const json_t *settings)
{
    return row_text(settings, "compose");
}

/* --- images --- */

static json_t *short_digest(const char *digest)
{
    const char *hash = strstr(digest, "sha256:");
    return hash == NULL ? json_string(digest) : part_text("%.19s…", hash);
}

static json_t *size_text(const char *bytes, const char *here)
{
    int64_t number = 0;
    if (str_equal(here, "yes"))
        return json_string("on the server already");
    if (bytes[0] == '\0' || !str_to_int64(bytes, 0, INT64_MAX, &number))
        return json_string("size not known");
    return part_text("%s at most to pull", json_string_value(part_size(number)));
}

static json_t *image_model(const struct plan_view *v, const char *line)
{
    char name[80], after[FIELD_MAX], runs[FIELD_MAX], bytes[24], here[8], reason[300];
    const char *pinned;
    plan_field(line, PLAN_SERVICE, name, sizeof name);
    plan_field(line, PLAN_DIGEST, after, sizeof after);
    plan_field(line, PLAN_RUNS, runs, sizeof runs);
    plan_field(line, PLAN_BYTES, bytes, sizeof bytes);
    plan_field(line, PLAN_HERE, here, sizeof here);
    plan_field(line, PLAN_REASON, reason, sizeof reason);
    pinned = row_text(json_object_get(v->basis, "images"), name);
    if (after[0] != '\0' && pinned[0] == '\0' && !row_has(v->basis, "replays"))
        (void)str_copy(reason, sizeof reason,
                       "the servers do not agree; it is what the first one pulls");
    return json_pack("{s:s, s:o, s:o, s:o, s:b, s:b, s:s}", "service", name, "before",
                     short_digest(runs), "after", short_digest(after), "size_text",
                     after[0] == '\0' ? json_string("") : size_text(bytes, here), "is_changed",
                     (int)(after[0] != '\0' && strcmp(after, runs) != 0), "is_known",
                     (int)(after[0] != '\0'), "note", reason);
}

/* As the first server that was seen has them. */
static json_t *images_of(const struct plan_view *v)
{
    json_t *list = json_array(), *value;
    const json_t *host;
    const char *key;
    size_t i;
    json_array_foreach(v->look->hosts, i, host)
    {
        if (!str_equal(row_text(host, "state"), "ok"))
            continue;
        json_object_foreach(json_object_get(host, "results"), key,
                            value) if (json_is_string(value) && str_starts(key, "planned_"))
            json_array_append_new(list, image_model(v, json_string_value(value)));
        break;
    }
    return list;
}

/* --- one server --- */

static json_t *disk_model(const char *line)
{
    char what[40], folder[300], have[24], need[24];
    int64_t have_kb = -1, need_kb = -1;
    json_t *text;
    plan_field(line, 0, what, sizeof what);
    plan_field(line, 1, folder, sizeof folder);
    plan_field(line, 2, have, sizeof have);
    plan_field(line, 3, need, sizeof need);
    if (!str_to_int64(have, 0, INT64_MAX / 1024, &have_kb))
        return json_pack("{s:s, s:s, s:s, s:b}", "what", what, "folder", folder, "text",
                         "how much is free is not known", "is_short", 0);
    if (!str_to_int64(need, 0, INT64_MAX / 1024, &need_kb))
        text = part_text("%s free; how much is needed is not known",
                         json_string_value(part_size(have_kb * 1024)));
    else
        text =
            part_text("%s free, %s needed at least", json_string_value(part_size(have_kb * 1024)),
                      json_string_value(part_size(need_kb * 1024)));
    return json_pack("{s:s, s:s, s:o, s:b}", "what", what, "folder", folder, "text", text,
                     "is_short", (int)(need_kb > have_kb));
}

static json_t *disks_of(const json_t *host)
{
    json_t *list = json_array(), *value;
    const char *key;
    json_object_foreach(json_object_get(host, "results"), key,
                        value) if (json_is_string(value) && str_starts(key, "disk_"))
        json_array_append_new(list, disk_model(json_string_value(value)));
    return list;
}

/* The file that is there against the one that Windlass wrote. */
static json_t *file_note(const struct plan_view *v, const char *line)
{
    char name[100], there[80], wrote[CRYPTO_HASH_HEX];
    uint8_t hash[CRYPTO_HASH_BYTES];
    const char *text = compose_of(json_object_get(v->live, "settings"));
    plan_field(line, 0, name, sizeof name);
    plan_field(line, 1, there, sizeof there);
    crypto_sha256(text, strlen(text), hash);
    crypto_hex(wrote, sizeof wrote, hash, sizeof hash);
    if (!json_is_object(v->live))
        return str_equal(there, "none")
                   ? NULL
                   : part_text("There is a %s already: it is replaced, and kept for going back.",
                               name);
    if (str_equal(there, "none"))
        return part_text("%s is gone from the folder; it is written again.", name);
    if (str_equal(there, "unreadable"))
        return part_text("%s cannot be read there.", name);
    return str_equal(there, wrote)
               ? NULL
               : part_text("%s was changed on the server since v%lld: what is there is replaced.",
                           name, (long long)row_int(v->live, "number"));
}

static json_t *notes_of(const struct plan_view *v, const json_t *host)
{
    json_t *notes = json_array(), *value, *note;
    const json_t *results = json_object_get(host, "results");
    const char *key, *there = row_text(results, "live"), *live = row_text(v->live, "version");
    json_object_foreach((json_t *)(uintptr_t)results, key, value)
    {
        if (!json_is_string(value) || !str_starts(key, "file_"))
            continue;
        note = file_note(v, json_string_value(value));
        if (note != NULL)
            json_array_append_new(notes, note);
    }
    if (!str_equal(there, live) && (there[0] != '\0' || live[0] != '\0'))
        json_array_append_new(notes, part_text("By its own notes it runs %s, not %s.",
                                               there[0] == '\0' ? "nothing of Windlass" : there,
                                               live[0] == '\0' ? "nothing" : live));
    return notes;
}

static json_t *status_of(const json_t *host)
{
    const char *state = row_text(host, "state"), *verdict = row_text(host, "verdict");
    if (str_equal(state, "ok"))
        return part_status("ok", "Seen");
    if (verdict[0] == '\0')
        return part_status("running", "Being asked");
    return part_status(str_equal(verdict, "failed") ? "failed" : "unknown", "Not seen");
}

static json_t *host_model(struct plan_read *read, const json_t *host)
{
    bool is_seen = str_equal(row_text(host, "state"), "ok");
    struct plan_containers seen = {.host = host,
                                   .changes = read->changes,
                                   .keys = read->keys,
                                   .has_live = json_is_object(read->v->live)};
    json_t *model = json_pack("{s:s, s:o, s:o, s:s, s:o}", "name", row_text(host, "name"), "href",
                              part_text("/servers/%s", row_text(host, "name")), "status",
                              status_of(host), "cause", is_seen ? "" : row_text(host, "cause"),
                              "seen", is_seen ? part_time(row_int(host, "ended_at")) : json_null());
    read->all_seen = read->all_seen && is_seen;
    part_set_list(model, "containers", "has_containers",
                  is_seen ? plan_containers_model(&seen, &read->replaces) : json_array());
    part_set_list(model, "disks", "has_disks", is_seen ? disks_of(host) : json_array());
    part_set_list(model, "notes", "has_notes", is_seen ? notes_of(read->v, host) : json_array());
    return model;
}

/* Those beyond the first few: nobody asked them. */
static json_t *not_asked(const json_t *server)
{
    return json_pack("{s:s, s:o, s:o, s:s, s:n, s:[], s:b, s:[], s:b, s:[], s:b}", "name",
                     row_text(server, "slug"), "href",
                     part_text("/servers/%s", row_text(server, "slug")), "status",
                     part_status("unknown", "Not asked"), "cause", "", "seen", "containers",
                     "has_containers", 0, "disks", "has_disks", 0, "notes", "has_notes", 0);
}

static const json_t *find_host(const json_t *hosts, const char *server_id)
{
    const json_t *host;
    size_t i;
    json_array_foreach(hosts, i,
                       host) if (str_equal(row_text(host, "server_id"), server_id)) return host;
    return NULL;
}

static json_t *hosts_of(struct plan_read *read)
{
    json_t *list = json_array();
    const json_t *server, *host;
    size_t i;
    json_array_foreach(read->v->servers, i, server)
    {
        host = find_host(read->v->look->hosts, row_text(server, "id"));
        read->all_seen = read->all_seen && host != NULL;
        json_array_append_new(list, host == NULL ? not_asked(server) : host_model(read, host));
    }
    return list;
}

/* --- all of it --- */

static int read_changes(struct request *req, struct plan_read *read, struct err *err)
{
    const struct plan_view *v = read->v;
    const char *after = compose_of(v->settings);
    read->keys = json_array();
    if (after[0] != '\0'
        && compose_changes(compose_of(json_object_get(v->live, "settings")), after, &read->changes,
                           err)
               != 0)
        return -1;
    if (!json_is_object(v->live))
        return 0;
    return secret_set_difference(req->db, row_text(v->card, "id"), row_int(v->live, "secret_set"),
                                 row_int(v->basis, "secret_set"), &read->keys, err);
}

/* How long nothing serves: none of it where every server was seen and no container is made anew. */
static json_t *downtime_of(const struct plan_read *read, bool has_images)
{
    if (!json_is_object(read->v->live) || !read->all_seen || read->replaces || !has_images)
        return json_null();
    return json_pack("{s:s, s:s}", "text", "0 s", "why", "no container is replaced.");
}

static json_t *fields_of(const json_t *params)
{
    json_t *fields = json_array(), *value;
    const char *key;
    json_object_foreach((json_t *)(uintptr_t)params, key, value)
        json_array_append_new(fields, json_pack("{s:s, s:O}", "name", key, "value", value));
    return fields;
}

/* The page itself. */
static json_t *again_href(const struct plan_view *v)
{
    const char *app = row_text(v->card, "app_slug"), *env = row_text(v->card, "slug");
    if (row_has(v->basis, "replays"))
        return part_text("/apps/%s/%s/releases/%lld/rollback", app, env,
                         (long long)row_int(v->basis, "replays"));
    return part_text("/apps/%s/%s/deploy?version=%s", app, env, row_text(v->basis, "version"));
}

static json_t *frame_of(const struct plan_view *v)
{
    const struct plan_look *look = v->look;
    bool is_seen = look->row != NULL && str_equal(row_text(look->row, "state"), "ended");
    bool can_ask = recipe_plan(v->recipe) != NULL && json_array_size(v->servers) > 0;
    bool is_of_images =
        row_text(v->settings, "compose")[0] != '\0' || row_text(v->settings, "image")[0] != '\0';
    json_t *seen = is_seen ? part_time(row_int(look->row, "ended_at")) : json_null();
    return json_pack(
        "{s:b, s:b, s:b, s:b, s:b, s:s, s:o, s:o, s:o, s:o, s:s, s:o}", "is_seen", (int)is_seen,
        "is_running", (int)(look->row != NULL && !is_seen), "can_ask", (int)can_ask, "is_auto",
        (int)(can_ask && look->row == NULL && !look->was_tried), "is_of_images", (int)is_of_images,
        "refused", row_text(look->refused, "summary"), "job_href",
        look->row == NULL ? json_string("") : part_text("/jobs/%s", row_text(look->row, "id")),
        "seen", seen, "action",
        part_text("/apps/%s/%s/plan", row_text(v->card, "app_slug"), row_text(v->card, "slug")),
        "fields", fields_of(look->params), "planned", row_text(v->basis, "planned"), "again_href",
        again_href(v));
}

int plan_view_model(struct request *req, const struct plan_view *view, json_t **model,
                    struct err *err)
{
    struct plan_read read = {.v = view, .all_seen = true};
    json_t *images, *lines = NULL;
    if (read_changes(req, &read, err) != 0
        || lines_model(compose_of(json_object_get(view->live, "settings")),
                       compose_of(view->settings), &lines, err)
               != 0)
        return -1;
    *model = frame_of(view);
    part_set_list(*model, "hosts", "has_hosts",
                  view->look->row == NULL ? json_array() : hosts_of(&read));
    images = images_of(view);
    json_object_set_new(*model, "downtime", downtime_of(&read, json_array_size(images) > 0));
    part_set_list(*model, "images", "has_images", images);
    json_object_set_new(*model, "compose", lines);
    return 0;
}
