/* secrets_world.h - drafts that forms of secrets make, opened; for the tests of those pages. */
#ifndef WL_TESTS_WEB_LIB_SECRETS_WORLD_H
#define WL_TESTS_WEB_LIB_SECRETS_WORLD_H

#include "tests/web/lib/pages_world.h"

#define SECRETS "/apps/hello/staging/secrets"
#define CANARY  "canary-7Qz-hidden"

/* Where the form led. */
static UNUSED const char *led_to(struct stage *s)
{
    return fake_header(&s->w.f, "Location");
}

/* The draft that the form made: its id, from the address of its review; "" when it led elsewhere.
 */
static UNUSED const char *new_draft(struct stage *s)
{
    static char id[CRYPTO_ID_SIZE];
    const char *at = strstr(led_to(s), "/secrets/review/");
    snprintf(id, sizeof id, "%s", at == NULL ? "" : at + strlen("/secrets/review/"));
    CHECK(id[0] != '\0');
    return id;
}

/* In a static arena: until the next call. */
static UNUSED const struct draft *draft_of(struct stage *s, const char *id)
{
    static struct arena *arena;
    static struct draft draft;
    arena_free(arena);
    arena = arena_new((size_t)64 * 1024 * 1024);
    memset(&draft, 0, sizeof draft);
    CHECK(draft_read(s->w.worker, id, arena, &draft, NULL) == 0);
    return &draft;
}

static UNUSED const struct secret_row *entry_in(const struct draft *draft, const char *key)
{
    return row_of(&draft->entries, key);
}

static UNUSED void opens_to(const struct stage *s, const struct secret_row *row, const char *want)
{
    static uint8_t plain[200000];
    size_t len;
    CHECK(row != NULL && row->sealed != NULL);
    if (row == NULL || row->sealed == NULL)
        return;
    len = row->sealed_len - SEAL_OVERHEAD;
    CHECK(unseal_open(s->w.site.seal_key, s->seal_secret, row->sealed, row->sealed_len, plain,
                      &world_err)
          == 0);
    CHECK(len == strlen(want) && memcmp(plain, want, len) == 0);
}

/* It was not typed: the value of that set stays. */
static UNUSED void keeps(const struct secret_row *row, int64_t set)
{
    CHECK(row != NULL && row->sealed == NULL);
    CHECK_INT(row == NULL ? -1 : row->keep_set, set);
}

static UNUSED int get_review(struct stage *s, const char *id)
{
    char uri[200];
    snprintf(uri, sizeof uri, SECRETS "/review/%s", id);
    return world_get(&s->w, uri);
}

static UNUSED int post_review(struct stage *s, const char *id, const char *fields)
{
    char uri[200];
    snprintf(uri, sizeof uri, SECRETS "/review/%s", id);
    return world_post(&s->w, uri, fields);
}

/* The review of a draft as data; new reference. */
static UNUSED json_t *review_data(struct stage *s, const char *id, int status)
{
    json_t *data;
    int got;
    s->w.wants_json = true;
    got = get_review(s, id);
    s->w.wants_json = false;
    CHECK_INT(got, status);
    data = json_loads(fake_body(&s->w.f), 0, NULL);
    return data;
}

/* The row of a list of data by its key; NULL when there is none. */
static UNUSED const json_t *listed(const json_t *list, const char *key)
{
    const json_t *row;
    size_t i;
    json_array_foreach(list, i, row) if (strcmp(stage_text(row, "key"), key) == 0) return row;
    return NULL;
}

static UNUSED bool data_folder_has(const struct stage *s, const char *text)
{
    char command[400];
    snprintf(command, sizeof command, "grep -rqaF -e '%s' %s", text, s->w.var);
    return system(command) == 0;
}

#endif
