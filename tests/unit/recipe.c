/* Recipes: loading, hashing, and settings checked against what a recipe declares. */
#include "tests/tap.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/fs.h"
#include "lib/crypto/crypto.h"
#include "lib/domain/recipe.h"

static char root[] = "/tmp/wl-recipe-XXXXXX";

static const char SPEC[] =
    "{\"name\":\"demo\",\"title\":\"Demo\",\"summary\":\"A recipe.\",\"artefact\":\"tarball\","
    "\"capabilities\":[{\"id\":\"setsid\",\"why\":\"w\",\"fix\":\"f\"}],"
    "\"settings\":["
    "{\"key\":\"deploy_dir\",\"label\":\"Folder\",\"type\":\"target_path\",\"default\":\"apps/"
    "{app}-{env}\",\"required\":true},"
    "{\"key\":\"port\",\"label\":\"Port\",\"type\":\"port\",\"default\":8000,\"required\":true},"
    "{\"key\":\"keep\",\"label\":\"Keep\",\"type\":\"number\",\"min\":1,\"max\":20,\"default\":"
    "\"5\"},"
    "{\"key\":\"tries\",\"label\":\"Tries\",\"type\":\"number\"},"
    "{\"key\":\"kind\",\"label\":\"Kind\",\"type\":\"choice\",\"choices\":[\"unit\",\"command\"],"
    "\"default\":\"unit\"},"
    "{\"key\":\"unit\",\"label\":\"Unit\",\"type\":\"unit\",\"default\":\"\"},"
    "{\"key\":\"start\",\"label\":\"Start\",\"type\":\"command\"},"
    "{\"key\":\"health\",\"label\":\"Health\",\"type\":\"url_path\",\"default\":\"/health\","
    "\"required_unless\":\"note\"},"
    "{\"key\":\"note\",\"label\":\"Note\",\"type\":\"text\"},"
    "{\"key\":\"migrate\",\"label\":\"Migrate\",\"type\":\"bool\",\"default\":true}],"
    "\"shared\":[\"more.sh\"],\"downtime\":[{\"when\":\"unit\",\"text\":\"0 "
    "s\",\"why\":\"w1\"},{\"text\":\"some\",\"why\":\"w2\"}],"
    "\"steps\":[{\"id\":\"up\",\"title\":\"Upload\",\"mode\":\"upload\",\"deadline_s\":60},"
    "{\"id\":\"run\",\"title\":\"Run\",\"mode\":\"detached\",\"script\":\"run.sh\",\"deadline_s\":"
    "60,\"when\":\"start\"}],"
    "\"undo\":[{\"id\":\"back\",\"title\":\"Back\",\"mode\":\"health\",\"deadline_s\":60}]}";

#define TWIN(like)                                                                                 \
    "{\"name\":\"twin\",\"title\":\"Twin\",\"summary\":\"s\",\"like\":\"" like "\",\"steps\":["    \
    "{\"id\":\"run\",\"title\":\"Run\",\"mode\":\"detached\",\"script\":\"run.sh\",\"deadline_"    \
    "s\":60}]}"

static void write_file(const char *path, const char *text)
{
    char full[256];

    (void)snprintf(full, sizeof full, "%s/%s", root, path);
    CHECK(fs_write_atomic(full, text, strlen(text), 0644, NULL) == 0);
}

static void remove_file(const char *path)
{
    char full[256];

    (void)snprintf(full, sizeof full, "%s/%s", root, path);
    CHECK(unlink(full) == 0);
}

static struct recipe *load(const char *name)
{
    struct recipe *recipe = NULL;
    struct err err = {0};

    if (recipe_load(root, name, &recipe, &err) != 0)
        printf("# %s (%s)\n", err.user, err.detail);
    CHECK(recipe != NULL);
    return recipe;
}

