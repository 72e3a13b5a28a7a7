/* recipe.c - a recipe folder in memory: all files, the hash over them, the parsed recipe.json. What
 * must hold of recipe.json is in recipe_spec.c, what must hold of settings in recipe_settings.c. */
#include "lib/domain/recipe.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/base/buf.h"
#include "lib/base/fs.h"
#include "lib/base/str.h"
#include "lib/crypto/crypto.h"
#include "lib/domain/recipe_spec.h"
#include "lib/domain/rollout.h"
#include "lib/domain/validate.h"

#define FILES_MAX      64
#define FILE_BYTES_MAX ((size_t)256 * 1024)
#define RECIPES_MAX    200

struct file {
    char *name;
    char *bytes; /* NUL-terminated */
    size_t len;
};

struct recipe {
    char name[41];
    char sha256[CRYPTO_HASH_HEX];
    json_t *spec;
    struct file files[FILES_MAX];
    size_t file_count;
};

static int no_memory(struct err *err)
{
    return err_set(err, ERR_NO_MEMORY, "There is not enough memory to read the recipes.");
}

static int add_file(struct recipe *recipe, const char *path, const char *name, struct err *err)
{
    struct file *file = &recipe->files[recipe->file_count];
    struct buf bytes;
    int rc = -1;

    if (recipe->file_count == FILES_MAX)
        return err_set(err, ERR_INTERNAL, "Recipe %s has more than %d files.", recipe->name,
                       FILES_MAX);
    buf_init(&bytes, FILE_BYTES_MAX);
    if (fs_read_all(path, &bytes, err) != 0) {
        err_wrap(err, "Recipe %s, file %s", recipe->name, name);
        goto out;
    }
    if (memchr(bytes.data, '\0', bytes.len) != NULL) {
        err_set(err, ERR_INTERNAL, "Recipe %s: the file %s holds a NUL byte.", recipe->name, name);
        goto out;
    }
    file->name = strdup(name);
    file->bytes = buf_detach(&bytes, &file->len);
    recipe->file_count++; /* recipe_free releases what is there */
    if (file->name == NULL || file->bytes == NULL) {
        no_memory(err);
        goto out;
    }
    rc = 0;
out:
    buf_deinit(&bytes);
    return rc;
}

/* Every regular file of the folder; hidden ones (an editor's) are none of it. */
static int add_folder(struct recipe *recipe, const char *dir, struct err *err)
{
    DIR *folder = opendir(dir);
    int rc = 0;

    if (folder == NULL) {
        if (errno == ENOENT)
            return err_set(err, ERR_NOT_FOUND, "There is no recipe named %s.", recipe->name);
        return err_errno(err, "open folder %s", dir);
    }
    for (struct dirent *entry = readdir(folder); entry != NULL && rc == 0;
         entry = readdir(folder)) {
        char path[PATH_MAX];
        struct stat st;

        if (entry->d_name[0] == '.')
            continue;
        if (!fs_join(path, sizeof path, dir, entry->d_name) || lstat(path, &st) != 0
            || !S_ISREG(st.st_mode))
            rc = err_set(err, ERR_INTERNAL, "Recipe %s: %.100s is not a regular file.",
                         recipe->name, entry->d_name);
        else
            rc = add_file(recipe, path, entry->d_name, err);
    }
    (void)closedir(folder);
    return rc;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct file *)a)->name, ((const struct file *)b)->name);
}

/* Name, length and bytes of each, so that no two folders hash alike. */
static void hash_files(struct recipe *recipe)
{
    struct crypto_sha256_state state;
    uint8_t hash[CRYPTO_HASH_BYTES];

    qsort(recipe->files, recipe->file_count, sizeof recipe->files[0], by_name);
    crypto_sha256_init(&state);
    for (size_t i = 0; i < recipe->file_count; i++) {
        const struct file *file = &recipe->files[i];
        char size[32];
        int n = snprintf(size, sizeof size, "%zu\n", file->len);

        crypto_sha256_add(&state, file->name, strlen(file->name) + 1);
        crypto_sha256_add(&state, size, n > 0 ? (size_t)n : 0);
        crypto_sha256_add(&state, file->bytes, file->len);
    }
    crypto_sha256_end(&state, hash);
    crypto_hex(recipe->sha256, sizeof recipe->sha256, hash, sizeof hash);
}

