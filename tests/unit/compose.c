/* Claims about reading Compose files: mistakes are named with line and column, images and ports are
 * seen as an engine would see them, and hostile YAML costs little. */
#include <jansson.h>
#include <string.h>
#include "lib/base/clock.h"
#include "lib/domain/compose.h"
#include "lib/yaml/yaml_read.h"
#include "tests/tap.h"

static bool refused(const char *text, const char *sentence)
{
    struct err err = {0};
    if (compose_check("settings.compose", text, &err) == 0) {
        printf("# accepted: %.60s\n", text);
        return false;
    }
    bool named = err.code == ERR_INPUT && strcmp(err.field, "settings.compose") == 0
                 && strstr(err.user, sentence) != NULL;
    if (!named)
        printf("# said: %s\n", err.user);
    return named;
}

static bool accepted(const char *text)
{
    struct err err = {0};
    if (compose_check("f", text, &err) == 0)
        return true;
    printf("# refused: %s\n", err.user);
    return false;
}

static void a_mistake_in_the_yaml_is_named_with_line_and_column(void)
{
    CHECK(refused("services:\n  web:\n    image: a\n   ports: x\n", "Line 4, column 4: "));
    CHECK(refused("services:\n  web:\n    image: a\n    ports: [\n  x: y\n", "Line 6, column 1: "));
    CHECK(refused("services:\n\tweb: {}\n", "Line 2, column 1: "));
    CHECK(refused("services:\n  web:\n    image: \"a\n", "Line 4, column 1: "));
    CHECK(refused("services: *nowhere\n", "Line 1, column 11: the alias *nowhere"));
    CHECK(refused("services:\n  web: {image: a}\n  web: {image: b}\n",
                  "Line 3, column 3: the key \"web\" stands here for the second time"));
    CHECK(refused("services: {a: {image: b}}\n---\nx: y\n", "Line 2, column 1: a second document"));
}

static void a_mistake_in_the_structure_is_named_with_line_and_column(void)
{
    CHECK(refused("", "empty"));
    CHECK(refused("- a\n", "Line 1, column 1: a Compose file is a mapping"));
    CHECK(refused("version: '3'\n", "no \"services:\""));
    CHECK(refused("services: []\n", "Line 1, column 1: \"services\" must be a mapping"));
    CHECK(
        refused("services:\n  web:\n    imge: a\n",
                "Line 3, column 5: \"imge\" is no setting of a service; did you mean \"image\"?"));
    CHECK(refused("service:\n  web:\n    image: a\n",
                  "Line 1, column 1: \"service\" is no part of a "
                  "Compose file; did you mean \"services\"?"));
    CHECK(refused("services:\n  web:\n    build: .\n",
                  "Line 2, column 3: The service \"web\" has no image"));
    CHECK(refused("services:\n  a b:\n    image: x\n", "Line 2, column 3: A service's name"));
    CHECK(refused("services:\n  web: hello\n",
                  "Line 2, column 3: The service \"web\" must be a mapping, and is text"));
    CHECK(refused("services:\n  web:\n    image: [a]\n",
                  "Line 2, column 3: The image of the service"));
}

static void files_that_engines_take_are_taken(void)
{
    CHECK(accepted("services: {web: {image: a}}"));
    CHECK(accepted("version: \"3.8\"\nname: x\nx-common: &c\n  restart: always\nservices:\n  "
                   "web:\n    <<: *c\n"
                   "    image: ${IMG:-a:1}\n    a_key_of_tomorrow: 1\n    x-mine: y\nvolumes:\n  "
                   "d: ~\nnetworks:\n  n:\n"));
    CHECK(accepted("services:\r\n  web:\r\n    image: a\r\n"));
    CHECK(accepted("\xef\xbb\xbfservices:\n  web:\n    image: a\n"));
    CHECK(accepted("x-image: &image {image: a}\nservices:\n  web:\n    <<: *image\n"));
}

static const json_t *find(const json_t *services, const char *name)
{
    const json_t *service;
    size_t i;
    json_array_foreach(
        services, i, service) if (strcmp(json_string_value(json_object_get(service, "name")), name)
                                  == 0) return service;
    return NULL;
}

