/* pages_secrets_required.c - keys that a deploy needs: from the Compose file, from an .env.example,
 * by hand; and that a deploy without them is refused with their names. */
#include "tests/web/lib/secrets_world.h"

#define REQUIRED SECRETS "/required"
#define STACK    "/apps/hello/stack"

static struct stage s;
static char stack_id[CRYPTO_ID_SIZE];

static void make_stack(void)
{
    json_t *card = NULL;
    CHECK_INT(
        stage_post(&s, "/apps/hello/new",
                   "slug=stack&tier=other&recipe=compose&server.web-1=1&settings.deploy_dir=apps/y"
                   "&settings.project=y&settings.version_variable=TAG&settings.pull=always"
                   "&settings.soak_s=10&settings.health_path=/health&settings.health_status=200"
                   "&settings.health_count=3&settings.health_soak_s=3"
                   "&settings.health_deadline_s=120&settings.keep=5&settings.compose="
                   "services:%%0A++web:%%0A++++image:+team/app:%%24%%7BTAG%%7D%%0A"
                   "++++environment:%%0A++++++A:+%%24%%7BDATABASE_URL%%7D%%0A"
                   "++++++B:+%%24%%7BAPI_TOKEN:?ask+Ann+for+it%%7D%%0A"
                   "++++++C:+%%24%%7BCOLOUR:-blue%%7D%%0A"),
        303);
    WORLD_MUST(environment_card(s.w.db, "hello", "stack", &card, &world_err));
    snprintf(stack_id, sizeof stack_id, "%s", stage_text(card, "id"));
    json_decref(card);
}

static void the_compose_file_says_what_is_needed(void)
{
    static const struct stored ONE[] = {{.key = "DATABASE_URL", .kind = "secret", .value = "x"}};
    const json_t *required;
    json_t *data;
    make_stack();
    data = stage_json(&s, STACK "/secrets/required", 200);
    required = json_object_get(data, "required");
    CHECK_INT(json_array_size(required), 2); /* the version's variable and a default are none */
    CHECK_STR(stage_text(listed(required, "DATABASE_URL"), "text"),
              "used in the Compose file by web");
    CHECK_STR(stage_text(listed(required, "API_TOKEN"), "text"), "ask Ann for it");
    CHECK_STR(stage_text(listed(required, "API_TOKEN"), "can_remove"), "false");
    CHECK_STR(stage_text(data, "missing_text"), "DATABASE_URL, API_TOKEN");
    json_decref(data);
    store_secrets(&s.w, stack_id, ONE, 1);
    data = stage_json(&s, STACK "/secrets", 200);
    CHECK_STR(stage_text(data, "missing_text"), "API_TOKEN");
    CHECK_STR(stage_text(data, "entries.0.used_by"), "web");
    json_decref(data);
}

static void by_hand_and_by_example(void)
{
    const json_t *required;
    json_t *data;
    CHECK_INT(
        stage_post(&s, REQUIRED, "key=SIGNING_KEY&description=For+the+cookies&generator=base64-32"),
        303);
    CHECK_INT(stage_post(&s, REQUIRED,
                         "action=import&text=%%23+of+the+mailer%%0D%%0ASMTP_PASSWORD=changeme%%0D"
                         "%%0APORT=8000%%0D%%0A%%23+optional%%0D%%0ASENTRY_DSN=%%0D%%0A"),
              303);
    data = stage_json(&s, REQUIRED, 200);
    required = json_object_get(data, "required");
    CHECK_INT(json_array_size(required), 2);
    CHECK_STR(stage_text(listed(required, "SIGNING_KEY"), "text"), "For the cookies");
    CHECK_STR(stage_text(listed(required, "SIGNING_KEY"), "generator"), "base64-32");
    CHECK_STR(stage_text(listed(required, "SIGNING_KEY"), "origin"), "hand");
    CHECK_STR(stage_text(listed(required, "SMTP_PASSWORD"), "text"), "of the mailer");
    CHECK_STR(stage_text(listed(required, "SMTP_PASSWORD"), "origin"), "example");
    CHECK_STR(stage_text(listed(required, "SMTP_PASSWORD"), "is_missing"), "true");
    json_decref(data);
    data = stage_json(&s, SECRETS, 200); /* an example's value is no secret */
    CHECK_STR(stage_text(data, "has_entries"), "false");
    json_decref(data);
}

