/* plans.c - looks at servers before a deploy, read back from the rows of their jobs (plans.h). */
#include "db/plans.h"

#include <stdio.h>
#include <string.h>
#include "lib/base/str.h"
#include "lib/domain/images.h"
#include "statements.h"

#define DIGEST_MAX 600

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text == NULL ? "" : text;
}

int plan_newest(struct db *db, const char *environment_id, json_t **looks, struct err *err)
{
    struct stmt *s = db_use(db, SQL_PLAN_NEWEST);
    db_bind_text(s, ":environment_id", environment_id);
    return db_rows_json(s, looks, err);
}

int plan_hosts(struct db *db, const char *job_id, json_t **hosts, struct err *err)
{
    struct stmt *s = db_use(db, SQL_PLAN_LOOKS);
    db_bind_text(s, ":job_id", job_id);
    return db_rows_json(s, hosts, err);
}

void plan_field(const char *line, int field, char *dst, size_t size)
{
    const char *end;
    dst[0] = '\0';
    for (; field > 0 && line != NULL; field--) {
        line = strchr(line, '\t');
        line = line == NULL ? NULL : line + 1;
    }
    if (line == NULL)
        return;
    end = strchr(line, '\t');
    size_t len = end == NULL ? strlen(line) : (size_t)(end - line);
    if (len >= size)
        return;
    memcpy(dst, line, len);
    dst[len] = '\0';
}

/* What one server says that this service would run; "" when it does not know. */
static void digest_on(const json_t *host, const char *service, char digest[DIGEST_MAX])
{
    const char *key;
    json_t *value;
    char name[80];
    digest[0] = '\0';
    json_object_foreach(json_object_get(host, "results"), key, value)
    {
        if (!str_starts(key, "planned_") || !json_is_string(value))
            continue;
        plan_field(json_string_value(value), PLAN_SERVICE, name, sizeof name);
        if (str_equal(name, service))
            plan_field(json_string_value(value), PLAN_DIGEST, digest, DIGEST_MAX);
    }
}

static void add_image(json_t *images, const json_t *hosts, const json_t *service)
{
    const char *name = text_of(service, "name");
    char agreed[DIGEST_MAX] = "", digest[DIGEST_MAX];
    const json_t *host;
    size_t i;
    json_array_foreach(hosts, i, host)
    {
        if (!str_equal(text_of(host, "state"), "ok"))
            continue;
        digest_on(host, name, digest);
        if (!images_is_digest_of(digest, text_of(service, "reference"))
            || (agreed[0] != '\0' && strcmp(agreed, digest) != 0))
            return;
        memcpy(agreed, digest, sizeof agreed);
    }
    if (agreed[0] != '\0')
        json_object_set_new(images, name, json_string(agreed));
}

json_t *plan_images(const json_t *hosts, const json_t *services)
{
    json_t *images = json_object();
    const json_t *service;
    size_t i;
    json_array_foreach(services, i, service) add_image(images, hosts, service);
    return images;
}

static int find_look(struct db *db, const struct plan_choice *choice, json_t **look,
                     struct err *err)
{
    struct err why = {0};
    struct stmt *s = db_use(db, SQL_PLAN_BY_ID);
    db_bind_text(s, ":id", choice->job_id);
    db_bind_text(s, ":environment_id", choice->environment_id);
    *look = NULL;
    if (db_row_json(s, look, &why) == 0 || why.code == ERR_NOT_FOUND)
        return 0;
    if (err != NULL)
        *err = why;
    return -1;
}

/* A digest holds for the names it was found by: those of this version and these settings. */
static bool is_of(const json_t *look, const json_t *basis)
{
    const json_t *was = json_object_get(look, "basis");
    return str_equal(text_of(look, "state"), "ended")
           && json_equal(json_object_get(was, "version"), json_object_get(basis, "version"))
           && json_equal(json_object_get(was, "settings_sha256"),
                         json_object_get(basis, "settings_sha256"));
}

int plan_add_images(struct db *db, const struct plan_choice *choice, json_t *basis, struct err *err)
{
    json_t *look = NULL, *hosts = NULL, *services = NULL, *images = NULL;
    int rc = -1;
    if (find_look(db, choice, &look, err) != 0)
        return -1;
    if (look == NULL || !is_of(look, basis)) {
        rc = 0;
        goto out;
    }
    if (plan_hosts(db, choice->job_id, &hosts, err) != 0
        || images_of_settings(choice->settings, text_of(basis, "version"), &services, err) != 0)
        goto out;
    images = plan_images(hosts, services);
    if (json_object_size(images) > 0) {
        json_object_set_new(basis, "planned", json_string(choice->job_id));
        json_object_set(basis, "images", images);
    }
    rc = 0;
out:
    json_decref(look);
    json_decref(hosts);
    json_decref(services);
    json_decref(images);
    return rc;
}