static void a_recipe_is_read_whole(void)
{
    struct recipe *r = load("demo");

    CHECK_STR(recipe_name(r), "demo");
    CHECK_INT(strlen(recipe_sha256(r)), 64);
    CHECK_STR(recipe_script(r, "run.sh"), "echo run\n");
    CHECK_STR(recipe_script(r, "lib.sh"), "# lib\n");
    CHECK(recipe_script(r, "missing.sh") == NULL);
    CHECK(recipe_script(r, "../lib.sh") == NULL);
    CHECK_STR(json_string_value(json_object_get(recipe_spec(r), "title")), "Demo");
    recipe_free(r);
    recipe_free(NULL);
}

static void the_hash_covers_every_file_name_and_byte(void)
{
    char first[CRYPTO_HASH_HEX], path[256];
    struct recipe *r = load("demo");

    memcpy(first, recipe_sha256(r), sizeof first);
    recipe_free(r);
    write_file("lib.sh", "# lib2\n");
    r = load("demo");
    CHECK(strcmp(first, recipe_sha256(r)) != 0);
    recipe_free(r);
    write_file("lib.sh", "# lib\n");
    write_file("demo/extra.txt", "");
    r = load("demo");
    CHECK(strcmp(first, recipe_sha256(r)) != 0);
    recipe_free(r);
    (void)snprintf(path, sizeof path, "%s/demo/extra.txt", root);
    CHECK(unlink(path) == 0);
    write_file("demo/.run.sh.swp", "an editor's");
    r = load("demo");
    CHECK_STR(recipe_sha256(r), first);
    recipe_free(r);
}

static void what_recipes_share_is_a_part_of_each(void)
{
    char first[CRYPTO_HASH_HEX];
    struct recipe *r = load("demo");

    CHECK_STR(recipe_script(r, "more.sh"), "# more\n");
    memcpy(first, recipe_sha256(r), sizeof first);
    recipe_free(r);
    write_file("more.sh", "# more2\n");
    r = load("demo");
    CHECK(strcmp(first, recipe_sha256(r)) != 0);
    recipe_free(r);
    write_file("more.sh", "# more\n");
}

static void scripts_of_a_recipe_that_it_is_like_stand_in(void)
{
    char path[64];
    struct recipe *r;

    (void)snprintf(path, sizeof path, "%s/twin", root);
    CHECK(fs_mkdirs(path, 0755, NULL) == 0);
    write_file("demo/own.sh", "echo demo\n");
    write_file("twin/own.sh", "echo own\n");
    write_file("twin/recipe.json", TWIN("demo"));
    r = load("twin");

    CHECK_STR(recipe_script(r, "run.sh"), "echo run\n"); /* demo's */
    CHECK_STR(recipe_script(r, "own.sh"), "echo own\n"); /* its own, not demo's */
    CHECK(recipe_script(r, "extra.txt") == NULL);        /* scripts alone */
    CHECK_STR(json_string_value(json_object_get(recipe_spec(r), "title")), "Twin");
    recipe_free(r);
}

static void a_recipe_like_none_is_refused(void)
{
    struct recipe *r = NULL;
    struct err err = {0};

    write_file("twin/recipe.json", TWIN("gone"));
    CHECK(recipe_load(root, "twin", &r, &err) == -1);
    CHECK(strstr(err.user, "there is no recipe \"gone\"") != NULL);
    write_file("twin/recipe.json", TWIN("../demo"));
    CHECK(recipe_load(root, "twin", &r, &err) == -1);
    CHECK(strstr(err.user, "\"like\" names no recipe") != NULL);
    remove_file("twin/recipe.json");
    remove_file("twin/own.sh");
    remove_file("demo/own.sh");
}

static void downtime_is_the_first_that_holds(void)
{
    struct recipe *r = load("demo");
    json_t *with = json_pack("{s:s}", "unit", "x.service"),
           *without = json_pack("{s:s}", "unit", "");

    CHECK_STR(json_string_value(json_object_get(recipe_downtime(r, with), "text")), "0 s");
    CHECK_STR(json_string_value(json_object_get(recipe_downtime(r, without), "why")), "w2");
    json_decref(with);
    json_decref(without);
    recipe_free(r);
}

