/* parts.h - the shapes that recur in the models of all pages (tests/web/fixtures/README.md names
 * their fields): times, states, people, releases, jobs, environments, servers.
 *
 * Every function returns a new reference. Models live in the request's arena, so handlers never
 * release them; NULL (no memory left) spreads: json_object_set_new and json_pack refuse NULL, and
 * the dispatcher answers 503. */
#ifndef WL_CGI_PAGES_PARTS_H
#define WL_CGI_PAGES_PARTS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include "cgi/http/request.h"
#include "lib/base/attr.h"

/* --- small ones (parts.c) --- */

/* {ms, iso, text, full}; null for 0. */
json_t *part_time(int64_t ms);
/* {ms, text}; null when negative. */
json_t *part_duration(int64_t ms);
/* {state, text} */
json_t *part_status(const char *state, const char *text);
/* {name, login, initials}; an empty name is Windlass itself. */
json_t *part_person(const char *name, const char *login);
/* {value, text, is_selected} */
json_t *part_choice(const char *value, const char *text, bool is_selected);
/* {text, href, action}: something missing, and the link that mends it */
json_t *part_remedy(const char *text, const char *href, const char *action);
/* A new string made as printf does, at most 1 KiB. */
json_t *part_text(const char *fmt, ...) PRINTF(1, 2);
/* The first twelve digits of a hash. */
json_t *part_short_hash(const char *hex);
json_t *part_size(int64_t bytes);
/* data[name] = list (stolen) and data[has_name] = whether it has items: what empty states need. */
void part_set_list(json_t *data, const char *name, const char *has_name, json_t *list);
/* "s3", or "" for 0. */
json_t *part_set_label(int64_t number);

/* --- words of states --- */

const char *word_job(const char *state);         /* state or verdict: "Running", "Live" */
const char *word_step(const char *state);        /* "Done", "Waiting" */
const char *word_environment(const char *state); /* "Never deployed" */
const char *word_server(const char *state);      /* "Host key changed" */
const char *word_kind(const char *kind);         /* "Deploy" */
const char *word_origin(const char *origin);     /* "Uploaded" */

/* --- releases, jobs (parts_job.c) --- */

/* row: of a job list. */
json_t *part_job(const json_t *row);
json_t *part_jobs(const json_t *rows);
/* "queued", "running" or the verdict. */
const char *job_state(const json_t *row);

/* --- environments, servers (parts_place.c) --- */

json_t *part_app(const char *id, const char *slug, const char *name);
json_t *part_environment_ref(const char *id, const char *app_slug, const char *slug,
                             const char *tier);
/* References to the environments among `rows` whose `column` is `value`. */
json_t *part_environments_of(const json_t *rows, const char *column, const char *value);

/* What the summaries of one page have in common: read once. */
struct places {
    json_t *active;  /* rows of all queued and running jobs */
    json_t *recipes; /* {name, title, summary} */
};
int places_load(struct request *req, struct places *places, struct err *err) MUST_USE;
/* Whether its releases are artefacts of the app (true too for a recipe that is gone). */
bool places_takes_artefact(const struct places *places, const char *recipe);
const char *places_recipe_title(const struct places *places, const char *recipe);
/* The running job of an environment, or its oldest queued one; NULL when there is none. Borrowed.
 */
const json_t *places_active_job(const struct places *places, const char *environment_id);

/* card: of environment_cards. */
json_t *part_environment(const struct places *places, const json_t *card);
/* What is live by the card: a release, or null. */
json_t *part_live(const json_t *card);
/* row: of environment_releases or environment_release; `is_live` by the card's live_release_id. */
json_t *part_release(const json_t *card, const json_t *row);
/* row: of environment_servers. */
json_t *part_host(const json_t *row);
json_t *part_address(const json_t *row); /* "deploy@web-1.example.org:22" */

#endif