static const char *text_of(const json_t *services, const char *name, const char *key)
{
    const char *text = json_string_value(json_object_get(find(services, name), key));
    return text == NULL ? "(none)" : text;
}

static bool is(const json_t *services, const char *name, const char *key)
{
    return json_is_true(json_object_get(find(services, name), key));
}

static void images_have_their_variables_filled_in(void)
{
    json_t *services = NULL, *variables = json_pack("{s:s, s:s}", "TAG", "1.4.0", "EMPTY", "");
    struct err err = {0};
    CHECK(compose_services("services:\n"
                           "  a: {image: 'r.example:5000/x/a:${TAG}'}\n"
                           "  b: {image: 'b:${NONE:-7}'}\n"
                           "  c: {image: 'c:${EMPTY:-8}'}\n"
                           "  d: {image: 'd:${EMPTY-9}x'}\n"
                           "  e: {image: 'e:$TAG'}\n"
                           "  f: {image: 'f:${OTHER}'}\n"
                           "  g: {image: 'g:${TAG:+set}'}\n"
                           "  h: {image: 'h:${TAG:?needed}'}\n"
                           "  i: {image: 'i@sha256:00'}\n"
                           "  j: {image: 'r.example:5000/j'}\n"
                           "  k: {image: 'k:latest'}\n",
                           variables, &services, &err)
          == 0);
    CHECK_STR(text_of(services, "a", "reference"), "r.example:5000/x/a:1.4.0");
    CHECK_STR(text_of(services, "b", "reference"), "b:7");
    CHECK_STR(text_of(services, "c", "reference"), "c:8");
    CHECK_STR(text_of(services, "d", "reference"), "d:x");
    CHECK_STR(text_of(services, "e", "reference"), "e:1.4.0");
    CHECK_STR(text_of(services, "f", "reference"), "f:${OTHER}");
    CHECK(!is(services, "f", "is_complete") && is(services, "a", "is_complete"));
    CHECK_STR(text_of(services, "g", "reference"), "g:set");
    CHECK_STR(text_of(services, "h", "reference"), "h:1.4.0");
    CHECK(!is(services, "a", "is_moving") && !is(services, "i", "is_moving"));
    CHECK(is(services, "j", "is_moving") && is(services, "k", "is_moving"));
    json_decref(services);
    json_decref(variables);
}

static void ports_open_to_all_are_seen(void)
{
    json_t *services = NULL;
    struct err err = {0};
    CHECK(
        compose_services(
            "services:\n  w:\n    image: a:1\n    ports: ['127.0.0.1:1:1', '2:2', "
            "'0.0.0.0:3:3', '4', {published: 5, target: 5}, {published: 6, host_ip: 127.0.0.1}]\n",
            NULL, &services, &err)
        == 0);
    char *ports = json_dumps(json_object_get(find(services, "w"), "open_ports"), JSON_COMPACT);
    CHECK_STR(ports, "[\"2:2\",\"0.0.0.0:3:3\",\"5\"]");
    free(ports);
    json_decref(services);
}

static void a_used_variable_is_found(void)
{
    CHECK(compose_uses("image: a:${TAG}", "TAG") && compose_uses("a:$TAG", "TAG"));
    CHECK(compose_uses("a:${TAG:-1}", "TAG") && compose_uses("$$ ${A} ${TAG?}", "TAG"));
    CHECK(!compose_uses("a:$$TAG", "TAG") && !compose_uses("a:${TAGS}", "TAG"));
    CHECK(!compose_uses("a: TAG", "TAG") && !compose_uses("$", "TAG") && !compose_uses("$TAG", ""));
}

/* Each level holds nine times the one before: 9^8 values, were they copied. */
static void an_alias_bomb_costs_nothing(void)
{
    char text[2000] = "x0: &x0 [a, a, a, a, a, a, a, a, a]\n";
    for (int i = 1; i <= 8; i++) {
        size_t used = strlen(text);
        snprintf(text + used, sizeof text - used,
                 "x%d: &x%d [*x%d, *x%d, *x%d, *x%d, *x%d, *x%d, *x%d, *x%d, *x%d]\n", i, i, i - 1,
                 i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1);
    }
    struct err err = {0};
    struct yaml_text yaml;
    int64_t begun = clock_mono_ms();
    CHECK(yaml_read(text, strlen(text), &yaml, &err) == 0);
    yaml_text_free(&yaml);
    CHECK(clock_mono_ms() - begun < 2000);
}

