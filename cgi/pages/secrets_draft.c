/* secrets_draft.c - making drafts of secrets (secrets_draft.h). */
#include "cgi/pages/secrets_draft.h"

#include <string.h>
#include "cgi/http/ask.h"
#include "cgi/http/site.h"
#include "cgi/pages/row.h"
#include "lib/base/str.h"
#include "lib/crypto/seal.h"

static int no_memory(struct err *err)
{
    return err_set(err, ERR_NO_MEMORY, "There was not enough memory. Try again.");
}

static struct secret_draft_entry about(const json_t *row)
{
    bool is_file = str_equal(row_text(row, "form"), "file");
    return (struct secret_draft_entry){.key = row_text(row, "key"),
                                       .kind = row_text(row, "kind"),
                                       .comment = row_text(row, "comment"),
                                       .form = is_file ? "file" : "env",
                                       .stage = row_text(row, "stage"),
                                       .path = is_file ? row_text(row, "path") : NULL,
                                       .mode = (int)row_int(row, "mode")};
}

struct secret_draft_entry secrets_keep(const json_t *stored, int64_t set)
{
    struct secret_draft_entry entry = about(stored);
    entry.keep_set = set;
    return entry;
}

struct secret_draft_entry secrets_take_over(const json_t *draft_entry)
{
    struct secret_draft_entry entry = about(draft_entry);
    entry.from = (int)row_int(draft_entry, "position") + 1;
    return entry;
}

int secrets_type(struct request *req, struct secret_draft_entry *entry, const char *value,
                 size_t len, struct err *err)
{
    uint8_t *sealed = arena_alloc(req->arena, len + SEAL_OVERHEAD);
    if (!req->site->has_instance)
        return err_set(err, ERR_BUSY,
                       "The worker has not started for the first time yet, so there is no key to "
                       "seal with. Try again in a moment.");
    if (sealed == NULL)
        return no_memory(err);
    if (seal_to(req->site->seal_key, value, len, sealed, err) != 0)
        return -1;
    entry->sealed = sealed;
    entry->sealed_len = len + SEAL_OVERHEAD;
    entry->keep_set = 0;
    entry->from = 0;
    entry->plain = secrets_is_plain(entry->kind) && memchr(value, '\0', len) == NULL ? value : NULL;
    return 0;
}

struct secret_draft_entry *secrets_keep_all(struct request *req, const struct secrets_view *v,
                                            int64_t set, size_t *count)
{
    struct secret_draft_entry *entries =
        arena_array(req->arena, SECRET_ENTRIES_MAX + 2, sizeof *entries);
    const json_t *row;
    size_t i;
    *count = 0;
    if (entries == NULL)
        return NULL;
    json_array_foreach(v->entries, i, row) if (*count < SECRET_ENTRIES_MAX) entries[(*count)++] =
        secrets_keep(row, set);
    return entries;
}

int secrets_entry_of(const struct secret_draft_entry *entries, size_t count, const char *key)
{
    for (size_t i = 0; i < count; i++)
        if (str_equal(entries[i].key, key))
            return (int)i;
    return -1;
}

void secrets_drop(struct secret_draft_entry *entries, size_t *count, size_t at)
{
    memmove(&entries[at], &entries[at + 1], (*count - at - 1) * sizeof *entries);
    (*count)--;
}

int64_t secrets_form_base(struct request *req, const struct secrets_view *v)
{
    int64_t newest = row_int(v->set, "number"), base = newest;
    if (!str_to_int64(request_field(req, "base_set"), 0, newest, &base))
        return newest;
    return base;
}

int secrets_draft_store(struct request *req, const struct secrets_view *v,
                        struct secret_draft *draft, char id[CRYPTO_ID_SIZE], struct err *err)
{
    if (draft->count > SECRET_ENTRIES_MAX)
        return err_set(err, ERR_TOO_LARGE, "An environment can have at most %d secrets.",
                       SECRET_ENTRIES_MAX);
    draft->environment_id = row_text(v->card, "id");
    draft->user_id = req->session.user_id;
    return secret_draft_add(req->db, draft, id, err);
}

int secrets_draft_compare(struct request *req, const char *id, json_t **answer, struct err *err)
{
    return ask(req, "secrets.compare", json_pack("{s:s}", "draft_id", id), answer, err);
}

int secrets_draft_save(struct request *req, const char *id, const char *message, json_t **answer,
                       struct err *err)
{
    return ask(req, "secrets.save", json_pack("{s:s, s:s}", "draft_id", id, "message", message),
               answer, err);
}

int secrets_draft_review(struct request *req, struct response *res, const struct secrets_view *v,
                         struct secret_draft *draft, struct err *err)
{
    char id[CRYPTO_ID_SIZE];
    if (secrets_draft_store(req, v, draft, id, err) != 0)
        return -1;
    return respond_redirect(res, "/apps/%s/%s/secrets/review/%s", row_text(v->card, "app_slug"),
                            row_text(v->card, "slug"), id);
}

/* --- comments --- */

const char *secrets_comment_lines(struct request *req, const char *text)
{
    size_t lines = 1, len = strlen(text);
    char *out, *to;
    for (const char *c = text; *c != '\0'; c++)
        lines += *c == '\n' ? 1 : 0;
    out = to = arena_alloc(req->arena, len + 3 * lines + 1);
    if (out == NULL)
        return NULL;
    for (const char *line = text; *line != '\0';) {
        size_t n = strcspn(line, "\n");
        if (n > 0) {
            memcpy(to, "# ", 2);
            memcpy(to + 2, line, n);
            to += n + 2;
            *to++ = '\n';
        }
        line += n + (line[n] == '\n' ? 1 : 0);
    }
    *to = '\0';
    return out;
}

const char *secrets_comment_text(struct request *req, const char *lines)
{
    char *out = arena_alloc(req->arena, strlen(lines) + 1), *to = out;
    if (out == NULL)
        return NULL;
    for (const char *line = lines; *line != '\0';) {
        size_t n = strcspn(line, "\n"), skip = strspn(line, "# \t");
        if (skip < n) {
            if (to != out)
                *to++ = '\n';
            memcpy(to, line + skip, n - skip);
            to += n - skip;
        }
        line += n + (line[n] == '\n' ? 1 : 0);
    }
    *to = '\0';
    return out;
}
