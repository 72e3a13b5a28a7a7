/* env_form.h - the form of an environment: tier, servers, and the settings its recipe declares.
 * Used to make one and to change one. */
#ifndef WL_CGI_PAGES_ENV_FORM_H
#define WL_CGI_PAGES_ENV_FORM_H

#include <jansson.h>
#include "cgi/http/request.h"
#include "lib/base/attr.h"
#include "lib/domain/recipe.h"

struct env_form {
    const char *tier;
    json_t *servers;    /* rows of all servers */
    json_t *registries; /* rows of all registries */
    json_t *server_ids; /* chosen, in order */
    json_t *balancers;  /* those of them that are load balancers; NULL: none */
    json_t *values;     /* setting key -> what the form shows: text, number or boolean */
    json_t *checked;    /* settings that passed; NULL when one did not */
};

/* Read tier, servers and settings of a POST; what is wrong becomes errors of `page` (all of it at
 * once, not the first). Fields of settings that a browser leaves out (boxes not ticked) are "0". */
int env_form_read(struct request *req, const struct recipe *recipe, struct env_form *form,
                  json_t *page, struct err *err) MUST_USE;
/* Put the parts of the model that both pages share into data: tiers, servers, has_servers, fields.
 * defaults: object of recipe_defaults, to show beside each field. */
void env_form_model(const struct recipe *recipe, const struct env_form *form,
                    const json_t *defaults, const json_t *page, json_t *data);
/* {name, title, summary} */
json_t *env_form_recipe(const struct recipe *recipe);
/* What there is to choose from, all servers and registries: for a form that is shown first. */
int env_form_choices(struct request *req, struct env_form *form, struct err *err) MUST_USE;

#endif
