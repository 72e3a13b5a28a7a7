/* pages_forms.c - bad input, field by field: refused with the field named and what was typed kept,
 * or carried byte-exact; and an audit event for each change. */
#include "tests/web/lib/pages_world.h"

#define GOOD_SETTINGS                                                                              \
    "tier=other&recipe=release&server.web-1=1&settings.deploy_dir=apps/hello-%%7Benv%%7D"          \
    "&settings.port=8000&settings.start_command=./x&settings.health_path=/health"                  \
    "&settings.keep=5&settings.health_status=200&settings.health_count=3"                          \
    "&settings.health_soak_s=3&settings.health_deadline_s=60&settings.unit_scope=system"

static struct stage s;

/* Values nobody means, percent-encoded. */
static const char *const NASTY[] = {
    "",
    "%20",
    "a%0Ab",
    "a%00b",
    "%FF%FE",
    "a%22b%27c",
    "%24%28touch%20/tmp/x%29",
    "%60id%60",
    "-rf",
    "../../etc/passwd",
    "%3Cscript%3Ealert(1)%3C/script%3E",
    "a%E2%80%AEb%01",
};

/* A very long value; with 1 MiB the form is larger than any may be. */
static char *long_text(size_t len)
{
    char *text = malloc(len + 1);
    memset(text, 'x', len);
    text[len] = '\0';
    return text;
}

/* 400, 413 and 422 are refusals; a 422 page names the field and is no 303. */
static bool is_refusal(int status)
{
    return status == 400 || status == 413 || status == 422;
}

struct field_case {
    const char *uri, *others, *field;
    bool may_be_kept; /* some of the values are fine for this field */
};

static const struct field_case FIELDS[] = {
    {"/apps/new", "name=X&note=", "slug", false},
    {"/apps/new", "slug=nasty-%d&note=", "name", true},
    {"/apps/new", "slug=nasty-n%d&name=X", "note", true},
    {"/apps/hello/new", "tier=staging&recipe=release&settings.start_command=./x", "slug", false},
    {"/apps/hello/new", "slug=t%d&recipe=release", "tier", false},
    {"/apps/hello/staging/settings", "tier=staging", "settings.deploy_dir", true},
    {"/apps/hello/staging/settings", "tier=staging&settings.deploy_dir=x", "settings.port", false},
    {"/apps/hello/artefacts/fetch", "sha256=" SHA_A "&version=9.9.9", "url", false},
    {"/apps/hello/artefacts/fetch", "url=https://x.example/a.tar.gz&version=9.9.9", "sha256",
     false},
    {"/apps/hello/artefacts/fetch", "url=https://x.example/a.tar.gz&sha256=" SHA_A, "version",
     false},
    {"/apps/hello/artefacts/adopt", "version=9.9.9", "file", false},
    {"/apps/hello/artefacts/adopt", "file=a.tar.gz", "version", false},
    {"/servers/new", "slug=box-%d", "address", false},
    {"/servers/new", "address=deploy@web-9.example.org", "slug", false},
    {"/profile", "theme=light", "name", true},
    {"/profile", "name=Ann", "theme", false},
    {"/profile/password", "password=one+two+three+four&password_again=x", "current", false},
    {"/profile/password", "current=x&password_again=x", "password", false},
};

static void try_value(const struct field_case *c, int number, const char *value)
{
    size_t size = strlen(value) + 400;
    char *body = malloc(size), others[200];
    const char *mark = strstr(c->others, "%d");
    int status;
    if (mark != NULL)
        snprintf(others, sizeof others, "%.*s%d%s", (int)(mark - c->others), c->others, number,
                 mark + 2);
    else
        snprintf(others, sizeof others, "%s", c->others);
    snprintf(body, size, "%s&%s=%s", others, c->field, value);
    status = world_post(&s.w, c->uri, body);
    CHECK(is_refusal(status) || (c->may_be_kept && status == 303));
    CHECK(!stage_shows(&s, "<script>alert(1)"));
    if (!is_refusal(status) && !(c->may_be_kept && status == 303))
        printf("#   POST %s %s=%.40s: %d\n", c->uri, c->field, value, status);
    if (status == 422 && strstr(fake_body(&s.w.f), "class=\"error\"") == NULL
        && !stage_shows(&s, "data-errors><p>") && !stage_shows(&s, c->field)) {
        tap_note_failure(__FILE__, __LINE__, "the page does not name the field");
        printf("#   POST %s %s=%.40s\n", c->uri, c->field, value);
    }
    free(body);
}

