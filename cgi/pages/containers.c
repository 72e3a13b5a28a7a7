/* containers.c - results service_<n> of the last step that looked, as rows of a table
 * (containers.h). They come from a target: every field is read with care, and a line without all of
 * them is left out. */
#include "cgi/pages/containers.h"

#include <stdio.h>
#include <string.h>
#include "cgi/pages/parts.h"
#include "cgi/pages/row.h"
#include "db/jobs_web.h"
#include "lib/base/str.h"

#define FIELDS       8
#define SERVICES_MAX 64
#define PORTS_MAX    30

enum field { SERVICE, CONTAINER, STATUS, HEALTH, RESTARTS, IMAGE, PORTS, EXIT_CODE };

/* Cut a copy of the text at its tabs; false when there are not enough of them. */
static bool cut(char *text, char *fields[FIELDS])
{
    for (int i = 0; i < FIELDS; i++) {
        char *tab = strchr(text, '\t');
        fields[i] = text;
        if (i == FIELDS - 1)
            return true;
        if (tab == NULL)
            return false;
        *tab = '\0';
        text = tab + 1;
    }
    return false;
}

static json_t *status_of(char *const fields[FIELDS])
{
    const char *status = fields[STATUS], *health = fields[HEALTH];
    if (strcmp(status, "running") != 0) {
        bool done = strcmp(status, "exited") == 0 && strcmp(fields[EXIT_CODE], "0") == 0;
        if (done)
            return part_status("ok", "Ended well");
        if (strcmp(status, "exited") == 0) {
            char text[60];
            (void)snprintf(text, sizeof text, "Ended with %.10s", fields[EXIT_CODE]);
            return part_status("failed", text);
        }
        return part_status("warn", strcmp(status, "restarting") == 0 ? "Restarting"
                                   : strcmp(status, "paused") == 0   ? "Paused"
                                                                     : "Not running");
    }
    if (strcmp(health, "healthy") == 0)
        return part_status("ok", "Healthy");
    if (strcmp(health, "unhealthy") == 0)
        return part_status("failed", "Unhealthy");
    return part_status("ok", strcmp(health, "starting") == 0 ? "Starting" : "Running");
}

/* "127.0.0.1:8000->8000/tcp 9000/tcp": those with an arrow are published. */
static json_t *ports_of(char *text)
{
    json_t *list = json_array();
    char *rest = text;
    for (char *word = strsep(&rest, " "); word != NULL && json_array_size(list) < PORTS_MAX;
         word = strsep(&rest, " ")) {
        char *arrow = strstr(word, "->");
        if (word[0] == '\0')
            continue;
        bool is_open = str_starts(word, "0.0.0.0:") || str_starts(word, ":::");
        if (arrow != NULL)
            *arrow = '\0';
        json_array_append_new(list, arrow == NULL
                                        ? json_pack("{s:s, s:b}", "text", word, "is_open", 0)
                                        : json_pack("{s:o, s:b}", "text",
                                                    part_text("%.60s → %.20s", word, arrow + 2),
                                                    "is_open", (int)is_open));
    }
    return list;
}

/* "name@sha256:0123456789ab…" and a local id: short, whole in the title. */
static json_t *short_image(const char *image)
{
    const char *digest = strstr(image, "sha256:");
    if (digest == NULL)
        return json_string(image);
    return part_text("%.*s%.12s", (int)(digest - image < 200 ? digest - image : 200), image,
                     digest + strlen("sha256:"));
}

static json_t *container_of(const char *text, const char *server)
{
    char copy[1024], *fields[FIELDS];
    int64_t restarts = 0;
    if (!str_copy(copy, sizeof copy, text) || !cut(copy, fields))
        return NULL;
    (void)str_to_int64(fields[RESTARTS], 0, INT64_MAX, &restarts);
    json_t *row =
        json_pack("{s:s, s:s, s:s, s:o, s:I, s:b, s:s, s:o}", "service", fields[SERVICE],
                  "container", fields[CONTAINER], "server", server, "status", status_of(fields),
                  "restarts", (json_int_t)restarts, "is_restarted", (int)(restarts > 0), "image",
                  fields[IMAGE], "image_short", short_image(fields[IMAGE]));
    part_set_list(row, "ports", "has_ports", ports_of(fields[PORTS]));
    return row;
}

static void add_look(json_t *containers, const json_t *look)
{
    for (int n = 1; n <= SERVICES_MAX; n++) {
        char key[24];
        (void)snprintf(key, sizeof key, "service_%d", n);
        const char *text = row_text(json_object_get(look, "results"), key);
        json_t *row = text[0] == '\0' ? NULL : container_of(text, row_text(look, "server"));
        if (row != NULL)
            json_array_append_new(containers, row);
    }
}

int containers_model(struct request *req, const char *environment_id, json_t **model,
                     struct err *err)
{
    json_t *looks = NULL, *containers = json_array();
    const json_t *look, *first = NULL;
    int64_t hosts_seen = -1, servers = 0;
    size_t i;
    if (job_read_looks(req->db, environment_id, &looks, err) != 0)
        return -1;
    json_array_foreach(looks, i, look)
    {
        if (first == NULL)
            first = look;
        if (!str_equal(row_text(look, "job_id"), row_text(first, "job_id")))
            break;
        if (hosts_seen == row_int(look, "host")) /* an earlier look of the same host */
            continue;
        hosts_seen = row_int(look, "host");
        servers++;
        add_look(containers, look);
    }
    *model = json_object();
    part_set_list(*model, "containers", "has_containers", containers);
    json_object_set_new(*model, "has_servers", json_boolean(servers > 1));
    json_object_set_new(*model, "seen", part_time(row_int(first, "ended_at")));
    json_object_set_new(*model, "job_href",
                        part_text(first == NULL ? "%s" : "/jobs/%s", row_text(first, "job_id")));
    return 0;
}
