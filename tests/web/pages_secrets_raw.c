/* pages_secrets_raw.c - all variables as one .env text: placeholders keep hidden values, what is
 * wrong is told by line and column with the text still there, comments stay. */
#include "tests/web/lib/secrets_world.h"

#define RAW SECRETS "/raw"

static struct stage s;
static char placeholder[80];

static const struct stored FIRST[] = {
    {.key = "PASSWORD", .kind = "secret", .value = "old-one", .comment = "# of the mailer\n"},
    {.key = "TOKEN", .kind = "write_only", .value = "old-two"},
    {.key = "GREETING", .kind = "plain", .value = "it's $5 # not a comment"},
    {.key = "VITE_URL", .kind = "plain", .value = "/api", .stage = "build"},
    {.key = "PEM", .kind = "secret", .value = "pem", .path = "keys/jwt.pem"},
};

/* As a form sends it: percent-encoded. */
static int post_raw(const char *text, const char *more)
{
    static char body[20000];
    int n = snprintf(body, sizeof body,
                     "base_set=1&placeholder=%s&kind=secret%s&text=", placeholder, more);
    for (const char *c = text; *c != '\0'; c++)
        n += snprintf(body + n, sizeof body - (size_t)n, "%%%02X", (unsigned char)*c);
    return world_post(&s.w, RAW, body);
}

/* %P stands for the placeholder. */
static const char *with_placeholder(const char *text)
{
    static char out[4000];
    char *to = out;
    for (; *text != '\0'; text++)
        if (text[0] == '%' && text[1] == 'P') {
            to += snprintf(to, 100, "%s", placeholder);
            text++;
        } else
            *to++ = *text;
    *to = '\0';
    return out;
}

static void the_text_has_every_variable_and_no_hidden_value(void)
{
    json_t *data = stage_json(&s, RAW, 200);
    char want[400];
    snprintf(placeholder, sizeof placeholder, "%s", stage_text(data, "placeholder"));
    snprintf(want, sizeof want, "# of the mailer\nPASSWORD=%s\nTOKEN=%s\nGREETING=", placeholder,
             placeholder);
    CHECK(strncmp(stage_text(data, "text"), want, strlen(want)) == 0);
    CHECK(strstr(stage_text(data, "text"), "VITE_URL=/api\n") != NULL);
    CHECK(strstr(stage_text(data, "text"), "PEM") == NULL);
    CHECK_STR(stage_text(data, "files.0.path"), "keys/jwt.pem");
    CHECK_STR(stage_text(data, "is_revealed"), "false");
    json_decref(data);
    data = stage_json(&s, RAW, 200);
    CHECK(strcmp(stage_text(data, "placeholder"), placeholder) != 0); /* one for each form */
    json_decref(data);
}

static void the_text_sent_back_changes_nothing(void)
{
    static char text[4000];
    json_t *data = stage_json(&s, RAW, 200);
    snprintf(placeholder, sizeof placeholder, "%s", stage_text(data, "placeholder"));
    snprintf(text, sizeof text, "%s", stage_text(data, "text"));
    json_decref(data);
    CHECK_INT(post_raw(text, ""), 303);
    data = review_data(&s, new_draft(&s), 200);
    CHECK_STR(stage_text(data, "is_nothing"), "true");
    CHECK_STR(stage_text(data, "summary"), "0 added, 0 changed, 0 removed, 5 unchanged");
    json_decref(data);
}

static void placeholders_keep_and_what_is_gone_is_removed(void)
{
    const struct draft *draft;
    CHECK_INT(post_raw(with_placeholder("# for the CI, too\nTOKEN=%P\n\nPASSWORD=\"" CANARY
                                        "\"\nNEW='a\nb'\n# the end\n"),
                       ""),
              303);
    draft = draft_of(&s, new_draft(&s));
    CHECK_INT(draft->entries.count, 4); /* three, and the file */
    keeps(entry_in(draft, "TOKEN"), 1);
    CHECK_STR(entry_in(draft, "TOKEN")->comment, "# for the CI, too\n");
    CHECK_STR(entry_in(draft, "TOKEN")->kind, "write_only");
    opens_to(&s, entry_in(draft, "PASSWORD"), CANARY);
    opens_to(&s, entry_in(draft, "NEW"), "a\nb");
    CHECK_STR(entry_in(draft, "NEW")->kind, "secret"); /* what was chosen for new keys */
    keeps(entry_in(draft, "PEM"), 1);
    CHECK_STR(entry_in(draft, "PEM")->path, "keys/jwt.pem");
    CHECK(entry_in(draft, "GREETING") == NULL);
    CHECK(strstr(draft->tail, "# the end") != NULL);
}

static void merging_only_adds_and_changes(void)
{
    const struct draft *draft;
    CHECK_INT(post_raw("NEW=1\nPASSWORD=" CANARY "\n", "&mode=merge"), 303);
    draft = draft_of(&s, new_draft(&s));
    CHECK_INT(draft->entries.count, 6);
    opens_to(&s, entry_in(draft, "PASSWORD"), CANARY);
    CHECK_STR(entry_in(draft, "PASSWORD")->comment, "# of the mailer\n");
    keeps(entry_in(draft, "TOKEN"), 1);
    keeps(entry_in(draft, "GREETING"), 1);
    keeps(entry_in(draft, "PEM"), 1);
    CHECK_STR(entry_in(draft, "VITE_URL")->stage, "build");
}

static void the_stage_of_a_key_stays(void)
{
    CHECK_INT(post_raw("VITE_URL=/api/v2\n", ""), 303);
    CHECK_STR(entry_in(draft_of(&s, new_draft(&s)), "VITE_URL")->stage, "build");
}

