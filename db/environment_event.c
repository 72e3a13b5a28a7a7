/* environment_event.c - see environment_event.h. */
#include "db/environment_event.h"

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text == NULL ? "" : text;
}

int environment_event(struct db *db, const struct actor *actor, const json_t *environment,
                      const char *verb, json_t *detail, struct err *err)
{
    struct audit_entry entry = {.actor = actor,
                                .verb = verb,
                                .target_kind = "environment",
                                .target_id = text_of(environment, "id"),
                                .target_name = text_of(environment, "slug"),
                                .app_id = text_of(environment, "app_id"),
                                .environment_id = text_of(environment, "id"),
                                .detail = detail};
    return audit_append(db, &entry, err);
}