static void every_field_refuses_or_keeps(void)
{
    char *large = long_text((size_t)1024 * 1024), *nearly = long_text(1000000);
    for (size_t i = 0; i < COUNT_OF(FIELDS); i++) {
        for (size_t k = 0; k < COUNT_OF(NASTY); k++)
            try_value(&FIELDS[i], (int)(i * 100 + k), NASTY[k]);
        try_value(&FIELDS[i], (int)(i * 100 + 98), nearly);
        CHECK_INT(fake_status(&s.w.f), 422);
        try_value(&FIELDS[i], (int)(i * 100 + 99), large);
        CHECK(fake_status(&s.w.f) == 413 && stage_shows(&s, "larger than 1 MiB"));
    }
    free(nearly);
    free(large);
}

static void nothing_wrong_was_stored(void)
{
    json_t *apps = NULL, *row;
    size_t i;
    WORLD_MUST(app_page(s.w.db, "", 1000, &apps, &world_err));
    json_array_foreach(apps, i, row)
    {
        const char *name = stage_text(row, "name");
        CHECK(strlen(name) > 0 && strlen(name) <= 320);
        CHECK(strchr(name, '\n') == NULL);
    }
    json_decref(apps);
}

static void what_is_kept_is_kept_exactly(void)
{
    json_t *app = NULL;
    CHECK_INT(stage_post(&s, "/apps/new",
                         "slug=exact&name=%%22Q%%22+%%27q%%27+%%24%%28x%%29+%%60y%%60+%%C5%%BE"
                         "&note=one%%0D%%0Atwo%%09tab"),
              303);
    CHECK_STR(stage_last_verb(&s), "app.create");
    WORLD_MUST(app_by_slug(s.w.db, "exact", &app, &world_err));
    CHECK_STR(stage_text(app, "name"), "\"Q\" 'q' $(x) `y` \xC5\xBE");
    CHECK_STR(stage_text(app, "note"), "one\ntwo\ttab");
    json_decref(app);
}

static void a_refused_form_keeps_what_was_typed(void)
{
    CHECK_INT(stage_post(&s, "/apps/new", "slug=Bad+Slug&name=My+typed+name&note=My+note"), 422);
    CHECK(stage_shows(&s, "My typed name"));
    CHECK(stage_shows(&s, "My note"));
    CHECK(stage_shows(&s, "Bad Slug"));
    CHECK(stage_shows(&s, "href=\"#f-slug\""));
    CHECK_INT(stage_post(&s, "/apps/hello/artefacts/fetch",
                         "url=http://x.example/a&sha256=12&version=7.7.7"),
              422);
    CHECK(stage_shows(&s, "http://x.example/a"));
    CHECK(stage_shows(&s, "7.7.7"));
}

static void taken_and_reserved_names_are_said(void)
{
    CHECK_INT(stage_post(&s, "/apps/new", "slug=hello&name=Again"), 422);
    CHECK(stage_shows(&s, "already"));
    CHECK_INT(stage_post(&s, "/apps/new", "slug=new&name=Again"), 422);
    CHECK_INT(stage_post(&s, "/apps/hello/new", "slug=artefacts&tier=other&recipe=release"), 422);
    CHECK_INT(stage_post(&s, "/apps/hello/new", "slug=staging&" GOOD_SETTINGS), 422);
    CHECK(stage_shows(&s, "already"));
    stage_refuse(&s, "server.add", "conflict", "slug", "There is one of that name.");
    CHECK_INT(stage_post(&s, "/servers/new", "slug=web-1&address=a@b.example"), 422);
    CHECK(stage_shows(&s, "There is one of that name."));
    stage_refuse(&s, "", "", "", "");
}

static void all_wrong_settings_are_named_at_once(void)
{
    json_t *problem;
    s.w.wants_json = true;
    CHECK_INT(stage_post(&s, "/apps/hello/staging/settings",
                         "tier=moon&settings.deploy_dir=../x&settings.port=99999"
                         "&settings.health_path=nope&settings.keep=0&server.nobody=1"),
              422);
    s.w.wants_json = false;
    problem = json_loads(fake_body(&s.w.f), 0, NULL);
    CHECK(json_array_size(json_object_get(problem, "errors")) >= 6);
    json_decref(problem);
}

