/* pages_registries.c - adding a registry, replacing its password, removing it: what the worker is
 * asked, what a refused form keeps (everything but the password), and who uses a registry. */
#include "tests/web/lib/pages_world.h"

static struct stage s;

#define TYPED "p4ss+w%%26rd" /* in a format */
#define PLAIN "p4ss w&rd"

/* The password of the last question, opened with the worker's key. */
static const char *asked_password(void)
{
    static char plain[8192];
    uint8_t sealed[8192], public_key[SEAL_KEY_BYTES];
    json_t *question = json_loads(s.script->question, 0, NULL);
    int len = crypto_unb64url(stage_text(question, "password"), sealed, sizeof sealed);
    memcpy(public_key, s.w.site.seal_key, sizeof public_key);
    memset(plain, 0, sizeof plain);
    CHECK(len > SEAL_OVERHEAD);
    CHECK_INT(unseal_open(public_key, s.seal_secret, sealed, (size_t)len, (uint8_t *)plain, NULL),
              0);
    json_decref(question);
    return plain;
}

static void check_asked(const char *verb, const char *key, const char *value)
{
    json_t *question = json_loads(s.script->question, 0, NULL);
    CHECK_STR(stage_text(question, "verb"), verb);
    CHECK_STR(stage_text(question, key), value);
    json_decref(question);
}

static void adding_seals_the_password_to_the_worker(void)
{
    CHECK_INT(stage_post(&s, "/registries/new",
                         "host=index.docker.io&slug=hub&login=robot%%24x&password=" TYPED),
              303);
    CHECK(strstr(fake_header(&s.w.f, "Location"), "/registries/hub") != NULL);
    check_asked("registry.save", "host", "docker.io");
    check_asked("registry.save", "slug", "hub");
    check_asked("registry.save", "login", "robot$x");
    CHECK_STR(asked_password(), PLAIN);
    CHECK(strstr(s.script->question, "p4ss") == NULL);
}

static void a_refused_form_keeps_all_but_the_password(void)
{
    int asked = s.script->asked;
    CHECK_INT(stage_post(&s, "/registries/new",
                         "host=https://ghcr.example&slug=my-hub&login=robot&password=" TYPED),
              422);
    CHECK_INT(s.script->asked, asked);
    CHECK(stage_shows(&s, "Leave out what stands before the host"));
    CHECK(stage_shows(&s, "value=\"https://ghcr.example\"") && stage_shows(&s, "value=\"my-hub\"")
          && stage_shows(&s, "value=\"robot\""));
    CHECK(stage_shows(&s, "Type the password again"));
    CHECK(!stage_shows(&s, "p4ss"));
    CHECK_INT(stage_post(&s, "/registries/new", "host=ghcr.example&slug=new&login=a:b&password="),
              422);
    CHECK(stage_shows(&s, "cannot be called") && stage_shows(&s, "cannot hold a colon")
          && stage_shows(&s, "The password is missing"));
    CHECK(!stage_shows(&s, "Type the password again"));
    CHECK_INT(s.script->asked, asked);
}

static void what_the_worker_refuses_is_on_the_form(void)
{
    stage_refuse(&s, "registry.save", "conflict", "slug", "There is already a registry so called.");
    CHECK_INT(stage_post(&s, "/registries/new",
                         "host=ghcr.example&slug=team&login=robot&password=" TYPED),
              422);
    CHECK(stage_shows(&s, "already a registry so called") && stage_shows(&s, "value=\"team\"")
          && stage_shows(&s, "Type the password again") && !stage_shows(&s, "p4ss"));
    stage_refuse(&s, "registry.save", "busy", "", "The database is busy.");
    CHECK_INT(stage_post(&s, "/registries/new",
                         "host=ghcr.example&slug=team&login=robot&password=" TYPED),
              503);
    stage_refuse(&s, "", "", "", "");
}

static void a_password_is_replaced(void)
{
    json_t *data = stage_json(&s, "/registries/team", 200);
    CHECK_STR(stage_text(data, "registry.login"), "robot");
    CHECK_STR(stage_text(data, "changed_by.name"), "Ann Weaver");
    CHECK_INT(stage_post(&s, "/registries/team", "login=another&password=" TYPED), 303);
    check_asked("registry.password", "registry_id", stage_text(data, "registry.id"));
    check_asked("registry.password", "login", "another");
    CHECK_STR(asked_password(), PLAIN);
    json_decref(data);
    CHECK_INT(stage_post(&s, "/registries/team", "login=a:b&password=" TYPED), 422);
    CHECK(stage_shows(&s, "value=\"a:b\"") && stage_shows(&s, "Type the password again")
          && !stage_shows(&s, "p4ss"));
    stage_refuse(&s, "registry.password", "not-found", "", "This registry was removed meanwhile.");
    CHECK_INT(stage_post(&s, "/registries/team", "login=robot&password=" TYPED), 404);
    stage_refuse(&s, "", "", "", "");
}