static void names_cannot_leave_the_folder(void)
{
    static const char *const BAD[] = {"", ".", "..", "../demo", "demo/", "/etc", "nothing", "De"};

    for (size_t i = 0; i < COUNT_OF(BAD); i++) {
        struct recipe *r = NULL;
        struct err err = {0};

        CHECK(recipe_load(root, BAD[i], &r, &err) == -1);
        CHECK_INT(err.code, ERR_NOT_FOUND);
        CHECK(r == NULL);
    }
}

/* Each replaces a part of the good spec; the sentence must name what is wrong. */
static const struct {
    const char *find, *replace, *words;
} MISTAKES[] = {
    {"{\"name\"", "{{\"name\"", "line 1"},
    {"\"name\":\"demo\"", "\"name\":\"other\"", "\"name\""},
    {"\"title\":\"Demo\"", "\"title\":7", "\"title\""},
    {"\"title\":\"Demo\"", "\"title\":\"a\",\"title\":\"b\"", "duplicate"},
    {"\"key\":\"port\"", "\"key\":\"Port\"", "settings[1]: \"key\""},
    {"\"key\":\"port\"", "\"key\":\"deploy_dir\"", "settings[1]: \"key\" is there twice"},
    {"\"type\":\"port\"", "\"type\":\"prot\"", "settings[1]: \"type\""},
    {"\"default\":8000", "\"default\":80000", "settings[1]: \"default\""},
    {"\"default\":\"unit\"", "\"default\":\"x\"", "settings[4]: \"default\""},
    {"[\"unit\",\"command\"]", "[]", "settings[4]: \"choices\""},
    {"[\"unit\",\"command\"]", "[1]", "settings[4]: \"choices\""},
    {"\"required_unless\":\"note\"", "\"required_unless\":\"nose\"",
     "settings[7]: \"required_unless\""},
    {"\"mode\":\"upload\"", "\"mode\":\"\"", "steps[0]: \"mode\""},
    {"\"script\":\"run.sh\"", "\"script\":\"gone.sh\"", "steps[1]: \"script\""},
    {"\"script\":\"run.sh\"", "\"script\":\"../lib.sh\"", "steps[1]: \"script\""},
    {"\"script\":\"run.sh\"", "\"script\":null", "steps[1]: \"script\""},
    {"\"when\":\"start\"", "\"when\":\"begin\"", "steps[1]: \"when\""},
    {"\"id\":\"run\"", "\"id\":\"up\"", "steps[1]: \"id\" is there twice"},
    {"\"id\":\"back\"", "\"id\":\"b/ck\"", "undo[0]: \"id\""},
    {"\"deadline_s\":60}]}", "\"deadline_s\":0}]}", "undo[0]: \"deadline_s\""},
    {"\"fix\":\"f\"", "\"fix\":\"\"", "capabilities[0]: \"fix\""},
    {"\"steps\":[", "\"steps\":[],\"x\":[", "\"steps\""},
    {"\"steps\":[{", "\"steps\":[1,{", "steps[0]: \"id\""},
    {"\"settings\":[", "\"settings\":{},\"x\":[", "\"settings\""},
    {"\"more.sh\"", "\"gone.sh\"", "shared[0]"},
    {"\"more.sh\"", "\"../more.sh\"", "shared[0]"},
    {"\"more.sh\"", "7", "shared[0]"},
    {"\"why\":\"w2\"", "\"why\":\"\"", "downtime[1]: \"why\""},
    {"{\"when\":\"unit\",\"text\"", "{\"when\":\"begin\",\"text\"", "downtime[0]: \"when\""},
};