static void settings_are_saved_with_old_and_new(void)
{
    json_t *environment = NULL, *events = NULL, *none = json_object();
    CHECK_INT(stage_post(&s, "/apps/hello/staging/settings",
                         "tier=production&server.web-1=1&settings.deploy_dir=apps/other"
                         "&settings.port=9101&settings.start_command=./run+%%24PORT"
                         "&settings.health_path=/h&settings.keep=3&settings.health_status=200"
                         "&settings.health_count=1&settings.health_soak_s=0"
                         "&settings.health_deadline_s=9&settings.unit_scope=system"
                         "&settings.strip_top=true"),
              303);
    WORLD_MUST(environment_by_slugs(s.w.db, "hello", "staging", &environment, &world_err));
    CHECK_STR(stage_text(environment, "tier"), "production");
    CHECK_STR(stage_text(environment, "settings.port"), "9101");
    CHECK_STR(stage_text(environment, "settings.start_command"), "./run $PORT");
    CHECK_STR(stage_text(environment, "settings.strip_top"), "true");
    WORLD_MUST(audit_list(s.w.worker, none, 0, 1, &events, &world_err));
    CHECK_STR(stage_text(events, "0.verb"), "environment.change");
    CHECK_STR(stage_text(events, "0.detail.changed.tier.from"), "staging");
    CHECK_STR(stage_text(events, "0.detail.changed.tier.to"), "production");
    json_decref(environment);
    json_decref(events);
    json_decref(none);
}

static void an_environment_gets_its_name_into_its_defaults(void)
{
    json_t *environment = NULL;
    CHECK_INT(world_get(&s.w, "/apps/hello/new"), 200);
    CHECK(stage_shows(&s, "apps/hello-{env}"));
    CHECK_INT(stage_post(&s, "/apps/hello/new", "slug=review&" GOOD_SETTINGS), 303);
    CHECK_STR(stage_last_verb(&s), "environment.create");
    WORLD_MUST(environment_by_slugs(s.w.db, "hello", "review", &environment, &world_err));
    CHECK_STR(stage_text(environment, "settings.deploy_dir"), "apps/hello-review");
    json_decref(environment);
}

static void a_fetch_is_a_job_and_twice_the_same_one(void)
{
    char first[200];
    CHECK_INT(stage_post(&s, "/apps/hello/artefacts/fetch",
                         "url=https://x.example/a.tar.gz&sha256=" SHA_A "&version=3.0.0"),
              303);
    CHECK_STR(stage_last_verb(&s), "fetch.request");
    snprintf(first, sizeof first, "%s", fake_header(&s.w.f, "Location"));
    CHECK(strstr(first, "/jobs/") != NULL);
    CHECK_INT(stage_post(&s, "/apps/hello/artefacts/fetch",
                         "url=https://x.example/a.tar.gz&sha256=" SHA_A "&version=3.0.0"),
              303);
    CHECK_STR(fake_header(&s.w.f, "Location"), first);
    CHECK_INT(stage_post(&s, "/apps/hello/artefacts/fetch",
                         "url=https://x.example/a.tar.gz&sha256=" SHA_A "&version=1.0.0"),
              422);
    CHECK(stage_shows(&s, "never replaced"));
}

static void a_dropped_file_is_offered_and_taken(void)
{
    char path[PATH_MAX];
    json_t *data;
    static const char *const NAMES[] = {"hello-5.0.0.tar.gz", "zz.tar", ".hidden.tar", "notes.txt"};
    for (size_t i = 0; i < COUNT_OF(NAMES); i++) {
        snprintf(path, sizeof path, "%s/artefacts/%s", s.w.var, NAMES[i]);
        WORLD_MUST(fs_write_atomic(path, "x", 1, 0600, &world_err));
    }
    snprintf(path, sizeof path, "%s/artefacts/link.tar.gz", s.w.var);
    WORLD_MUST(symlink("/etc/passwd", path));
    data = stage_json(&s, "/apps/hello", 200);
    CHECK_INT(json_array_size(json_object_get(data, "found")), 2);
    CHECK_STR(stage_text(data, "found.0.file"), "hello-5.0.0.tar.gz");
    CHECK_STR(stage_text(data, "found.0.version"), "5.0.0");
    json_decref(data);
    CHECK_INT(
        stage_post(&s, "/apps/hello/artefacts/adopt", "file=hello-5.0.0.tar.gz&version=5.0.0"),
        303);
    CHECK_STR(stage_last_verb(&s), "fetch.request");
    CHECK_INT(stage_post(&s, "/apps/hello/artefacts/adopt", "file=hello_1.0.0.tar.gz&version=8"),
              422);
    CHECK(stage_shows(&s, "registered already"));
}

