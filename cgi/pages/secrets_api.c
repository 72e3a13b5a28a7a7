/* secrets_api.c - /api/v1/apps/{app}/{env}/secrets and .../secrets.env: the newest set as JSON, and
 * its values as a .env.
 *
 * For API tokens; people have the pages. The JSON has keys and what is known of them, and of the
 * values those of kind plain, for a token that may read values. The .env has those of kind secret
 * too: the worker gives them (verb secrets.reveal, with its event). Kind write_only never leaves.
 */
#include "cgi/pages/secrets_api.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "cgi/pages/pages.h"
#include "cgi/pages/row.h"
#include "cgi/pages/secrets_draft.h"
#include "cgi/pages/secrets_reveal.h"
#include "lib/base/buf.h"
#include "lib/base/str.h"
#include "lib/domain/envfile.h"

#define TEXT_MAX ((size_t)4 * 1024 * 1024)

/* --- showing --- */

const char *secrets_api_etag(struct request *req, int64_t number)
{
    return arena_printf(req->arena, "\"s%" PRId64 "\"", number);
}

static json_t *time_text(int64_t ms)
{
    json_t *time = part_time(ms);

    return json_is_object(time) ? json_incref(json_object_get(time, "iso")) : json_null();
}

static json_t *mode_text(const json_t *entry)
{
    char text[16];

    if (!str_equal(row_text(entry, "form"), "file"))
        return json_null();
    snprintf(text, sizeof text, "%04o", (unsigned)row_int(entry, "mode") & 07777U);
    return json_string(text);
}

/* Values of kind plain are for who may read values; of the other kinds none is here at all. */
static json_t *entry_model(struct request *req, const json_t *entry)
{
    const char *comment = secrets_comment_text(req, row_text(entry, "comment"));
    bool shows = secrets_is_plain(row_text(entry, "kind")) && row_has(entry, "plain")
                 && (req->scopes & SCOPE_SECRETS_READ) != 0;

    return json_pack(
        "{s:s, s:s, s:s, s:s, s:s?, s:o, s:I, s:s, s:o, s:s, s:s?}", "key", row_text(entry, "key"),
        "kind", row_text(entry, "kind"), "form", row_text(entry, "form"), "stage",
        row_text(entry, "stage"), "path", row_text_or_null(entry, "path"), "mode", mode_text(entry),
        "size_bytes", row_int(entry, "size_bytes"), "changed_in",
        arena_printf(req->arena, "s%" PRId64, row_int(entry, "changed_in")), "changed_at",
        time_text(row_int(entry, "changed_at")), "comment", comment != NULL ? comment : "", "value",
        shows ? row_text(entry, "plain") : NULL);
}

json_t *secrets_api_set(const json_t *set)
{
    return json_pack("{s:I, s:s, s:s, s:o, s:s}", "number", row_int(set, "number"), "saved_by",
                     row_text(set, "by_login"), "saved_by_name", row_text(set, "by_name"),
                     "saved_at", time_text(row_int(set, "created_at")), "message",
                     row_text(set, "message"));
}

json_t *secrets_api_place(const struct secrets_view *v)
{
    return json_pack("{s:s, s:s}", "app", row_text(v->card, "app_slug"), "env",
                     row_text(v->card, "slug"));
}

int secrets_api_show(struct request *req, struct response *res, struct err *err)
{
    struct secrets_view v;
    json_t *entries = json_array();
    const json_t *row;
    size_t i;

    if (secrets_view_read(req, &v, err) != 0)
        return -1;
    json_array_foreach(v.entries, i, row) json_array_append_new(entries, entry_model(req, row));
    respond_header(res, "ETag", secrets_api_etag(req, row_int(v.set, "number")));
    return respond_json(res, 200,
                        json_pack("{s:o, s:o, s:o}", "environment", secrets_api_place(&v), "set",
                                  secrets_api_set(v.set), "entries", entries));
}

/* --- the .env --- */

/* "#- PEM: write-only, it cannot be read back." Who sends the text back leaves such lines out, or
 * they would become the comment of the next key (cli/secrets_file.c does). */
static int add_note(struct buf *out, const char *key, const char *why, struct err *err)
{
    char line[300];

    snprintf(line, sizeof line, "#- %.128s: %s\n", key, why);
    return envfile_add_comment(out, line, err);
}

static int add_entry(struct request *req, struct buf *out, const json_t *entry,
                     const json_t *revealed, struct err *err)
{
    const char *key = row_text(entry, "key"), *kind = row_text(entry, "kind");
    const char *value = row_text(entry, "plain");
    size_t len = strlen(value);

    if (str_equal(row_text(entry, "form"), "file"))
        return add_note(out, key, "a file, which no .env holds.", err);
    if (str_equal(kind, "write_only"))
        return add_note(out, key, "write-only, it cannot be read back.", err);
    if (!secrets_is_plain(kind))
        value = secrets_revealed(req, revealed, key, &len);
    if (value == NULL)
        return err_set(err, ERR_INTERNAL, "The value of %s did not come.", key);
    return envfile_add_row(out, &(struct envfile_row){row_text(entry, "comment"), key, value, len},
                           NULL, err);
}

static int write_text(struct request *req, const struct secrets_view *v, const json_t *revealed,
                      struct buf *out, struct err *err)
{
    const json_t *entry;
    size_t i;

    json_array_foreach(v->entries, i,
                       entry) if (add_entry(req, out, entry, revealed, err) != 0) return -1;
    if (envfile_add_comment(out, row_text(v->set, "tail"), err) != 0)
        return -1;
    return buf_ok(out)
               ? 0
               : err_set(err, ERR_TOO_LARGE, "Together these values are too long for one text.");
}

int secrets_api_env(struct request *req, struct response *res, struct err *err)
{
    struct secrets_view v;
    json_t *revealed = NULL;
    const char *text = NULL;
    struct buf out;
    int rc = -1;

    buf_init(&out, TEXT_MAX);
    if (secrets_view_read(req, &v, err) == 0
        && (row_int(v.set, "number") == 0
            || secrets_reveal(req, &v,
                              &(struct secrets_asked){row_int(v.set, "number"), "", "export"},
                              &revealed, err)
                   == 0)
        && write_text(req, &v, revealed, &out, err) == 0) {
        text = arena_memdup(req->arena, out.data, out.len);
        rc = text != NULL ? 0 : err_set(err, ERR_NO_MEMORY, "There was not enough memory.");
    }
    if (rc == 0) {
        respond_header(res, "ETag", secrets_api_etag(req, row_int(v.set, "number")));
        rc = respond_bytes(res, 200, "text/plain; charset=utf-8", text, out.len);
    }
    buf_wipe(&out);
    buf_deinit(&out);
    return rc;
}
