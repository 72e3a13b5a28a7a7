/* compose_changes.c - what a new Compose file means for each of its containers. */
#include "lib/domain/compose_changes.h"

#include <string.h>
#include "lib/base/str.h"
#include "tests/tap.h"

static struct err err;

static const char *BASE = "x-common: &common\n  restart: always\n"
                          "services:\n"
                          "  web:\n    <<: *common\n    image: a/web:${TAG}\n"
                          "    environment:\n      URL: ${DATABASE_URL}\n"
                          "  db:\n    image: postgres:16\n    env_file: [.env]\n"
                          "  tool:\n    image: a/tool:1\n    profiles: [debug]\n"
                          "networks:\n  front: {}\n";

/* BASE with one text in it replaced. */
static const char *with(const char *old, const char *new)
{
    static char text[2000];
    const char *at = strstr(BASE, old);
    CHECK(at != NULL);
    snprintf(text, sizeof text, "%.*s%s%s", (int)(at - BASE), BASE, new, at + strlen(old));
    return text;
}

/* The names of the services of which this is said, in order, with blanks between. */
static const char *those(const char *before, const char *after, const char *field)
{
    static char names[200];
    static const char *const all[] = {"web", "db", "tool", "new"};
    json_t *changes = NULL;
    names[0] = '\0';
    CHECK(compose_changes(before, after, &changes, &err) == 0);
    for (size_t i = 0; i < COUNT_OF(all); i++) {
        if (!json_is_true(json_object_get(json_object_get(changes, all[i]), field)))
            continue;
        size_t used = strlen(names);
        snprintf(names + used, sizeof names - used, "%s%s", used > 0 ? " " : "", all[i]);
    }
    json_decref(changes);
    return names;
}

static void a_service_changes_when_its_own_part_does(void)
{
    CHECK_STR(those(BASE, BASE, "is_changed"), "");
    CHECK_STR(
        those(BASE, with("env_file: [.env]", "env_file: [.env]\n    user: '5'"), "is_changed"),
        "db");
    CHECK_STR(those(BASE, with("restart: always", "restart: \"no\""), "is_changed"), "web");
    CHECK_STR(those(BASE, with("networks:", "# a comment\nnetworks:"), "is_changed"), "");
}

static void the_image_is_told_by_its_digest_and_not_by_its_name(void)
{
    CHECK_STR(those(BASE, with("postgres:16", "postgres:17"), "is_changed"), "");
}

static void what_stands_outside_of_services_concerns_all_of_them(void)
{
    CHECK_STR(those(BASE, with("front: {}", "front: {internal: true}"), "is_changed"),
              "web db tool");
    CHECK_STR(those(BASE, with("networks:\n  front: {}\n", ""), "is_changed"), "web db tool");
}

static void new_ones_and_those_with_a_profile(void)
{
    CHECK_STR(those(BASE, with("  db:", "  new:\n    image: x\n  db:"), "is_new"), "new");
    CHECK_STR(those("", BASE, "is_new"), "web db tool");
    CHECK_STR(those("", BASE, "is_changed"), "");
    CHECK_STR(those(BASE, BASE, "is_optional"), "tool");
}

static void a_service_is_made_with_the_variables_that_it_names(void)
{
    json_t *changes = NULL, *uses;
    CHECK(compose_changes(BASE, BASE, &changes, &err) == 0);
    CHECK_STR(those(BASE, BASE, "reads_all"), "db");
    uses = json_object_get(json_object_get(changes, "web"), "uses");
    CHECK_INT(json_array_size(uses), 2);
    CHECK_STR(json_string_value(json_array_get(uses, 1)), "DATABASE_URL");
    CHECK_INT(json_array_size(json_object_get(json_object_get(changes, "db"), "uses")), 0);
    json_decref(changes);
}

static void what_is_no_compose_file_is_refused(void)
{
    json_t *changes = NULL;
    CHECK(compose_changes(BASE, "services: [", &changes, &err) != 0);
    CHECK(err.code == ERR_INPUT);
    CHECK(compose_changes("a: b: c", BASE, &changes, &err) != 0);
    CHECK(changes == NULL);
}

int main(void)
{
    TAP_RUN(a_service_changes_when_its_own_part_does);
    TAP_RUN(the_image_is_told_by_its_digest_and_not_by_its_name);
    TAP_RUN(what_stands_outside_of_services_concerns_all_of_them);
    TAP_RUN(new_ones_and_those_with_a_profile);
    TAP_RUN(a_service_is_made_with_the_variables_that_it_names);
    TAP_RUN(what_is_no_compose_file_is_refused);
    return tap_done();
}
