/* secrets_draft.h - from typed values to a draft, its review and the next set: the one way in which
 * pages and the API change secrets.
 *
 *     entries[n] = secrets_keep(stored_entry, number);            a value that stays
 *     secrets_type(req, &entries[n], value, len, &err);           a typed one: sealed at once
 *     secrets_draft_store(req, v, &draft, id, &err);
 *     secrets_draft_compare(req, id, &answer, &err);              worker/ask/secrets_compare.c
 *     secrets_draft_save(req, id, message, &answer, &err);        worker/ask/secrets.c
 */
#ifndef WL_CGI_PAGES_SECRETS_DRAFT_H
#define WL_CGI_PAGES_SECRETS_DRAFT_H

#include "cgi/http/request.h"
#include "cgi/http/response.h"
#include "cgi/pages/secrets_view.h"
#include "db/secrets.h"

#define SECRET_ENTRIES_MAX 500

/* The stored entry as it is, value of that set included. */
struct secret_draft_entry secrets_keep(const json_t *stored, int64_t set);
/* The entry of an earlier draft as it is, its value included. */
struct secret_draft_entry secrets_take_over(const json_t *draft_entry);
/* Give the entry a typed value, sealed to the worker's key. Sealed here and not by ask_seal: it
 * goes into the draft's row, not through the socket, so it may be as long as a file can be. */
int secrets_type(struct request *req, struct secret_draft_entry *entry, const char *value,
                 size_t len, struct err *err) MUST_USE;
/* All entries of a view, kept as that set has them; room for SECRET_ENTRIES_MAX. NULL: no memory.
 */
struct secret_draft_entry *secrets_keep_all(struct request *req, const struct secrets_view *v,
                                            int64_t set, size_t *count);
/* The place of a key among entries, or -1. */
int secrets_entry_of(const struct secret_draft_entry *entries, size_t count, const char *key);
void secrets_drop(struct secret_draft_entry *entries, size_t *count, size_t at);

/* The number of the set that the form was typed over (field base_set): the newest when it says none
 * that there is. */
int64_t secrets_form_base(struct request *req, const struct secrets_view *v);

/* environment_id and user_id of the draft are filled in. */
int secrets_draft_store(struct request *req, const struct secrets_view *v,
                        struct secret_draft *draft, char id[CRYPTO_ID_SIZE],
                        struct err *err) MUST_USE;
int secrets_draft_compare(struct request *req, const char *id, json_t **answer,
                          struct err *err) MUST_USE;
int secrets_draft_save(struct request *req, const char *id, const char *message, json_t **answer,
                       struct err *err) MUST_USE;
/* Store, and go on to the review page. */
int secrets_draft_review(struct request *req, struct response *res, const struct secrets_view *v,
                         struct secret_draft *draft, struct err *err) MUST_USE;

/* What a person typed as a comment ("for the mailer") as the lines of a .env file ("# for the
 * mailer\n"), and back. In the arena; NULL: no memory. */
const char *secrets_comment_lines(struct request *req, const char *text);
const char *secrets_comment_text(struct request *req, const char *lines);

#endif
