/* draft_fixture.h - drafts of secrets as the web side leaves them, and saving them: for the tests
 * of the verbs secrets.*. */
#ifndef WL_TESTS_DB_DRAFT_FIXTURE_H
#define WL_TESTS_DB_DRAFT_FIXTURE_H

#include "tests/db/ask_fixture.h"
#include "worker/secret_values.h"

/* One entry of a draft. value NULL: nothing was typed, and the value of keep_set is kept (0: of the
 * draft's base). */
struct typed {
    const char *key, *kind, *value;
    size_t len; /* 0: of the text */
    int keep_set;
    const char *path; /* NULL: a variable */
    int mode;
    const char *stage, *comment; /* NULL: "run", "" */
};

/* A draft of this person on ENV. */
__attribute__((unused)) static void draft(struct asking *a, const char *id, int base_set,
                                          const char *user)
{
    char text[600];

    snprintf(text, sizeof text,
             "INSERT INTO draft (id, environment_id, user_id, base_set, created_at) VALUES ('%s', "
             "'" ENV "', coalesce((SELECT id FROM user WHERE login = '%s'), ''), %d, 1)",
             id, user, base_set);
    sql(a, text);
}

/* The sealed value as SQL; in hex, so that any bytes go in. */
__attribute__((unused)) static void seal_hex(struct asking *a, const char *value, size_t len,
                                             char *hex, size_t size)
{
    uint8_t *box = malloc(len + SEAL_OVERHEAD);

    MUST(box == NULL || len > 140000);
    MUST(seal_to(a->instance.seal_key, value, len, box, &fixture_err));
    hex[0] = 'x';
    hex[1] = '\'';
    crypto_hex(hex + 2, size - 4, box, len + SEAL_OVERHEAD);
    snprintf(hex + 2 + 2 * (len + SEAL_OVERHEAD), 2, "'");
    free(box);
}

__attribute__((unused)) static void quoted(char *out, size_t size, const char *text)
{
    if (text == NULL)
        snprintf(out, size, "NULL");
    else
        snprintf(out, size, "'%s'", text);
}

__attribute__((unused)) static void entry(struct asking *a, const char *draft_id, int position,
                                          const struct typed *t)
{
    static char text[400000], hex[300000];
    char keep[200] = "0", path[300], mode[20] = "NULL", file[300];
    size_t len = t->value == NULL ? 0 : t->len > 0 ? t->len : strlen(t->value);

    snprintf(hex, sizeof hex, "NULL");
    if (t->value != NULL)
        seal_hex(a, t->value, len, hex, sizeof hex);
    else if (t->keep_set > 0)
        snprintf(keep, sizeof keep, "%d", t->keep_set);
    else
        snprintf(keep, sizeof keep, "(SELECT base_set FROM draft WHERE id = '%s')", draft_id);
    quoted(path, sizeof path, t->path);
    if (t->path != NULL)
        snprintf(mode, sizeof mode, "%d", t->mode);
    snprintf(text, sizeof text,
             "INSERT INTO draft_entry (draft_id, position, key, kind, form, path, mode, stage, "
             "comment, keep_set, sealed) VALUES ('%s', %d, '%s', '%s', '%s', %s, %s, '%s', '%s', "
             "%s, %s)",
             draft_id, position, t->key, t->kind, t->path == NULL ? "env" : "file", path, mode,
             t->stage == NULL ? "run" : t->stage, t->comment == NULL ? "" : t->comment, keep, hex);
    if (len < 30000) {
        sql(a, text);
        return;
    }
    /* longer than an argument may be */
    snprintf(file, sizeof file, "%s/big.sql", a->f.var);
    MUST(fs_write_atomic(file, text, strlen(text), 0600, &fixture_err));
    snprintf(text, 400, ".read %s", file);
    sql(a, text);
}

__attribute__((unused)) static void text_entry(struct asking *a, const char *draft_id, int position,
                                               const char *key, const char *kind, const char *value)
{
    entry(a, draft_id, position, &(struct typed){.key = key, .kind = kind, .value = value});
}

__attribute__((unused)) static json_t *save(struct asking *a, const char *draft_id)
{
    return put_question(a, "secrets.save", a->token,
                        json_pack("{s:s, s:s}", "draft_id", draft_id, "message", "because"));
}

__attribute__((unused)) static int64_t number_in(const json_t *answer, const char *name)
{
    return json_integer_value(json_object_get(answer, name));
}

__attribute__((unused)) static void check_saved(json_t *answer, int number, int added, int changed,
                                                int removed, int unchanged)
{
    CHECK(is_ok(answer));
    CHECK_INT(number_in(answer, "number"), number);
    CHECK_INT(number_in(answer, "added"), added);
    CHECK_INT(number_in(answer, "changed"), changed);
    CHECK_INT(number_in(answer, "removed"), removed);
    CHECK_INT(number_in(answer, "unchanged"), unchanged);
    json_decref(answer);
}

__attribute__((unused)) static const struct secret_item *item(const struct secret_values *values,
                                                              const char *key)
{
    for (size_t i = 0; i < values->count; i++)
        if (strcmp(values->items[i].key, key) == 0)
            return &values->items[i];
    return NULL;
}

__attribute__((unused)) static void check_value(const struct secret_values *values, const char *key,
                                                const char *bytes, size_t len, bool hidden)
{
    const struct secret_item *i = item(values, key);

    CHECK(i != NULL && i->len == len && memcmp(i->bytes, bytes, len) == 0 && i->is_hidden == hidden
          && !i->is_file);
}

#endif
