/* secrets_merge.c - three sides of one key: what it was in the set this draft began with, what
 * somebody saved meanwhile, what was typed here (secrets_review.h).
 *
 * What only one side touched is taken from that side. What both did the same to is as both have it.
 * Where both did something else, the person chooses; until then theirs stays, since it is saved. */
#include <string.h>
#include "cgi/pages/row.h"
#include "cgi/pages/secrets_review.h"
#include "lib/base/str.h"

enum side_change { SIDE_SAME = 0, SIDE_ADDED, SIDE_CHANGED, SIDE_REMOVED };

struct sides {
    const char *key;
    const json_t *draft, *base, *newest; /* entries, or NULL */
    size_t draft_at;
    enum side_change mine, theirs;
    bool is_conflict;
};

/* What they did: {key: verb} by the worker's fingerprints. */
static json_t *their_changes(struct request *req, const struct secrets_review *r)
{
    json_t *rows, *by_key = json_object();
    const json_t *row;
    struct err ignored = {0};
    size_t i;
    if (secret_set_difference(req->db, row_text(r->v.card, "id"), row_int(r->answer, "base"),
                              row_int(r->answer, "newest"), &rows, &ignored)
        != 0)
        return NULL;
    json_array_foreach(rows, i, row)
        json_object_set(by_key, row_text(row, "key"), json_object_get(row, "verb"));
    return by_key;
}

static enum side_change change_of(const char *verb)
{
    return str_equal(verb, "added")     ? SIDE_ADDED
           : str_equal(verb, "removed") ? SIDE_REMOVED
           : verb[0] != '\0'            ? SIDE_CHANGED
                                        : SIDE_SAME;
}

static enum side_change mine_of(const struct secrets_review *r, const struct sides *s)
{
    if (s->draft == NULL)
        return s->base != NULL ? SIDE_REMOVED : SIDE_SAME;
    switch (secrets_review_how(r, "against_base", s->draft_at)) {
    case '=':
        return SIDE_SAME;
    case '+':
        return SIDE_ADDED;
    default:
        return SIDE_CHANGED;
    }
}

static struct sides sides_of(const struct secrets_review *r, const json_t *theirs, const char *key)
{
    struct sides s = {.key = key,
                      .base = secrets_find(r->base_entries, key),
                      .newest = secrets_find(r->newest_entries, key)};
    const json_t *row;
    size_t i;
    bool is_same;
    json_array_foreach(r->entries, i, row) if (str_equal(row_text(row, "key"), key))
    {
        s.draft = row;
        s.draft_at = i;
        break;
    }
    s.mine = mine_of(r, &s);
    s.theirs = change_of(row_text(theirs, key));
    is_same = s.draft == NULL ? s.newest == NULL
                              : secrets_review_how(r, "against_newest", s.draft_at) == '=';
    s.is_conflict = s.mine != SIDE_SAME && s.theirs != SIDE_SAME && !is_same;
    return s;
}

/* Every key that one of the three has, in the newest set's order and then the draft's. */
static json_t *all_keys(const struct secrets_review *r)
{
    json_t *keys = json_array(), *seen = json_object();
    const json_t *lists[3] = {r->newest_entries, r->entries, r->base_entries}, *row;
    size_t i;
    for (size_t k = 0; k < COUNT_OF(lists); k++)
        json_array_foreach(lists[k], i, row)
        {
            const char *key = row_text(row, "key");
            if (json_object_get(seen, key) != NULL)
                continue;
            json_object_set_new(seen, key, json_true());
            json_array_append_new(keys, json_string(key));
        }
    return keys;
}

/* --- the model --- */

static const char *side_text(enum side_change change)
{
    switch (change) {
    case SIDE_ADDED:
        return "Added";
    case SIDE_CHANGED:
        return "Changed";
    case SIDE_REMOVED:
        return "Removed";
    case SIDE_SAME:
    default:
        return "As it was";
    }
}

static const char *shown(const json_t *row)
{
    if (row == NULL)
        return "not there";
    return secrets_is_plain(row_text(row, "kind")) && row_has(row, "plain") ? row_text(row, "plain")
                                                                            : "••••••••";
}

void secrets_merge_model(struct request *req, const struct secrets_review *r, json_t *data)
{
    json_t *rows, *theirs, *keys;
    const json_t *key;
    const char *by = row_text(r->answer, "newest_by");
    size_t i;
    json_object_set_new(data, "merge", json_null());
    if (!r->is_stale || (theirs = their_changes(req, r)) == NULL)
        return;
    rows = json_array();
    keys = all_keys(r);
    json_array_foreach(keys, i, key)
    {
        struct sides s = sides_of(r, theirs, json_string_value(key));
        if (s.mine == SIDE_SAME && s.theirs == SIDE_SAME)
            continue;
        json_array_append_new(rows, json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:b}", "key", s.key,
                                              "was", shown(s.base), "theirs", shown(s.newest),
                                              "mine", shown(s.draft), "theirs_text",
                                              side_text(s.theirs), "mine_text", side_text(s.mine),
                                              "is_conflict", (int)s.is_conflict));
    }
    json_object_set_new(data, "merge",
                        json_pack("{s:s, s:o, s:o, s:o}", "by", by[0] == '\0' ? "Somebody" : by,
                                  "base_label", part_set_label(row_int(r->answer, "base")),
                                  "newest_label", part_set_label(row_int(r->answer, "newest")),
                                  "rows", rows));
}

/* --- bringing both together --- */

static bool takes_mine(struct request *req, const struct sides *s)
{
    char field[160];
    if (s->mine == SIDE_SAME)
        return false;
    if (!s->is_conflict)
        return true;
    snprintf(field, sizeof field, "choice.%.128s", s->key);
    return str_equal(request_field(req, field), "mine");
}

int secrets_merge_save(struct request *req, struct response *res, const struct secrets_review *r,
                       struct err *err)
{
    struct secret_draft draft = {.base_set = row_int(r->answer, "newest"),
                                 .tail = row_text(r->draft, "tail"),
                                 .from_draft = row_text(r->draft, "id")};
    json_t *keys = all_keys(r), *theirs = their_changes(req, r);
    struct secret_draft_entry *entries =
        arena_array(req->arena, json_array_size(keys) + 1, sizeof *entries);
    const json_t *key;
    size_t i;
    if (theirs == NULL || entries == NULL)
        return err_set(err, ERR_NO_MEMORY, "There was not enough memory. Try again.");
    json_array_foreach(keys, i, key)
    {
        struct sides s = sides_of(r, theirs, json_string_value(key));
        bool mine = takes_mine(req, &s);
        if (mine && s.draft != NULL)
            entries[draft.count++] = secrets_take_over(s.draft);
        else if (!mine && s.newest != NULL)
            entries[draft.count++] = secrets_keep(s.newest, draft.base_set);
    }
    draft.entries = entries;
    return secrets_draft_review(req, res, &r->v, &draft, err);
}