static void every_mistake_is_a_sentence_with_its_place(void)
{
    char spec[sizeof SPEC + 200];

    for (size_t i = 0; i < COUNT_OF(MISTAKES); i++) {
        const char *at = strstr(SPEC, MISTAKES[i].find);
        struct recipe *r = NULL;
        struct err err = {0};

        CHECK(at != NULL);
        if (at == NULL)
            continue;
        (void)snprintf(spec, sizeof spec, "%.*s%s%s", (int)(at - SPEC), SPEC, MISTAKES[i].replace,
                       at + strlen(MISTAKES[i].find));
        write_file("demo/recipe.json", spec);
        CHECK(recipe_load(root, "demo", &r, &err) == -1);
        CHECK_INT(err.code, ERR_INTERNAL);
        if (strstr(err.user, MISTAKES[i].words) == NULL)
            printf("# %s\n", err.user);
        CHECK(strstr(err.user, MISTAKES[i].words) != NULL);
        CHECK(strstr(err.user, "demo") != NULL);
        recipe_free(r);
    }
    write_file("demo/recipe.json", SPEC);
}

static json_t *check(const char *settings, struct err *err)
{
    struct recipe *r = load("demo");
    json_t *in = json_loads(settings, 0, NULL), *out = NULL;

    CHECK(in != NULL);
    if (recipe_check_settings(r, in, &out, err) != 0)
        out = NULL;
    json_decref(in);
    recipe_free(r);
    return out;
}

static void settings_get_types_and_defaults_and_lose_strangers(void)
{
    struct err err = {0};
    json_t *s = check("{\"port\":\"9000\",\"migrate\":\"0\",\"stranger\":\"x\",\"tries\":\"-3\","
                      "\"start\":\"./run 'a' $(b)\",\"keep\":\"\",\"deploy_dir\":\"srv/x\"}",
                      &err);
    char *text = json_dumps(s, JSON_SORT_KEYS | JSON_COMPACT);

    CHECK_STR(text,
              "{\"deploy_dir\":\"srv/x\",\"health\":\"/health\",\"keep\":\"\",\"kind\":\"unit\","
              "\"migrate\":false,\"note\":\"\",\"port\":9000,\"rollout\":\"1\",\"rollout_failure\":"
              "\"go back\",\"rollout_wait_s\":0,\"start\":\"./run 'a' $(b)\","
              "\"tries\":-3,\"unit\":\"\"}");
    free(text);
    json_decref(s);
}

static void checked_settings_pass_again_unchanged(void)
{
    struct err err = {0};
    json_t *s = check("{\"migrate\":\"yes\",\"note\":\"'\\\"`\"}", &err);
    char *once = json_dumps(s, JSON_SORT_KEYS), *twice;
    json_t *again = check(once != NULL ? once : "{}", &err);

    twice = json_dumps(again, JSON_SORT_KEYS);
    CHECK(once != NULL && twice != NULL);
    CHECK_STR(once, twice);
    free(once);
    free(twice);
    json_decref(s);
    json_decref(again);
}

static void wrong_settings_name_their_field(void)
{
    static const struct {
        const char *settings, *field;
    } WRONG[] = {
        {"{\"port\":\"0\"}", "settings.port"},
        {"{\"port\":\"80 \"}", "settings.port"},
        {"{\"port\":\"\"}", "settings.port"},
        {"{\"port\":70000}", "settings.port"},
        {"{\"port\":[1]}", "settings.port"},
        {"{\"keep\":21}", "settings.keep"},
        {"{\"keep\":\"1e1\"}", "settings.keep"},
        {"{\"kind\":\"other\"}", "settings.kind"},
        {"{\"unit\":\"a b\"}", "settings.unit"},
        {"{\"start\":\"a\\nb\"}", "settings.start"},
        {"{\"note\":\"a\\nb\"}", "settings.note"},
        {"{\"health\":\"http://x\"}", "settings.health"},
        {"{\"deploy_dir\":\"../../etc\"}", "settings.deploy_dir"},
        {"{\"deploy_dir\":\"\"}", "settings.deploy_dir"},
        {"{\"deploy_dir\":null}", "settings.deploy_dir"},
        {"{\"deploy_dir\":{}}", "settings.deploy_dir"},
        {"{\"migrate\":\"maybe\"}", "settings.migrate"},
        {"{\"migrate\":1}", "settings.migrate"},
        {"{\"health\":\"\",\"note\":\"\"}", "settings.health"},
    };

    for (size_t i = 0; i < COUNT_OF(WRONG); i++) {
        struct err err = {0};

        CHECK(check(WRONG[i].settings, &err) == NULL);
        CHECK_INT(err.code, ERR_INPUT);
        CHECK_STR(err.field, WRONG[i].field);
    }
}