/* --- uploads --- */

static int upload(const char *version, const char *file_name, const char *bytes)
{
    char body[4000], token[64];
    int status;
    snprintf(body, sizeof body,
             "--XX\r\nContent-Disposition: form-data; name=\"csrf\"\r\n\r\n%s\r\n"
             "--XX\r\nContent-Disposition: form-data; name=\"version\"\r\n\r\n%s\r\n"
             "--XX\r\nContent-Disposition: form-data; name=\"file\"; filename=\"%s\"\r\n"
             "Content-Type: application/gzip\r\n\r\n%s\r\n--XX--\r\n",
             world_csrf(&s.w, token), version, file_name, bytes);
    world_request(&s.w, "POST", "/apps/hello/artefacts");
    fake_param(&s.w.f, "HTTP_ORIGIN", s.w.site.origin);
    fake_send(&s.w.f, "multipart/form-data; boundary=XX", body, strlen(body));
    status = world_dispatch(&s.w);
    s.w.f.body = NULL;
    return status;
}

static bool is_kept(const char *name)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/artefacts/%s", s.w.var, name);
    return fs_exists(path);
}

static void an_upload_becomes_an_artefact(void)
{
    json_t *artefact = NULL;
    CHECK_INT(upload("2.0.0", "C:\\\\builds\\\\hello.tar.gz", "bytes of it"), 303);
    CHECK(is_kept("hello_2.0.0.tar.gz"));
    CHECK_STR(stage_last_verb(&s), "artefact.add");
    WORLD_MUST(artefact_by_version(s.w.db, s.app_id, "2.0.0", &artefact, &world_err));
    CHECK_STR(stage_text(artefact, "sha256"),
              "3cb02ee641adac527e3175c63424d999df003b939ab2cc8f9a5eb0e164b3f331");
    CHECK_STR(stage_text(artefact, "size_bytes"), "11");
    CHECK_STR(stage_text(artefact, "origin"), "upload");
    json_decref(artefact);
}

static void a_wrong_upload_is_the_page_again(void)
{
    CHECK_INT(upload("2.0.0", "hello.tar.gz", "other bytes"), 422);
    CHECK(stage_shows(&s, "never replaced"));
    CHECK_INT(upload("2 0", "hello.tar.gz", "x"), 422);
    CHECK(stage_shows(&s, "value=\"2 0\""));
    CHECK_INT(upload("2.1.0", "hello.exe", "x"), 422);
    CHECK(stage_shows(&s, "does not end in"));
    CHECK_INT(upload("../../x", "hello.tar.gz", "x"), 422);
    CHECK_INT(upload("2.2.0", "hello.tar.gz", ""), 422);
    CHECK(!is_kept("hello_2.1.0.tar.gz"));
    CHECK(!is_kept("hello_2.2.0.tar.gz"));
}

static void a_locked_database_keeps_no_half_of_an_upload(void)
{
    WORLD_MUST(db_begin(s.w.worker, &world_err));
    CHECK_INT(upload("2.3.0", "hello.tar.gz", "bytes"), 503);
    db_rollback(s.w.worker);
    CHECK(!is_kept("hello_2.3.0.tar.gz"));
    CHECK_INT(upload("2.3.0", "hello.tar.gz", "bytes"), 303);
    CHECK(is_kept("hello_2.3.0.tar.gz"));
}

int main(void)
{
    stage_open(&s);
    stage_furnish(&s);
    TAP_RUN(every_field_refuses_or_keeps);
    TAP_RUN(nothing_wrong_was_stored);
    TAP_RUN(what_is_kept_is_kept_exactly);
    TAP_RUN(a_refused_form_keeps_what_was_typed);
    TAP_RUN(taken_and_reserved_names_are_said);
    TAP_RUN(all_wrong_settings_are_named_at_once);
    TAP_RUN(settings_are_saved_with_old_and_new);
    TAP_RUN(an_environment_gets_its_name_into_its_defaults);
    TAP_RUN(a_fetch_is_a_job_and_twice_the_same_one);
    TAP_RUN(a_dropped_file_is_offered_and_taken);
    TAP_RUN(an_upload_becomes_an_artefact);
    TAP_RUN(a_wrong_upload_is_the_page_again);
    TAP_RUN(a_locked_database_keeps_no_half_of_an_upload);
    stage_close(&s);
    return tap_done();
}
