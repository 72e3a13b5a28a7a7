/* engine_template.c - what templates may say, where a tag may stand, and how values are escaped
 * there. Templates here are made in a scratch folder. */
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include "cgi/http/template.h"
#include "lib/base/fs.h"
#include "lib/base/str.h"
#include "tests/tap.h"

static char folder[64];
static struct buf out;
static struct err err;

static void write_file(const char *name, const char *text, size_t len)
{
    char path[256];
    FILE *file;

    snprintf(path, sizeof path, "%s/%s", folder, name);
    file = fopen(path, "w");
    if (file == NULL || fwrite(text, 1, len, file) != len || fclose(file) != 0) {
        printf("Bail out! %s cannot be written\n", path);
        exit(1);
    }
}

static int load(const char *source, bool strict, struct templates **templates)
{
    err = (struct err){0};
    write_file("t.html", source, strlen(source));
    return templates_load(folder, strict, templates, &err);
}

/* The page, or "ERR <sentence> <detail>". */
static const char *render_as(const char *source, const char *model_text, bool strict)
{
    struct templates *templates = NULL;
    json_t *model = json_loads(model_text, JSON_ALLOW_NUL, NULL);

    buf_reset(&out);
    if (model == NULL) {
        printf("Bail out! the test's model is no JSON: %s\n", model_text);
        exit(1);
    }
    if (load(source, strict, &templates) != 0
        || template_render(templates, "t", model, &out, &err) != 0) {
        buf_reset(&out);
        buf_printf(&out, "ERR %s %s", err.user, err.detail);
    }
    templates_free(templates);
    json_decref(model);
    return out.data;
}

static const char *render(const char *source, const char *model)
{
    return render_as(source, model, true);
}

static void text_is_escaped_everywhere_it_may_stand(void)
{
    const char *model = "{\"x\": \"<b a=\\\"1\\\" c='2'>&amp;\"}";

    CHECK_STR(render("<p>{{x}}</p>", model),
              "<p>&lt;b a=&quot;1&quot; c=&#39;2&#39;&gt;&amp;amp;</p>");
    CHECK_STR(render("<p title=\"{{x}}\">", model),
              "<p title=\"&lt;b a=&quot;1&quot; c=&#39;2&#39;&gt;&amp;amp;\">");
    CHECK_STR(render("<title>{{x}}</title>", model),
              "<title>&lt;b a=&quot;1&quot; c=&#39;2&#39;&gt;&amp;amp;</title>");
    CHECK_STR(render("{{x}}", "{\"x\": \"a\\u0000b\\u0001\\u001b[0m\\tc\\nd\\re\"}"),
              "a\xEF\xBF\xBD"
              "b\xEF\xBF\xBD\xEF\xBF\xBD[0m\tc\nd&#13;e");
}

static void a_textarea_keeps_a_first_newline(void)
{
    CHECK_STR(render("<textarea name=\"a\">{{x}}</textarea>", "{\"x\": \"\\nb</textarea>\"}"),
              "<textarea name=\"a\">\n\nb&lt;/textarea&gt;</textarea>");
    CHECK_STR(render("<textarea>a>{{x}}</textarea>", "{\"x\": \"b\"}"), "<textarea>a>b</textarea>");
}

static void numbers_and_booleans_print_and_null_is_nothing(void)
{
    CHECK_STR(render("{{i}} {{r}} {{t}} {{n}}.",
                     "{\"i\": -9007199254740993, \"r\": 0.5, \"t\": true, \"n\": null}"),
              "-9007199254740993 0.5 true .");
    CHECK(str_starts(render("{{l}}", "{\"l\": []}"), "ERR"));
    CHECK(str_starts(render("{{o}}", "{\"o\": {}}"), "ERR"));
}

static void sections_follow_lists_objects_booleans_and_strings(void)
{
    const char *model = "{\"l\": [{\"n\": 1}, {\"n\": 2}], \"e\": [], \"o\": {\"p\": {\"q\": "
                        "\"deep\"}}, \"t\": true, \"f\": false, \"s\": \"x\", \"z\": \"\", "
                        "\"n\": \"outer\", \"w\": [\"a\", \"b\"], \"nil\": null}";

    CHECK_STR(render("{{#l}}[{{n}}]{{/l}}{{^l}}none{{/l}}", model), "[1][2]");
    CHECK_STR(render("{{#e}}x{{/e}}{{^e}}none{{/e}}", model), "none");
    CHECK_STR(render("{{#o}}{{p.q}}{{n}}{{/o}}", model), "deepouter");
    CHECK_STR(render("{{#t}}yes{{/t}}{{^t}}no{{/t}}{{#f}}yes{{/f}}{{^f}}no{{/f}}", model), "yesno");
    CHECK_STR(render("{{#s}}[{{.}}]{{/s}}{{#z}}x{{/z}}{{^z}}empty{{/z}}", model), "[x]empty");
    CHECK_STR(render("{{#w}}{{.}},{{/w}}", model), "a,b,");
    CHECK_STR(render("{{#nil}}x{{/nil}}{{^nil}}-{{/nil}}", model), "-");
    CHECK_STR(render("{{#o.p}}{{q}}{{/o.p}}", model), "deep");
    CHECK(str_starts(render("{{#i}}x{{/i}}", "{\"i\": 1}"), "ERR"));
}