static void a_placeholder_for_nothing_is_refused_by_its_line(void)
{
    int asked = s.script->asked;
    CHECK_INT(post_raw(with_placeholder("GREETING=hi\nUNKNOWN=%P\n"), ""), 422);
    CHECK(stage_shows(&s, "Line 2"));
    CHECK(stage_shows(&s, "UNKNOWN has none"));
    CHECK_INT(s.script->asked, asked);
    CHECK_INT(post_raw("PEM=x\n", ""), 422);
    CHECK(stage_shows(&s, "PEM is a secret file here"));
}

static void what_is_wrong_is_told_by_line_and_column_with_the_text(void)
{
    static const struct {
        const char *text, *says;
    } BAD[] = {
        {"A=1\nB=\"never ends\n", "Line 2, column"}, {"A=1\nA=2\n", "Line 2, column"},
        {"A=1\nno-dash=2\n", "Line 2, column"},      {"A=1\nLD_PRELOAD=x\n", "Line 2, column"},
        {"just words\n", "Line 1, column"},          {"A=\x01\n", "Line 1, column"},
    };
    int asked = s.script->asked;
    for (size_t i = 0; i < COUNT_OF(BAD); i++) {
        json_t *data;
        CHECK_INT(post_raw(BAD[i].text, "&mode=merge"), 422);
        CHECK(stage_shows(&s, BAD[i].says));
        if (!stage_shows(&s, BAD[i].says))
            printf("#   %s\n", BAD[i].text);
        s.w.wants_json = true;
        CHECK_INT(post_raw(BAD[i].text, "&mode=merge"), 422);
        s.w.wants_json = false;
        data = json_loads(fake_body(&s.w.f), 0, NULL);
        CHECK(json_is_object(data));
        json_decref(data);
    }
    CHECK_INT(post_raw("KEPT=words\nbroken\n", "&mode=merge"), 422);
    CHECK(stage_shows(&s, "KEPT=words\nbroken\n"));
    CHECK(stage_shows(&s, "The text was not taken"));
    CHECK_STR(stage_hidden(&s, "placeholder"), placeholder); /* the text's own still counts */
    CHECK_INT(s.script->asked, asked);
}

/* A dropped file may come from anywhere. */
static void line_ends_of_a_browser_are_one(void)
{
    const struct draft *draft;
    CHECK_INT(post_raw("A='one\r\ntwo'\r\nB=x\r\n", ""), 303);
    draft = draft_of(&s, new_draft(&s));
    opens_to(&s, entry_in(draft, "A"), "one\ntwo");
    opens_to(&s, entry_in(draft, "B"), "x");
}

/* --- reveal all --- */

static void reveal_all_fills_in_what_is_secret(void)
{
    json_t *question;
    CHECK_INT(stage_post(&s, RAW "/reveal", "x=1"), 200);
    CHECK_STR(s.script->verb, "secrets.reveal");
    CHECK(stage_shows(&s, "PASSWORD=shown-7Qz-value"));
    CHECK(!stage_shows(&s, "TOKEN=shown"));
    CHECK(stage_shows(&s, "Values of kind secret are shown"));
    question = json_loads(s.script->question, 0, NULL);
    CHECK_STR(stage_text(question, "key"), "");
    CHECK_STR(stage_text(question, "purpose"), "show");
    CHECK_STR(stage_text(question, "environment_id"), s.env_id);
    json_decref(question);
}

static void reveal_all_asks_for_the_password(void)
{
    stage_refuse(&s, "secrets.reveal", "prove", "", "Enter your password again: it is more.");
    CHECK_INT(stage_post(&s, RAW "/reveal", "x=1"), 403);
    CHECK(stage_shows(&s, "Enter your password again"));
    CHECK(!stage_shows(&s, "shown-7Qz-value"));
    CHECK(stage_shows(&s, "action=\"" RAW "/reveal\""));
    CHECK_INT(stage_post(&s, RAW "/reveal", "password=four+unrelated+words"), 200);
    CHECK(stage_shows(&s, "PASSWORD=shown-7Qz-value"));
    CHECK(strstr(s.script->question, "four unrelated words") == NULL);
    stage_refuse(&s, "", "", "", "");
}

static void no_value_is_in_the_data_folder(void)
{
    CHECK(data_folder_has(&s, "# for the CI, too"));
    CHECK(!data_folder_has(&s, CANARY));
    CHECK(!data_folder_has(&s, "shown-7Qz-value"));
}

int main(void)
{
    stage_open(&s);
    stage_furnish(&s);
    store_secrets(&s.w, s.env_id, FIRST, COUNT_OF(FIRST));
    TAP_RUN(the_text_has_every_variable_and_no_hidden_value);
    TAP_RUN(the_text_sent_back_changes_nothing);
    TAP_RUN(placeholders_keep_and_what_is_gone_is_removed);
    TAP_RUN(merging_only_adds_and_changes);
    TAP_RUN(the_stage_of_a_key_stays);
    TAP_RUN(a_placeholder_for_nothing_is_refused_by_its_line);
    TAP_RUN(what_is_wrong_is_told_by_line_and_column_with_the_text);
    TAP_RUN(line_ends_of_a_browser_are_one);
    TAP_RUN(reveal_all_fills_in_what_is_secret);
    TAP_RUN(reveal_all_asks_for_the_password);
    TAP_RUN(no_value_is_in_the_data_folder);
    stage_close(&s);
    return tap_done();
}
