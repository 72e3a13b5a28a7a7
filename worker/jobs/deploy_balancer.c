/* Load balancer hosts in a plan (deploy_balancer.h). */
#include "worker/jobs/deploy_balancer.h"

#include <stdlib.h>
#include <string.h>
#include "lib/base/str.h"
#include "worker/jobs/kind.h"

#define ROLE_APP "app"
#define ROLE_LB  "lb"

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text == NULL ? "" : text;
}

static bool is_balancer(const json_t *host)
{
    return str_equal(text_of(host, "role"), ROLE_LB);
}

/* --- hosts --------------------------------------------------------------------------------------
 */

static int add_hosts(const json_t *basis, bool balancers, json_t *hosts)
{
    size_t i;
    json_t *host;
    json_array_foreach(json_object_get(basis, "hosts"), i, host)
    {
        if (is_balancer(host) == balancers)
            json_array_append_new(hosts, json_pack("{s:O, s:O, s:s}", "server_id",
                                                   json_object_get(host, "server_id"), "name",
                                                   json_object_get(host, "slug"), "role",
                                                   balancers ? ROLE_LB : ROLE_APP));
    }
    return (int)json_array_size(hosts);
}

int deploy_balancer_hosts(const struct recipe *recipe, const json_t *basis, json_t **hosts,
                          struct err *err)
{
    json_t *list = json_array();
    int apps = add_hosts(basis, false, list), all = add_hosts(basis, true, list);
    bool known = json_is_object(json_object_get(recipe_spec(recipe), "balancer"));
    *hosts = list;
    if (apps == 0 || all > RUN_HOSTS_MAX)
        return err_set(err, ERR_INPUT,
                       "This environment has no app server, or more than %d servers. Choose its "
                       "servers in the environment's settings.",
                       RUN_HOSTS_MAX);
    if (all > apps && !known)
        return err_set(err, ERR_INPUT,
                       "A server of this environment is a load balancer, and the recipe %s knows "
                       "none. Choose its role in the environment's settings.",
                       recipe_name(recipe));
    if (all > apps && apps > BALANCED_MAX)
        return err_set(err, ERR_INPUT,
                       "At most %d app servers can stand behind a load balancer. Take some away in "
                       "the environment's settings.",
                       BALANCED_MAX);
    return 0;
}

int deploy_balancer_apps(const json_t *hosts)
{
    size_t apps = 0;
    while (apps < json_array_size(hosts) && !is_balancer(json_array_get(hosts, apps)))
        apps++;
    return (int)apps;
}

/* --- steps --------------------------------------------------------------------------------------
 */

struct balancer {
    const json_t *spec; /* of recipe.json */
    const json_t *hosts;
    json_t *steps;
    char places[BALANCED_MAX][300]; /* address:port of each app server, as nginx writes it */
    int apps;
};

/* The part of "login@host:port" between the two. */
static void host_of(const char *address, char *host, size_t size)
{
    const char *at = strrchr(address, '@'), *colon = strrchr(address, ':');
    const char *from = at == NULL ? address : at + 1;
    (void)str_copy(host, size, from);
    if (colon != NULL && colon > from && (size_t)(colon - from) < size)
        host[colon - from] = '\0';
}

/* "web1=10.0.0.5 web2=10.0.0.6": the address that is given for a name. */
static bool given_address(const char *list, const char *name, char *host, size_t size)
{
    size_t len = strlen(name);
    for (const char *at = list; *at != '\0'; at += strcspn(at, " "), at += *at == ' ') {
        if (strncmp(at, name, len) != 0 || at[len] != '=')
            continue;
        size_t n = strcspn(at + len + 1, " ");
        if (n == 0 || n >= size)
            return false;
        memcpy(host, at + len + 1, n);
        host[n] = '\0';
        return true;
    }
    return false;
}