static int is_script(const struct dirent *entry)
{
    return entry->d_name[0] != '.' && str_ends(entry->d_name, ".sh");
}

/* What recipe.json names under "shared": scripts beside lib.sh, for several recipes. A name that is
 * none is left to recipe_spec_check, which says where it stands. */
static int add_shared(struct recipe *recipe, const char *recipes_dir, const json_t *list,
                      struct err *err)
{
    const json_t *item;
    size_t i;

    json_array_foreach(list, i, item)
    {
        const char *name = json_string_value(item);
        char path[PATH_MAX];

        if (name == NULL || !str_ends(name, ".sh") || validate_file_name("shared", name, NULL) != 0
            || recipe_script(recipe, name) != NULL || !fs_join(path, sizeof path, recipes_dir, name)
            || !fs_exists(path))
            continue;
        if (add_file(recipe, path, name, err) != 0)
            return -1;
    }
    return 0;
}

/* What every recipe for apps has besides its own: how its servers take turns. */
static int add_common_settings(struct recipe *recipe, struct err *err)
{
    json_t *settings = json_object_get(recipe->spec, "settings"), *common;
    if (json_is_true(json_object_get(recipe->spec, "internal")) || !json_is_array(settings))
        return 0;
    common = rollout_settings();
    int rc = common == NULL ? -1 : json_array_extend(settings, common);
    json_decref(common);
    return rc == 0 ? 0 : no_memory(err);
}

/* Scripts of the recipe that recipe.json names under "like", where this one has none of the name.
 */
static int add_likes(struct recipe *recipe, const char *recipes_dir, struct err *err)
{
    const char *like = json_string_value(json_object_get(recipe->spec, "like"));
    char dir[PATH_MAX], path[PATH_MAX];
    struct dirent **entries = NULL;
    int count, rc = 0;

    if (like == NULL || like[0] == '\0')
        return 0;
    if (validate_slug("like", like, NULL) != 0 || !fs_join(dir, sizeof dir, recipes_dir, like))
        return err_set(err, ERR_INTERNAL, "Recipe %s: recipe.json: \"like\" names no recipe.",
                       recipe->name);
    count = scandir(dir, &entries, is_script, alphasort);
    if (count == -1)
        return err_set(err, ERR_INTERNAL, "Recipe %s: recipe.json: there is no recipe \"%s\".",
                       recipe->name, like);
    for (int i = 0; i < count; i++) {
        const char *name = entries[i]->d_name;

        if (rc == 0 && recipe_script(recipe, name) == NULL)
            rc = fs_join(path, sizeof path, dir, name)
                     ? add_file(recipe, path, name, err)
                     : err_set(err, ERR_INTERNAL, "The path of a recipe is too long.");
        free(entries[i]);
    }
    free(entries);
    return rc;
}

static int parse_spec(struct recipe *recipe, const char *recipes_dir, struct err *err)
{
    const char *text = recipe_script(recipe, "recipe.json");
    json_error_t error;

    if (text == NULL)
        return err_set(err, ERR_INTERNAL, "Recipe %s has no file recipe.json.", recipe->name);
    recipe->spec = json_loads(text, JSON_REJECT_DUPLICATES, &error);
    if (recipe->spec == NULL)
        return err_set(err, ERR_INTERNAL, "Recipe %s: recipe.json, line %d: %s.", recipe->name,
                       error.line, error.text);
    if (add_common_settings(recipe, err) != 0
        || add_shared(recipe, recipes_dir, json_object_get(recipe->spec, "shared"), err) != 0
        || add_shared(recipe, recipes_dir, json_object_get(recipe_plan(recipe), "shared"), err) != 0
        || add_likes(recipe, recipes_dir, err) != 0)
        return -1;
    return recipe_spec_check(recipe, err);
}