static void defaults_name_the_app_and_the_environment(void)
{
    struct recipe *r = load("demo");
    json_t *s = NULL;

    CHECK(recipe_defaults(r, "shop", "production", &s, NULL) == 0);
    CHECK_STR(json_string_value(json_object_get(s, "deploy_dir")), "apps/shop-production");
    CHECK_INT(json_integer_value(json_object_get(s, "port")), 8000);
    CHECK_STR(json_string_value(json_object_get(s, "note")), "");
    json_decref(s);
    recipe_free(r);
}

static void the_list_is_sorted_and_skips_what_is_none(void)
{
    char path[256];
    json_t *list = NULL;
    struct err err = {0};

    (void)snprintf(path, sizeof path, "%s/aaa-empty", root);
    CHECK(fs_mkdirs(path, 0755, &err) == 0);
    CHECK(recipe_list(root, &list, &err) == 0);
    CHECK_INT(json_array_size(list), 1);
    CHECK_STR(json_string_value(json_object_get(json_array_get(list, 0), "name")), "demo");
    CHECK_STR(json_string_value(json_object_get(json_array_get(list, 0), "summary")), "A recipe.");
    json_decref(list);
    CHECK(recipe_list("/no/such/folder", &list, &err) == -1);
}

static void the_shipped_recipes_load(void)
{
    json_t *list = NULL;
    struct err err = {0};

    if (!fs_exists("recipes/lib.sh"))
        SKIP("not started in the project's folder");
    if (recipe_list("recipes", &list, &err) != 0)
        printf("# %s\n", err.user);
    CHECK(json_array_size(list) > 0);
    json_decref(list);
}

int main(void)
{
    char path[64];

    if (crypto_start(NULL) != 0 || mkdtemp(root) == NULL)
        return 1;
    (void)snprintf(path, sizeof path, "%s/demo", root);
    if (fs_mkdirs(path, 0755, NULL) != 0)
        return 1;
    write_file("lib.sh", "# lib\n");
    write_file("more.sh", "# more\n");
    write_file("demo/run.sh", "echo run\n");
    write_file("demo/recipe.json", SPEC);
    TAP_RUN(a_recipe_is_read_whole);
    TAP_RUN(the_hash_covers_every_file_name_and_byte);
    TAP_RUN(what_recipes_share_is_a_part_of_each);
    TAP_RUN(scripts_of_a_recipe_that_it_is_like_stand_in);
    TAP_RUN(a_recipe_like_none_is_refused);
    TAP_RUN(downtime_is_the_first_that_holds);
    TAP_RUN(names_cannot_leave_the_folder);
    TAP_RUN(every_mistake_is_a_sentence_with_its_place);
    TAP_RUN(settings_get_types_and_defaults_and_lose_strangers);
    TAP_RUN(checked_settings_pass_again_unchanged);
    TAP_RUN(wrong_settings_name_their_field);
    TAP_RUN(defaults_name_the_app_and_the_environment);
    TAP_RUN(the_list_is_sorted_and_skips_what_is_none);
    TAP_RUN(the_shipped_recipes_load);
    return fs_remove_tree(root, NULL) == 0 ? tap_done() : 1;
}