static void depth_and_number_of_values_have_a_limit(void)
{
    struct err err = {0};
    struct yaml_text yaml;
    char deep[200], wide[YAML_NODES_MAX * 3];
    memset(deep, '[', 100);
    deep[100] = '\0';
    CHECK(yaml_read(deep, 100, &yaml, &err) != 0 && strstr(err.user, "deeper than") != NULL);
    for (size_t i = 0; i + 2 < sizeof wide; i += 2)
        memcpy(wide + i, i == 0 ? "[ " : "a,", 2);
    err = (struct err){0};
    CHECK(yaml_read(wide, sizeof wide - 2, &yaml, &err) != 0
          && strstr(err.user, "more than 20000") != NULL);
}

/* Every cut and every changed byte of a file: an error or a value, never a crash. */
static void damaged_files_are_refused_or_read(void)
{
    static const char text[] =
        "version: \"3\"\nservices:\n  web: &w\n    image: \"a:${T:-1}\"\n    ports:\n      - 1:1\n"
        "  db:\n    <<: *w\n    command: |\n      a\n      b\n";
    int read = 0;
    for (size_t i = 0; i < sizeof text - 1; i++) {
        for (int c = 0; c < 256; c += 5) {
            char copy[sizeof text];
            struct err err = {0};
            memcpy(copy, text, sizeof text);
            copy[i] = (char)c;
            read += compose_check("f", copy, &err) == 0 || err.user[0] != '\0';
        }
    }
    CHECK_INT(read, (int)(sizeof text - 1) * 52);
}

/* --- variables --- */

static const json_t *variable(const json_t *variables, const char *name)
{
    return find(variables, name);
}

static const char *services_of(const json_t *variables, const char *name)
{
    static char text[200];
    const json_t *service;
    size_t i;
    text[0] = '\0';
    json_array_foreach(json_object_get(variable(variables, name), "services"), i, service)
    {
        size_t used = strlen(text);
        snprintf(text + used, sizeof text - used, "%s%s", i > 0 ? " " : "",
                 json_string_value(service));
    }
    return text;
}

static long long line_of(const json_t *variables, const char *name)
{
    return json_integer_value(json_object_get(variable(variables, name), "line"));
}