static void removing_wants_a_tick(void)
{
    int asked = s.script->asked;
    json_t *data = stage_json(&s, "/registries/team", 200);
    CHECK_INT(stage_post(&s, "/registries/team/remove", "x=1"), 422);
    CHECK(stage_shows(&s, "Tick the box"));
    CHECK_INT(s.script->asked, asked);
    CHECK_INT(stage_post(&s, "/registries/team/remove", "confirm=1"), 303);
    check_asked("registry.remove", "registry_id", stage_text(data, "registry.id"));
    CHECK(strstr(fake_header(&s.w.f, "Location"), "/registries") != NULL);
    json_decref(data);
    stage_refuse(&s, "registry.remove", "conflict", "", "hello / staging uses this registry.");
    CHECK_INT(stage_post(&s, "/registries/team/remove", "confirm=1"), 409);
    CHECK(stage_shows(&s, "hello / staging uses this registry."));
    stage_refuse(&s, "", "", "", "");
}

static void use_registries(const char *names)
{
    json_t *environment = NULL, *settings, *servers = json_array();
    struct environment_change change = {.tier = "staging", .server_ids = servers};
    int changed = 0;
    json_array_append_new(servers, json_string(s.server_id));
    WORLD_MUST(environment_by_id(s.w.db, s.env_id, &environment, &world_err));
    settings = json_deep_copy(json_object_get(environment, "settings"));
    json_object_set_new(settings, "registries", json_string(names));
    change.environment = environment;
    change.settings = settings;
    WORLD_MUST(environment_change(s.w.db, &s.actor, &change, &changed, &world_err));
    json_decref(environment);
    json_decref(settings);
    json_decref(servers);
}

static void who_uses_it_is_shown_and_it_cannot_go(void)
{
    json_t *data = stage_json(&s, "/registries", 200);
    CHECK_STR(stage_text(data, "registries.0.has_environments"), "false");
    json_decref(data);
    use_registries("other team");
    data = stage_json(&s, "/registries", 200);
    CHECK_STR(stage_text(data, "registries.0.environments.0.label"), "hello / staging");
    json_decref(data);
    data = stage_json(&s, "/registries/team", 200);
    CHECK_STR(stage_text(data, "can_remove"), "false");
    json_decref(data);
    CHECK_INT(world_get(&s.w, "/registries/team"), 200);
    CHECK(stage_shows(&s, "href=\"/apps/hello/staging\"") && !stage_shows(&s, "Remove registry"));
    use_registries("teams my-team");
    CHECK_INT(world_get(&s.w, "/registries/team"), 200);
    CHECK(stage_shows(&s, "Remove registry"));
}

static void readers_see_no_form(void)
{
    world_sign_in(&s.w, ROLE_MAINTAINER);
    CHECK_INT(world_get(&s.w, "/registries"), 200);
    CHECK(stage_shows(&s, "ghcr.example") && !stage_shows(&s, "/registries/new"));
    CHECK_INT(world_get(&s.w, "/registries/team"), 200);
    CHECK(stage_shows(&s, "ghcr.example") && !stage_shows(&s, "name=\"password\"")
          && !stage_shows(&s, "Remove registry"));
    world_sign_in(&s.w, ROLE_ADMIN);
}

static void the_history_leads_to_a_registry_that_is_there(void)
{
    CHECK_INT(world_get(&s.w, "/audit?verb=registry.save"), 200);
    CHECK(stage_shows(&s, "<a href=\"/registries/team\""));
}

int main(void)
{
    stage_open(&s);
    stage_furnish(&s);
    TAP_RUN(adding_seals_the_password_to_the_worker);
    TAP_RUN(a_refused_form_keeps_all_but_the_password);
    TAP_RUN(what_the_worker_refuses_is_on_the_form);
    TAP_RUN(a_password_is_replaced);
    TAP_RUN(removing_wants_a_tick);
    TAP_RUN(who_uses_it_is_shown_and_it_cannot_go);
    TAP_RUN(readers_see_no_form);
    TAP_RUN(the_history_leads_to_a_registry_that_is_there);
    stage_close(&s);
    return tap_done();
}
