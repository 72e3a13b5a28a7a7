/* operation_view.c - see operation_view.h. */
#include "cgi/pages/operation_view.h"

#include "cgi/http/site.h"
#include "cgi/pages/parts.h"
#include "cgi/pages/row.h"
#include "db/operations.h"
#include "db/environments.h"
#include "lib/base/str.h"
#include "lib/domain/recipe.h"

static const struct operation_words WORDS[] = {
    {"restart", "Restart",
     "What is live is stopped and started again as it is: the same release, variables and files. "
     "Nothing serves for some seconds.",
     "Restart", false},
    {"stop", "Stop",
     "What is live is ended and stays so until somebody starts it, or deploys. Data stays.", "Stop",
     true},
    {"start", "Start", "What was stopped runs again, as it was, and is asked for its health.",
     "Start", false},
    {"redeploy", "Redeploy",
     "The live version, by the very digests or artefact, becomes a new release with the settings "
     "and secrets as they are saved now.",
     "Redeploy", false},
    {"maintenance_on", "Show the maintenance page",
     "nginx answers 503 with a page of its own and asks browsers and robots to come back; the app "
     "runs on behind it, and deploys leave it on.",
     "Show it for", true},
    {"maintenance_off", "Hide the maintenance page",
     "nginx is pointed at the app again, and requests are seen to arrive there.", "Hide it for",
     false},
    {"promote", "Promote",
     "A release that was live in another environment of this app goes live here: the very digests "
     "or "
     "artefact, with this environment's own settings and secrets.",
     "Promote to", false},
};

const struct operation_words *operation_words_find(const char *name)
{
    for (size_t i = 0; i < COUNT_OF(WORDS); i++)
        if (str_equal(WORDS[i].name, name))
            return &WORDS[i];
    return NULL;
}

static json_t *item_of(const struct operation_words *words, const json_t *card, const char *why_not)
{
    return json_pack("{s:s, s:s, s:s, s:o, s:b, s:s}", "name", words->name, "title", words->title,
                     "text", words->text, "href",
                     part_text("/apps/%s/%s/operate/%s", row_text(card, "app_slug"),
                               row_text(card, "slug"), words->name),
                     "can", (int)(why_not[0] == '\0'), "why_not", why_not);
}

int operation_view_list(struct request *req, const json_t *card, json_t **list, struct err *err)
{
    struct recipe *recipe = NULL;
    json_t *live = NULL;
    int rc = -1;
    *list = json_array();
    if (environment_release(req->db, row_text_or_null(card, "live_release_id"), &live, err) != 0
        || recipe_load(req->site->recipes_dir, row_text(card, "recipe"), &recipe, err) != 0)
        goto out;
    for (size_t i = 0; i < COUNT_OF(WORDS); i++) {
        struct err refused = {0};
        if (str_equal(WORDS[i].name, "promote")) /* it needs a release to choose: promotion.h */
            continue;
        if (str_starts(WORDS[i].name, "maintenance_")
            && recipe_operation(recipe, WORDS[i].name) == NULL)
            continue; /* most recipes have no nginx to swap anything in */
        bool may = operation_may(recipe, card, live, WORDS[i].name, &refused) == 0;
        json_array_append_new(*list, item_of(&WORDS[i], card, may ? "" : refused.user));
    }
    rc = 0;
out:
    recipe_free(recipe);
    json_decref(live);
    return rc;
}
