/* templates_render.c - every template renders with every fixture of it, in strict mode: a name that
 * the contract (tests/web/fixtures/README.md) does not have is a failure here and not on a page. A
 * template without a fixture fails too. Run from the root of the source tree. */
#include <dirent.h>
#include <jansson.h>
#include <stdlib.h>
#include "cgi/http/template.h"
#include "lib/base/buf.h"
#include "lib/base/str.h"
#include "tests/tap.h"

#define TEMPLATES "templates"
#define FIXTURES  "tests/web/fixtures"
#define PAGE_MAX  ((size_t)8 * 1024 * 1024)

static struct templates *templates;

static void every_template_is_well_formed(void)
{
    struct err err = {0};

    CHECK(templates_load(TEMPLATES, true, &templates, &err) == 0);
    if (templates == NULL)
        printf("# %s %s\n", err.user, err.detail);
}

/* "app-empty.json" is a fixture of "app"; "app_new.json" is not. */
static bool is_fixture_of(const char *file, const char *name)
{
    size_t len = strlen(name);

    return strncmp(file, name, len) == 0 && str_ends(file, ".json")
           && (file[len] == '-' || strcmp(file + len, ".json") == 0);
}

static void render_one(const char *name, const char *file)
{
    char path[512];
    struct err err = {0};
    json_error_t where;
    json_t *model;
    struct buf page;

    snprintf(path, sizeof path, "%s/%s", FIXTURES, file);
    model = json_load_file(path, 0, &where);
    CHECK(model != NULL);
    if (model == NULL)
        printf("# %s:%d: %s\n", path, where.line, where.text);
    buf_init(&page, PAGE_MAX);
    if (model != NULL && template_render(templates, name, model, &page, &err) != 0) {
        tap_note_failure(__FILE__, __LINE__, file);
        printf("#   %s %s\n", err.user, err.detail);
    }
    CHECK(err.code != ERR_NONE || strstr(page.data, "{{") == NULL);
    buf_deinit(&page);
    json_decref(model);
}

static int render_all_of(const char *name)
{
    struct dirent **files = NULL;
    int count = scandir(FIXTURES, &files, NULL, alphasort);
    int found = 0;

    for (int i = 0; i < count; i++) {
        if (is_fixture_of(files[i]->d_name, name)) {
            render_one(name, files[i]->d_name);
            found++;
        }
        free(files[i]);
    }
    free(files);
    return found;
}

static void every_template_renders_with_each_of_its_fixtures(void)
{
    struct dirent **files = NULL;
    int count = scandir(TEMPLATES, &files, NULL, alphasort);

    CHECK(count > 0);
    for (int i = 0; i < count && templates != NULL; i++) {
        char name[256];

        if (str_ends(files[i]->d_name, ".html")) {
            snprintf(name, sizeof name, "%.*s", (int)(strlen(files[i]->d_name) - 5),
                     files[i]->d_name);
            if (render_all_of(name) == 0) {
                tap_note_failure(__FILE__, __LINE__, "a template without a fixture");
                printf("#   %s has no %s/%s*.json\n", files[i]->d_name, FIXTURES, name);
            }
        }
    }
    for (int i = 0; i < count; i++)
        free(files[i]);
    free(files);
}

int main(void)
{
    TAP_RUN(every_template_is_well_formed);
    TAP_RUN(every_template_renders_with_each_of_its_fixtures);
    templates_free(templates);
    return tap_done();
}