static void a_missing_name_fails_the_page_in_strict_mode_only(void)
{
    CHECK(strstr(render("a\n{{#o}}\n{{x.y}}\n{{/o}}", "{\"o\": {}, \"x\": {}}"),
                 "templates/t.html:3: {{x.y}}")
          != NULL);
    CHECK(str_starts(render("{{#x}}{{/x}}", "{}"), "ERR"));
    CHECK(str_starts(render("{{^x}}{{/x}}", "{}"), "ERR"));
    CHECK_STR(render_as("a{{x}}b{{#y}}c{{/y}}{{^y}}d{{/y}}", "{}", false), "abd");
    /* The first part is looked up outwards, the rest only inside it. */
    CHECK(str_starts(render("{{#o}}{{o.x}}{{/o}}", "{\"x\": 1, \"o\": {}}"), "ERR"));
}

static void addresses_are_ours_or_become_a_hash(void)
{
    static const struct {
        const char *url, *want;
    } CASES[] = {
        {"/apps/x?a=1&b=2#c", "/apps/x?a=1&amp;b=2#c"},
        {"#s1", "#s1"},
        {"?before=1", "?before=1"},
        {"https://example.org/", "https://example.org/"},
        {"http://127.0.0.1:9/", "http://127.0.0.1:9/"},
        {"javascript:alert(1)", "#"},
        {"JaVaScript:alert(1)", "#"},
        {" javascript:alert(1)", "#"},
        {"\\tjavascript:alert(1)", "#"},
        {"data:text/html,x", "#"},
        {"//evil.example/", "#"},
        {"/\\\\evil.example/", "/%5Cevil.example/"},
        {"evil", "#"},
        {"", "#"},
        {"ftp://x/", "#"},
        {"/a b\\\"'<>", "/a%20b%22&#39;%3C%3E"},
        {"/\xC3\xA4", "/%C3%A4"},
    };

    for (size_t i = 0; i < COUNT_OF(CASES); i++) {
        char model[256], want[256];

        snprintf(model, sizeof model, "{\"u\": \"%s\"}", CASES[i].url);
        snprintf(want, sizeof want, "<a class=\"c\" href=\"%s\">", CASES[i].want);
        CHECK_STR(render("<a class=\"c\" href=\"{{u}}\">", model), want);
    }
    CHECK_STR(render("<form action=\"{{u}}\">", "{\"u\": \"https://evil.example/\"}"),
              "<form action=\"#\">");
    CHECK_STR(render("<a href=\"/x/{{u}}/y\">", "{\"u\": \"a/b\"}"), "<a href=\"/x/a/b/y\">");
    CHECK_STR(
        render("<a href=\"{{#u}}{{.}}{{/u}}{{^u}}/none{{/u}}\">", "{\"u\": \"javascript:x\"}"),
        "<a href=\"#\">");
    CHECK_STR(render("<a href=\"/l?next={{u}}&x={{u}}\">", "{\"u\": \"/a?b=c&d\"}"),
              "<a href=\"/l?next=%2Fa%3Fb%3Dc%26d&x=%2Fa%3Fb%3Dc%26d\">");
    CHECK_STR(render("<img src=\"{{u}}\"><p>{{u}}", "{\"u\": \"/i.svg\"}"),
              "<img src=\"/i.svg\"><p>/i.svg");
}

static void sections_may_hold_attributes_and_parts_of_values(void)
{
    const char *on = "{\"x\": true, \"c\": \"k\"}";
    const char *off = "{\"x\": false, \"c\": \"k\"}";
    static const char OPTION[] = "<option value=\"1\"{{#x}} selected{{/x}}>{{c}}";
    static const char INPUT[] = "<input {{#x}}checked {{/x}}name=\"{{c}}\">";
    static const char CLASS[] = "<p class=\"a{{#x}} b-{{c}}{{/x}}\">";
    static const char ATTR[] = "<a{{#x}} href=\"/{{c}}\"{{/x}} id=\"i\">";

    CHECK_STR(render(OPTION, on), "<option value=\"1\" selected>k");
    CHECK_STR(render(OPTION, off), "<option value=\"1\">k");
    CHECK_STR(render(INPUT, on), "<input checked name=\"k\">");
    CHECK_STR(render(INPUT, off), "<input name=\"k\">");
    CHECK_STR(render(CLASS, on), "<p class=\"a b-k\">");
    CHECK_STR(render(CLASS, off), "<p class=\"a\">");
    CHECK_STR(render(ATTR, on), "<a href=\"/k\" id=\"i\">");
    CHECK_STR(render(ATTR, off), "<a id=\"i\">");
}