static void variables_are_listed_with_what_asks_for_them(void)
{
    json_t *variables = NULL;
    struct err err = {0};
    CHECK(compose_variables("# ${COMMENT}\n"
                            "x-common: &common\n"
                            "  environment: {SHARED: '${SHARED}'}\n"
                            "services:\n"
                            "  web:\n"
                            "    <<: *common\n"
                            "    image: r/web:${TAG:?which version}\n"
                            "    build: {context: ., args: {VITE_URL: '${VITE_URL}', TAG: $TAG}}\n"
                            "    ports: ['${PORT:-3000}:3000', '$$NOT:1']\n"
                            "  db:\n"
                            "    <<: *common\n"
                            "    image: db:${DB_TAG-${OTHER}}\n"
                            "    command: \"${A:+set} ${B?} ${PORT}\"\n"
                            "  job:\n"
                            "    image: a\n"
                            "    build: {args: [ALONE]}\n"
                            "    environment: [FROM_OUTSIDE, X=1]\n"
                            "name: ${PROJECT:-}\n",
                            &variables, &err)
          == 0);
    CHECK_INT(json_array_size(variables), 11);
    CHECK_STR(json_string_value(json_object_get(json_array_get(variables, 0), "name")), "SHARED");
    CHECK(is(variables, "TAG", "is_required") && !is(variables, "TAG", "is_build"));
    CHECK_STR(text_of(variables, "TAG", "message"), "which version");
    CHECK(is(variables, "VITE_URL", "is_build") && is(variables, "VITE_URL", "is_required"));
    CHECK(is(variables, "PORT", "is_required"));
    CHECK_STR(text_of(variables, "PORT", "default"), "3000");
    CHECK_STR(services_of(variables, "PORT"), "web db");
    CHECK_STR(services_of(variables, "SHARED"), "web db");
    CHECK(is(variables, "SHARED", "is_required") && !is(variables, "SHARED", "is_build"));
    CHECK(!is(variables, "DB_TAG", "is_required") && !is(variables, "OTHER", "is_required"));
    CHECK_STR(text_of(variables, "DB_TAG", "default"), "${OTHER}");
    CHECK(!is(variables, "A", "is_required") && is(variables, "B", "is_required"));
    CHECK(is(variables, "ALONE", "is_build") && !is(variables, "ALONE", "is_required"));
    CHECK(!is(variables, "FROM_OUTSIDE", "is_build"));
    CHECK_STR(services_of(variables, "FROM_OUTSIDE"), "job");
    CHECK(!is(variables, "PROJECT", "is_required"));
    CHECK_STR(text_of(variables, "PROJECT", "default"), "");
    CHECK_STR(services_of(variables, "PROJECT"), "");
    CHECK(variable(variables, "COMMENT") == NULL && variable(variables, "NOT") == NULL);
    CHECK_INT(line_of(variables, "SHARED"), 3);
    CHECK_INT(line_of(variables, "TAG"), 7);
    CHECK_INT(line_of(variables, "VITE_URL"), 8);
    CHECK_INT(line_of(variables, "ALONE"), 16);
    CHECK_INT(line_of(variables, "FROM_OUTSIDE"), 17);
    CHECK_INT(line_of(variables, "PROJECT"), 18);
    CHECK(json_object_get(variable(variables, "TAG"), "in_build") == NULL);
    CHECK(json_is_null(json_object_get(variable(variables, "TAG"), "default")));
    json_decref(variables);
}

static void what_is_no_mapping_has_no_variables(void)
{
    json_t *variables = NULL;
    struct err err = {0};
    CHECK(compose_variables("- ${A}\n", &variables, &err) != 0 && err.code == ERR_INPUT);
    CHECK(compose_variables("a: [\n", &variables, &err) != 0
          && strncmp(err.user, "Line 2, column 1: ", 18) == 0);
    CHECK(compose_variables("services: {a: null, b: 1}\n", &variables, &err) == 0
          && json_array_size(variables) == 0);
    json_decref(variables);
}

static void an_alias_bomb_has_no_variables_that_take_long(void)
{
    char text[2000] = "x0: &x0 ['$A', a, a, a, a, a, a, a, a]\n";
    for (int i = 1; i <= 8; i++) {
        size_t used = strlen(text);
        snprintf(text + used, sizeof text - used,
                 "x%d: &x%d [*x%d, *x%d, *x%d, *x%d, *x%d, *x%d, *x%d, *x%d, *x%d]\n", i, i, i - 1,
                 i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1);
    }
    struct err err = {0};
    json_t *variables = NULL;
    int64_t begun = clock_mono_ms();
    CHECK(compose_variables(text, &variables, &err) != 0 && strstr(err.user, "aliases") != NULL);
    CHECK(clock_mono_ms() - begun < 2000);
}

int main(void)
{
    TAP_RUN(variables_are_listed_with_what_asks_for_them);
    TAP_RUN(what_is_no_mapping_has_no_variables);
    TAP_RUN(an_alias_bomb_has_no_variables_that_take_long);
    TAP_RUN(a_mistake_in_the_yaml_is_named_with_line_and_column);
    TAP_RUN(a_mistake_in_the_structure_is_named_with_line_and_column);
    TAP_RUN(files_that_engines_take_are_taken);
    TAP_RUN(images_have_their_variables_filled_in);
    TAP_RUN(ports_open_to_all_are_seen);
    TAP_RUN(a_used_variable_is_found);
    TAP_RUN(an_alias_bomb_costs_nothing);
    TAP_RUN(depth_and_number_of_values_have_a_limit);
    TAP_RUN(damaged_files_are_refused_or_read);
    return tap_done();
}
