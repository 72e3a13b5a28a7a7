/* promotion.c - see promotion.h. */
#include "cgi/pages/promotion.h"

#include <string.h>
#include "cgi/pages/parts.h"
#include "cgi/pages/row.h"
#include "db/environments.h"
#include "db/secrets.h"
#include "lib/base/str.h"

const char *promotion_field(struct request *req, const char *name)
{
    return req->method == METHOD_POST ? request_field(req, name) : request_query(req, name);
}

int promotion_read(struct request *req, const json_t *card, struct promotion *promotion,
                   struct err *err)
{
    const char *from = promotion_field(req, "from"), *number_text = promotion_field(req, "release");
    int64_t number = 0;
    *promotion = (struct promotion){.card = NULL};
    if (from[0] == '\0')
        return err_set(err, ERR_CONFLICT, "Choose the environment whose release goes live here.");
    if (environment_card(req->db, row_text(card, "app_slug"), from, &promotion->card, err) != 0)
        return -1;
    if (number_text[0] == '\0')
        number = row_int(promotion->card, "live_number");
    else if (!str_to_int64(number_text, 1, INT64_MAX, &number))
        return err_set(err, ERR_NOT_FOUND, "There is no such release.");
    if (number == 0)
        return err_set(err, ERR_CONFLICT,
                       "Nothing is live in %.60s, so there is nothing to promote.", from);
    return environment_release_by_number(req->db, row_text(promotion->card, "id"), number,
                                         &promotion->release, err);
}

json_t *promotion_source(const struct promotion *promotion, const json_t *card)
{
    long long number = (long long)row_int(promotion->release, "number");
    return json_pack("{s:o, s:o, s:s}", "label", part_text("v%lld", number), "href",
                     part_text("/apps/%s/%s/releases/%lld", row_text(card, "app_slug"),
                               row_text(promotion->card, "slug"), number),
                     "environment", row_text(promotion->card, "slug"));
}

/* --- what is new --- */

static void add_change(json_t *list, json_t *name, json_t *before, json_t *after)
{
    bool is_changed = !json_equal(before, after);
    json_array_append_new(list, json_pack("{s:o, s:o, s:o, s:b}", "name", name, "before", before,
                                          "after", after, "is_changed", (int)is_changed));
}

static json_t *set_text(int64_t number)
{
    return number > 0 ? part_set_label(number) : json_string("none");
}

static json_t *digest_text(const json_t *image)
{
    const char *digest = strstr(row_text(image, "digest"), "sha256:");
    return digest == NULL ? json_string(row_text(image, "digest")) : part_text("%.19s", digest);
}

static size_t count_settings(const json_t *was, const json_t *is)
{
    const char *key;
    json_t *value;
    size_t changed = 0;
    json_object_foreach((json_t *)(uintptr_t)is, key, value) changed +=
        !json_equal(value, json_object_get(was, key));
    return changed;
}

int promotion_changes(struct request *req, const json_t *card, const struct promotion_new *next,
                      json_t **changes, struct err *err)
{
    const json_t *of = next->of;
    json_t *live = NULL, *image, *list = json_array();
    const char *service;
    if (environment_release(req->db, row_text_or_null(card, "live_release_id"), &live, err) != 0)
        return -1;
    size_t changed = count_settings(json_object_get(live, "settings"), next->settings);
    add_change(list, json_string("Version"), json_string(row_text(live, "version")),
               json_string(row_text(of, "version")));
    if (row_text(of, "artefact_sha256")[0] != '\0')
        add_change(list, json_string("Artefact"),
                   part_short_hash(row_text(live, "artefact_sha256")),
                   part_short_hash(row_text(of, "artefact_sha256")));
    json_object_foreach(json_object_get(of, "images"), service, image) add_change(
        list, part_text("Image of %.64s", service),
        digest_text(json_object_get(json_object_get(live, "images"), service)), digest_text(image));
    add_change(list, json_string("Secret set"), set_text(row_int(live, "secret_set")),
               set_text(row_int(next->basis, "secret_set")));
    add_change(list, json_string("Settings"), json_string("as they are"),
               changed == 0 || !json_is_object(live) ? json_string("as they are")
                                                     : part_text("%zu changed", changed));
    *changes = list;
    return 0;
}

int promotion_secrets(struct request *req, const struct promotion *promotion, const json_t *card,
                      const json_t *basis, json_t **differences, struct err *err)
{
    struct secret_place from = {row_text(promotion->card, "id"),
                                row_int(promotion->release, "secret_set")},
                        to = {row_text(card, "id"), row_int(basis, "secret_set")};
    return secret_set_across(req->db, &from, &to, differences, err);
}

/* --- the offer --- */

int promotion_list(struct request *req, const json_t *card, json_t **list, struct err *err)
{
    json_t *cards = NULL;
    const json_t *other;
    size_t i;
    *list = json_array();
    if (environment_cards(req->db, row_text(card, "app_id"), &cards, err) != 0)
        return -1;
    json_array_foreach(cards, i, other)
    {
        if (str_equal(row_text(other, "id"), row_text(card, "id")) || !row_has(other, "live_number")
            || !str_equal(row_text(other, "recipe"), row_text(card, "recipe")))
            continue;
        json_array_append_new(
            *list,
            json_pack("{s:s, s:s, s:o, s:o}", "text", row_text(other, "slug"), "version",
                      row_text(other, "live_version"), "label",
                      part_text("v%lld", (long long)row_int(other, "live_number")), "href",
                      part_text("/apps/%s/%s/operate/promote?from=%s", row_text(card, "app_slug"),
                                row_text(card, "slug"), row_text(other, "slug"))));
    }
    return 0;
}