static void a_line_with_nothing_but_a_tag_leaves_no_trace(void)
{
    CHECK_STR(render("<ul>\n  {{#l}}\n  <li>{{.}}\n  {{/l}}\n  {{! a\n note }}\n</ul>\n",
                     "{\"l\": [\"a\", \"b\"]}"),
              "<ul>\n<li>a\n<li>b\n</ul>\n");
}

static void indentation_leaves_no_blanks(void)
{
    CHECK_STR(render("<p>\n  {{#x}}<i>{{x}}</i>{{/x}}\n\t<b>\n  </b></p>\n", "{\"x\": \"\"}"),
              "<p>\n\n<b>\n</b></p>\n");
    CHECK_STR(render("{{#l}}\n  {{#x}}<i>{{x}}</i>{{/x}}\n{{/l}}\n", "{\"l\": [1], \"x\": \"\"}"),
              "\n");
    CHECK_STR(render("<textarea>\n  a\n  b</textarea>", "{}"), "<textarea>\n  a\n  b</textarea>");
    CHECK_STR(render("<p title=\"a\n  b\">c</p>", "{}"), "<p title=\"a\n  b\">c</p>");
    CHECK_STR(render("<i>{{x}}</i>\n", "{\"x\": \"\\n  y\"}"), "<i>\n  y</i>\n");
}

static void what_could_be_read_in_two_ways_is_an_error_with_file_and_line(void)
{
    static const char *const BAD[] = {
        "<p>\n\n{{{x}}}",
        "<p>\n\n{{&x}}",
        "<p>\n\n{{=<% %>=}}",
        "<p>\n\n<a href={{x}}>",
        "<p>\n\n<a href='{{x}}'>",
        "<p>\n\n<{{x}}>",
        "<p>\n\n<a {{x}}=\"1\">",
        "<p>\n\n<a b{{x}}=\"1\">",
        "<p>\n\n<script>{{x}}</script>",
        "<p>\n\n<script>a{{#x}}b{{/x}}</script>",
        "<p>\n\n<style>{{x}}</style>",
        "<p>\n\n<!-- {{x}} -->",
        "<p>\n\n<a onclick=\"x\">",
        "<p>\n\n<a style=\"color:{{x}}\">",
        "<p>\n\n<a style=\"color:red\">",
        "<p>\n\n<iframe srcdoc=\"{{x}}\">",
        "<p>\n\n<img srcset=\"{{x}}\">",
        "<p>\n\n<a href=\"javascript:x\">",
        "<p>\n\n{{#x}}<a{{/x}}>",
        "<p>\n\n<a {{#x}}b=\"{{/x}}\">",
        "<p>\n\n<a b=\"{{#x}}\" c=\"{{/x}}\">",
        "<p>\n\n{{#x}}{{/y}}",
        "<p>\n\n{{/x}}",
        "<p>\n\n{{#x}}",
        "<p>\n\n{{x",
        "<p>\n\n{{}}",
        "<p>\n\n{{x..y}}",
        "<p>\n\n{{x y}}",
        "<p>\n\n{{a.b.c.d.e.f.g}}",
        "<p>\n\n{{> nowhere}}",
        "<p>\n\n<a title=\"{{> p}}\">",
        "<p>\n\n<a b=\"1\"c=\"2\">",
        "<p>\n\n<textarea></text{{x}}area>",
    };
    struct templates *templates = NULL;

    for (size_t i = 0; i < COUNT_OF(BAD); i++) {
        int rc = load(BAD[i], true, &templates);

        if (rc == 0 || strstr(err.user, "templates/t.html:3: ") == NULL) {
            tap_note_failure(__FILE__, __LINE__, BAD[i]);
            printf("#   rc %d: %s\n", rc, err.user);
        }
        if (rc == 0)
            templates_free(templates);
    }
    CHECK(load("<title>", true, &templates) != 0);
    CHECK(load("<a b=\"", true, &templates) != 0);
    CHECK(load("\xff", true, &templates) != 0);
}

static void partials_share_the_model_and_may_not_include_themselves(void)
{
    struct templates *templates = NULL;

    write_file("partials/p.html", "[{{x}}]\n", 8);
    CHECK_STR(render("<p>\n  {{> p}}\n{{#l}}{{> p}}{{/l}}", "{\"x\": 1, \"l\": [{\"x\": 2}]}"),
              "<p>\n[1]\n[2]\n");
    write_file("partials/a.html", "{{> b}}", 7);
    write_file("partials/b.html", "\n{{> a}}", 8);
    CHECK(load("{{> a}}", true, &templates) != 0);
    CHECK(strstr(err.user, "includes itself") != NULL);
    write_file("partials/a.html", "", 0);
    write_file("partials/b.html", "", 0);
}