static void what_is_wrong_is_told_and_stays_typed(void)
{
    static const char *const BAD[] = {
        "key=A-B&description=Kept+words&generator=",
        "key=&description=Kept+words&generator=",
        "key=A&description=Kept+words&generator=dice",
        "key=A&description=Kept+words%01&generator=",
        "action=import&text=",
        "action=import&text=%23+Kept+words%0AB%3D%22never",
        "action=import&text=%23+Kept+words%0APORT%3D8000%0A",
    };
    json_t *data;
    for (size_t i = 0; i < COUNT_OF(BAD); i++) {
        int status = world_post(&s.w, REQUIRED, BAD[i]);
        CHECK_INT(status, 422);
        CHECK(strstr(BAD[i], "Kept") == NULL || stage_shows(&s, "Kept words"));
        if (status != 422)
            printf("#   %s\n", BAD[i]);
    }
    CHECK_INT(world_post(&s.w, REQUIRED, "action=import&text=A%3D%0AB%3D%22never"), 422);
    CHECK(stage_shows(&s, "Line 2, column"));
    CHECK_INT(stage_post(&s, REQUIRED, "action=remove&key=NOT_THERE"), 404);
    data = stage_json(&s, REQUIRED, 200);
    CHECK_INT(json_array_size(json_object_get(data, "required")), 2);
    json_decref(data);
}

/* --- a deploy without them --- */

static int post_deploy(const char *environment)
{
    char uri[120], show[160], plan[8192], idem[80];
    snprintf(uri, sizeof uri, "%s/deploy", environment);
    snprintf(show, sizeof show, "%s?version=1.0.0", uri);
    world_get(&s.w, show);
    snprintf(plan, sizeof plan, "%s", stage_hidden(&s, "plan_hash"));
    snprintf(idem, sizeof idem, "%s", stage_hidden(&s, "idem"));
    return stage_post(&s, uri, "version=1.0.0&plan_hash=%s&idem=%s&why=", plan, idem);
}

static int64_t jobs(void)
{
    json_t *data = stage_json(&s, "/jobs", 200);
    const json_t *day;
    int64_t count = 0;
    size_t i;
    json_array_foreach(json_object_get(data, "days"), i, day) count +=
        (int64_t)json_array_size(json_object_get(day, "jobs"));
    json_decref(data);
    CHECK(count > 0);
    return count;
}

static void a_missing_key_blocks_the_deploy(void)
{
    int64_t before = jobs();
    json_t *data = stage_json(&s, "/apps/hello/staging/deploy?version=1.0.0", 200);
    char *text = json_dumps(data, 0);
    CHECK(strstr(text, "Required secrets are missing: SIGNING_KEY, SMTP_PASSWORD.") != NULL);
    free(text);
    json_decref(data);
    CHECK_INT(world_get(&s.w, "/apps/hello/staging/deploy?version=1.0.0"), 200);
    CHECK(stage_shows(&s, "Required secrets are missing: SIGNING_KEY, SMTP_PASSWORD."));
    CHECK(stage_shows(&s, "href=\"" REQUIRED "\""));
    CHECK_INT(post_deploy("/apps/hello/staging"), 422);
    CHECK(stage_shows(&s, "Required secrets are missing: SIGNING_KEY, SMTP_PASSWORD."));
    CHECK_INT(jobs(), before);
}

static void with_all_of_them_it_is_not_blocked(void)
{
    static const struct stored ALL[] = {
        {.key = "SIGNING_KEY", .kind = "secret", .value = "x"},
        {.key = "SMTP_PASSWORD", .kind = "plain", .value = ""}, /* empty is there */
    };
    int64_t before = jobs();
    store_secrets(&s.w, s.env_id, ALL, COUNT_OF(ALL));
    CHECK_INT(world_get(&s.w, "/apps/hello/staging/deploy?version=1.0.0"), 200);
    CHECK(!stage_shows(&s, "Required secrets are missing"));
    CHECK_INT(post_deploy("/apps/hello/staging"), 303);
    CHECK_INT(jobs(), before + 1);
}

static void what_is_no_longer_required_blocks_nothing(void)
{
    static const struct stored NONE[] = {{.key = "X", .kind = "plain", .value = "x"}};
    store_secrets(&s.w, s.env_id, NONE, 1);
    CHECK_INT(post_deploy("/apps/hello/staging"), 422);
    CHECK_INT(stage_post(&s, REQUIRED, "action=remove&key=SIGNING_KEY"), 303);
    CHECK_INT(post_deploy("/apps/hello/staging"), 422);
    CHECK(stage_shows(&s, "Required secrets are missing: SMTP_PASSWORD."));
    CHECK_INT(stage_post(&s, REQUIRED, "action=remove&key=SMTP_PASSWORD"), 303);
    CHECK_INT(post_deploy("/apps/hello/staging"), 303);
}

int main(void)
{
    stage_open(&s);
    stage_furnish(&s);
    TAP_RUN(the_compose_file_says_what_is_needed);
    TAP_RUN(by_hand_and_by_example);
    TAP_RUN(what_is_wrong_is_told_and_stays_typed);
    TAP_RUN(a_missing_key_blocks_the_deploy);
    TAP_RUN(with_all_of_them_it_is_not_blocked);
    TAP_RUN(what_is_no_longer_required_blocks_nothing);
    stage_close(&s);
    return tap_done();
}
