/* template.c - loads all templates once, at start: whatever is wrong with one stops the program
 * there, with file and line, and not a page later. */
#include "cgi/http/template_impl.h"

#include <dirent.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include "lib/base/fs.h"
#include "lib/base/str.h"

static void template_free(struct template *t)
{
    if (t == NULL)
        return;
    for (size_t i = 0; i < t->count; i++)
        free(t->nodes[i].name);
    free(t->nodes);
    free(t->name);
    free(t->file);
    free(t->source);
    free(t);
}

void templates_free(struct templates *templates)
{
    if (templates == NULL)
        return;
    for (size_t i = 0; i < templates->count; i++)
        template_free(templates->all[i]);
    free(templates);
}

struct template *templates_find(const struct templates *templates, const char *name)
{
    for (size_t i = 0; i < templates->count; i++) {
        if (strcmp(templates->all[i]->name, name) == 0)
            return templates->all[i];
    }
    return NULL;
}

static int read_source(struct template *t, const char *path, struct err *err)
{
    struct buf bytes;
    int rc;

    buf_init(&bytes, TEMPLATE_FILE_MAX);
    rc = fs_read_all(path, &bytes, err);
    if (rc == 0) {
        t->source = buf_detach(&bytes, &t->source_len);
        if (t->source == NULL)
            rc = err_set(err, ERR_NO_MEMORY, "There is no memory for the templates.");
    }
    buf_deinit(&bytes);
    return rc;
}

/* One file: `prefix` is "" or "partials/". */
static int load_file(struct templates *templates, const char *folder, const char *prefix,
                     const char *file, struct err *err)
{
    struct template *t = calloc(1, sizeof *t);
    char path[PATH_MAX];

    if (t == NULL || templates->count == TEMPLATES_MAX) {
        free(t);
        return err_set(err, ERR_NO_MEMORY, "There are more than %d templates.", TEMPLATES_MAX);
    }
    templates->all[templates->count++] = t;
    if (asprintf(&t->name, "%s%.*s", prefix, (int)(strlen(file) - 5), file) < 0
        || asprintf(&t->file, "templates/%s%s", prefix, file) < 0
        || !fs_join(path, sizeof path, folder, file))
        return err_set(err, ERR_NO_MEMORY, "There is no memory for the templates.");
    return read_source(t, path, err) != 0 ? -1 : template_parse(t, err);
}

static int is_html(const struct dirent *entry)
{
    return entry->d_name[0] != '.' && str_ends(entry->d_name, ".html");
}

static int load_folder(struct templates *templates, const char *folder, const char *prefix,
                       struct err *err)
{
    struct dirent **entries = NULL;
    int count = scandir(folder, &entries, is_html, alphasort);
    int rc = count < 0 ? err_errno(err, "read the folder %s", folder) : 0;

    for (int i = 0; i < count; i++) {
        if (rc == 0)
            rc = load_file(templates, folder, prefix, entries[i]->d_name, err);
        free(entries[i]);
    }
    free(entries);
    return rc;
}

static int link_partials(const struct templates *templates, const struct template *t,
                         struct err *err)
{
    for (size_t i = 0; i < t->count; i++) {
        struct node *node = &t->nodes[i];
        char name[160];

        if (node->kind != NODE_PARTIAL)
            continue;
        snprintf(name, sizeof name, "partials/%s", node->parts_count == 1 ? node->parts[0] : ".");
        node->partial = templates_find(templates, name);
        if (node->partial == NULL)
            return err_set(err, ERR_INTERNAL, "%s:%d: there is no templates/%s.html.", t->file,
                           node->line, name);
    }
    return 0;
}

/* Depth first: coming back to a file that is still on the way is a circle. */
static int check_circle(struct template *t, struct err *err)
{
    if (t->visit == 2)
        return 0;
    t->visit = 1;
    for (size_t i = 0; i < t->count; i++) {
        const struct node *node = &t->nodes[i];

        if (node->kind != NODE_PARTIAL)
            continue;
        if (node->partial->visit == 1)
            return err_set(err, ERR_INTERNAL, "%s:%d: this partial includes itself.", t->file,
                           node->line);
        if (check_circle(node->partial, err) != 0)
            return -1;
    }
    t->visit = 2;
    return 0;
}

int templates_load(const char *dir, bool strict, struct templates **templates, struct err *err)
{
    struct templates *made = calloc(1, sizeof *made);
    char partials[PATH_MAX];
    int rc = -1;

    if (made == NULL || !fs_join(partials, sizeof partials, dir, "partials")) {
        err_set(err, ERR_NO_MEMORY, "There is no memory for the templates.");
        goto out;
    }
    made->strict = strict;
    if (load_folder(made, dir, "", err) != 0
        || (fs_exists(partials) && load_folder(made, partials, "partials/", err) != 0))
        goto out;
    for (size_t i = 0; i < made->count; i++) {
        if (link_partials(made, made->all[i], err) != 0)
            goto out;
    }
    for (size_t i = 0; i < made->count; i++) {
        if (check_circle(made->all[i], err) != 0)
            goto out;
    }
    *templates = made;
    made = NULL;
    rc = 0;
out:
    templates_free(made);
    return rc;
}