static void find_places(struct balancer *b, const json_t *basis, const json_t *settings)
{
    long port = strtol(text_of(settings, "ports"), NULL, 10);
    size_t i;
    json_t *row;
    json_array_foreach(json_object_get(basis, "hosts"), i, row)
    {
        char host[260];
        if (is_balancer(row) || b->apps == BALANCED_MAX)
            continue;
        if (!given_address(text_of(settings, "app_addresses"), text_of(row, "slug"), host,
                           sizeof host))
            host_of(text_of(row, "address"), host, sizeof host);
        snprintf(b->places[b->apps], sizeof b->places[0],
                 strchr(host, ':') != NULL ? "[%s]:%ld" : "%s:%ld", host, port);
        b->apps++;
    }
}

/* One step there: `word` says when it is wanted, `of` for which app server (-1: for none). */
static int add_step(struct balancer *b, const char *key, const char *word, int of, struct err *err)
{
    const json_t *step = json_object_get(b->spec, key);
    char name[64], title[300], servers[BALANCED_MAX * 304] = "";
    struct plan_step s = {.name = name,
                          .title = title,
                          .mode = "detached",
                          .phase = "forward",
                          .idempotent = true,
                          .script = json_string_value(json_object_get(step, "script")),
                          .deadline_ms =
                              json_integer_value(json_object_get(step, "deadline_s")) * 1000};
    snprintf(name, sizeof name, of < 0 ? "lb_%s" : "lb_%s_%d", word, of + 1);
    snprintf(title, sizeof title, of < 0 ? "%s" : "%s: %s", text_of(step, "title"),
             of < 0 ? "" : text_of(json_array_get(b->hosts, (size_t)of), "name"));
    for (int h = 0; h < b->apps; h++) {
        size_t used = strlen(servers);
        snprintf(servers + used, sizeof servers - used, "%s%s", h > 0 ? " " : "", b->places[h]);
    }
    if (plan_add_step(b->steps, &s, err) != 0)
        return -1;
    json_t *added = json_array_get(b->steps, json_array_size(b->steps) - 1);
    json_object_set_new(added, "on", json_string(ROLE_LB));
    json_object_set_new(added, "balancer", json_string(word));
    json_object_set_new(added, "of", json_integer(of));
    json_object_set_new(added, "assign",
                        json_pack("{s:s, s:s}", "WL_LB_SERVER", of < 0 ? "" : b->places[of],
                                  "WL_LB_SERVERS", servers));
    return 0;
}

/* In the order of the rollout: a group is taken out together, and each is put back. */
static int add_groups(struct balancer *b, const struct rollout *rollout, struct err *err)
{
    for (int first = 0, end; first < b->apps; first = end) {
        end = first == 0 ? 1 : first + rollout->at_once;
        if (end > b->apps)
            end = b->apps;
        for (int h = first; h < end; h++) {
            if (add_step(b, "out", "out", h, err) != 0)
                return -1;
        }
        for (int h = first; h < end; h++) {
            if (add_step(b, "in", "in", h, err) != 0)
                return -1;
        }
    }
    return 0;
}

int deploy_balancer_steps(const struct recipe *recipe, const json_t *basis, const json_t *hosts,
                          const json_t *settings, json_t *steps, struct err *err)
{
    struct balancer b = {
        .spec = json_object_get(recipe_spec(recipe), "balancer"), .hosts = hosts, .steps = steps};
    if (deploy_balancer_apps(hosts) == (int)json_array_size(hosts))
        return 0;
    if (text_of(settings, "site_url")[0] != '\0')
        return err_field(err, "settings.site_url",
                         "With a load balancer the app servers have no nginx of their own. Leave "
                         "the address of the site empty in the environment's settings.");
    find_places(&b, basis, settings);
    struct rollout rollout = rollout_of_settings(settings, b.apps);
    if (add_step(&b, "prepare", "prepare", -1, err) != 0 || add_groups(&b, &rollout, err) != 0)
        return -1;
    for (int h = 0; h < b.apps; h++) {
        if (add_step(&b, "out", "back_out", h, err) != 0
            || add_step(&b, "in", "back_in", h, err) != 0)
            return -1;
    }
    return add_step(&b, "tidy", "tidy", -1, err);
}