int recipe_load(const char *recipes_dir, const char *name, struct recipe **recipe, struct err *err)
{
    struct recipe *loaded = NULL;
    char dir[PATH_MAX], lib[PATH_MAX];

    if (validate_slug("recipe", name, NULL) != 0)
        return err_set(err, ERR_NOT_FOUND, "There is no recipe of this name.");
    if (!fs_join(dir, sizeof dir, recipes_dir, name)
        || !fs_join(lib, sizeof lib, recipes_dir, "lib.sh"))
        return err_set(err, ERR_INTERNAL, "The path of the recipes' folder is too long.");
    loaded = calloc(1, sizeof *loaded);
    if (loaded == NULL)
        return no_memory(err);
    (void)str_copy(loaded->name, sizeof loaded->name, name);
    if (add_folder(loaded, dir, err) != 0 || add_file(loaded, lib, "lib.sh", err) != 0)
        goto failed;
    if (parse_spec(loaded, recipes_dir, err) != 0)
        goto failed;
    hash_files(loaded);
    *recipe = loaded;
    return 0;
failed:
    recipe_free(loaded);
    return -1;
}

void recipe_free(struct recipe *recipe)
{
    if (recipe == NULL)
        return;
    for (size_t i = 0; i < recipe->file_count; i++) {
        free(recipe->files[i].name);
        free(recipe->files[i].bytes);
    }
    json_decref(recipe->spec);
    free(recipe);
}

const char *recipe_name(const struct recipe *recipe)
{
    return recipe->name;
}

const char *recipe_sha256(const struct recipe *recipe)
{
    return recipe->sha256;
}

const json_t *recipe_spec(const struct recipe *recipe)
{
    return recipe->spec;
}

const json_t *recipe_plan(const struct recipe *recipe)
{
    return json_object_get(recipe->spec, "plan");
}

const char *recipe_script(const struct recipe *recipe, const char *file)
{
    for (size_t i = 0; i < recipe->file_count; i++) {
        if (strcmp(recipe->files[i].name, file) == 0)
            return recipe->files[i].bytes;
    }
    return NULL;
}

static int is_recipe_folder(const struct dirent *entry)
{
    return validate_slug("recipe", entry->d_name, NULL) == 0;
}

static int list_one(const char *recipes_dir, const char *name, json_t *list, struct err *err)
{
    struct recipe *recipe = NULL;
    char file[PATH_MAX];
    const json_t *spec;
    int rc;

    if (snprintf(file, sizeof file, "%s/%s/recipe.json", recipes_dir, name) >= (int)sizeof file
        || !fs_exists(file))
        return 0; /* some other folder */
    if (recipe_load(recipes_dir, name, &recipe, err) != 0)
        return -1;
    spec = recipe_spec(recipe);
    rc = 0;
    if (!json_is_true(
            json_object_get(spec, "internal"))) /* recipes/check: nothing deploys with it */
        rc = json_array_append_new(
            list,
            json_pack("{s:O, s:O, s:O, s:b}", "name", json_object_get(spec, "name"), "title",
                      json_object_get(spec, "title"), "summary", json_object_get(spec, "summary"),
                      "takes_artefact", (int)recipe_takes_artefact(recipe)));
    recipe_free(recipe);
    return rc == 0 ? 0 : no_memory(err);
}

int recipe_list(const char *recipes_dir, json_t **list, struct err *err)
{
    struct dirent **entries = NULL;
    json_t *found = json_array();
    int count, rc = -1;

    count = scandir(recipes_dir, &entries, is_recipe_folder, alphasort);
    if (count == -1) {
        err_errno(err, "read folder %s", recipes_dir);
        goto out;
    }
    rc = found != NULL ? 0 : no_memory(err);
    if (count > RECIPES_MAX)
        rc = err_set(err, ERR_INTERNAL, "There are more than %d recipes.", RECIPES_MAX);
    for (int i = 0; i < count; i++) {
        if (rc == 0)
            rc = list_one(recipes_dir, entries[i]->d_name, found, err);
        free(entries[i]);
    }
    free(entries);
out:
    if (rc == 0)
        *list = found;
    else
        json_decref(found);
    return rc;
}