static void a_refresh_cannot_be_turned_into_an_address(void)
{
    static const char META[] = "<meta http-equiv=\"refresh\" content=\"{{x}}\">";

    CHECK_STR(render(META, "{\"x\": 4}"), "<meta http-equiv=\"refresh\" content=\"4\">");
    CHECK(str_starts(render(META, "{\"x\": \"0;url=//evil.example\"}"), "ERR"));
}

static void a_page_over_its_maximum_is_an_error_and_not_a_cut_page(void)
{
    struct templates *templates = NULL;
    json_t *model = json_pack("{s:s}", "x", "0123456789");
    struct buf small;

    CHECK(load("{{x}}{{x}}", true, &templates) == 0);
    buf_init(&small, 15);
    CHECK(template_render(templates, "t", model, &small, &err) != 0);
    CHECK_INT(err.code, ERR_NO_MEMORY);
    buf_deinit(&small);
    json_decref(model);
    templates_free(templates);
}

/* Every prefix, and every single changed byte, of a template that uses everything: an error or a
 * page, never a crash (the sanitizer build makes this sharp). */
static void damaged_templates_never_do_harm(void)
{
    static const char SOURCE[] =
        "<!doctype html><html lang=\"en\"><title>{{x}}</title><!-- c --><a {{#x}}b=\"{{y}}\" {{/x}}"
        "href=\"{{u}}?a={{x}}\"{{^y}} d{{/y}}>{{#l}}{{> "
        "p}}{{.}}{{/l}}</a><textarea>{{x}}</textarea>"
        "<script src=\"/a.js\"></script>{{! n }}\n{{#o}}\n{{q.r}}\n{{/o}}\n";
    static const char NASTY[] = "<>\"'{}/=#^! \0&";
    json_t *model = json_loads("{\"x\": \"1\", \"y\": \"\", \"u\": \"/\", \"l\": [1], \"o\": "
                               "{\"q\": {\"r\": 1}}}",
                               0, NULL);
    char copy[sizeof SOURCE];
    int loaded = 0;

    for (size_t i = 0; i < sizeof SOURCE - 1; i++) {
        for (size_t k = 0; k < sizeof NASTY; k++) {
            struct templates *templates = NULL;
            bool cut = k == sizeof NASTY - 1;

            memcpy(copy, SOURCE, sizeof SOURCE);
            copy[i] = NASTY[k];
            write_file("t.html", copy, cut ? i : sizeof SOURCE - 1);
            if (templates_load(folder, k % 2 == 0, &templates, &err) == 0) {
                buf_reset(&out);
                (void)!template_render(templates, "t", model, &out, &err);
                loaded++;
            }
            templates_free(templates);
        }
    }
    CHECK(loaded > 100);
    json_decref(model);
}

int main(void)
{
    char partials[80];

    if (freopen("/dev/null", "w", stderr) == NULL) /* thousands of notes about missing names */
        return 1;
    snprintf(folder, sizeof folder, "/tmp/wl-template-XXXXXX");
    snprintf(partials, sizeof partials, "%s/partials", mkdtemp(folder));
    if (mkdir(partials, 0700) != 0)
        return 1;
    write_file("partials/p.html", "[{{x}}]\n", 8);
    buf_init(&out, (size_t)1024 * 1024);
    TAP_RUN(text_is_escaped_everywhere_it_may_stand);
    TAP_RUN(a_textarea_keeps_a_first_newline);
    TAP_RUN(numbers_and_booleans_print_and_null_is_nothing);
    TAP_RUN(sections_follow_lists_objects_booleans_and_strings);
    TAP_RUN(a_missing_name_fails_the_page_in_strict_mode_only);
    TAP_RUN(addresses_are_ours_or_become_a_hash);
    TAP_RUN(sections_may_hold_attributes_and_parts_of_values);
    TAP_RUN(a_line_with_nothing_but_a_tag_leaves_no_trace);
    TAP_RUN(indentation_leaves_no_blanks);
    TAP_RUN(what_could_be_read_in_two_ways_is_an_error_with_file_and_line);
    TAP_RUN(partials_share_the_model_and_may_not_include_themselves);
    TAP_RUN(a_refresh_cannot_be_turned_into_an_address);
    TAP_RUN(a_page_over_its_maximum_is_an_error_and_not_a_cut_page);
    TAP_RUN(damaged_templates_never_do_harm);
    buf_deinit(&out);
    return fs_remove_tree(folder, &err) == 0 ? tap_done() : 1;
}
