/* Validation: what is accepted, and for everything else an error that names the field. */
#include "tests/tap.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/str.h"
#include "lib/domain/validate.h"

typedef int check_fn(const char *field, const char *text, struct err *err);

static int note(const char *field, const char *text, struct err *err)
{
    return validate_note(field, text, 5000, err);
}

static int address(const char *field, const char *text, struct err *err)
{
    struct address parts;

    return validate_address(field, text, &parts, err);
}

static int env_value(const char *field, const char *text, struct err *err)
{
    return validate_env_value(field, text, strlen(text), err);
}

static int password(const char *field, const char *text, struct err *err)
{
    return validate_password(field, text, "ann.lee", err);
}

static const struct {
    const char *name;
    check_fn *check;
} CHECKS[] = {
    {"slug", validate_slug},
    {"name", validate_name},
    {"note", note},
    {"login", validate_login},
    {"version", validate_version},
    {"sha256", validate_sha256},
    {"env_key", validate_env_key},
    {"env_value", env_value},
    {"command", validate_command},
    {"target_path", validate_target_path},
    {"unit", validate_unit},
    {"url_path", validate_url_path},
    {"https_url", validate_https_url},
    {"site_url", validate_site_url},
    {"image", validate_image},
    {"ports", validate_ports},
    {"volumes", validate_volumes},
    {"size", validate_size},
    {"word", validate_word},
    {"arguments", validate_arguments},
    {"processes", validate_processes},
    {"hooks", validate_hooks},
    {"file_name", validate_file_name},
    {"address", address},
    {"password", password},
};

static check_fn *check_named(const char *name)
{
    for (size_t i = 0; i < COUNT_OF(CHECKS); i++) {
        if (strcmp(CHECKS[i].name, name) == 0)
            return CHECKS[i].check;
    }
    return NULL;
}

#define HASH "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

static const struct {
    const char *check, *text;
} GOOD[] = {
    {"site_url", "https://shop.example.org/"},
    {"site_url", "http://10.0.0.5:8080/health?x=1"},
    {"image", "shop"},
    {"image", "ghcr.example/team/shop-api"},
    {"image", "10.0.0.5:5000/shop"},
    {"image", "localhost/a__b"},
    {"ports", "8100-8119"},
    {"ports", "8101"},
    {"ports", "8101 8102 9000-9001"},
    {"volumes", "shop_data:/app/data"},
    {"volumes", "/srv/x:/x:ro ./keys/a.pem:/run/a.pem data:/d:rw"},
    {"size", "512m"},
    {"size", "2g"},
    {"word", "1000:1000"},
    {"word", "app"},
    {"arguments", "bundle exec sidekiq -C 'a b'"},
    {"arguments", "sh -c \"echo it\\\"s\""},
    {"processes", "worker: bundle exec sidekiq"},
    {"processes", "worker: a\n\nmail-er:b\n"},
    {"hooks", "web: bin/shop migrate"},
    {"hooks", "Web_1.x:sh -c 'a b'\n\nweb: a\nweb: a\n"},
    {"slug", "shop"},
    {"slug", "0"},
    {"slug", "shop-api-2"},
    {"slug", "abcdefghijabcdefghijabcdefghijabcdefghij"},
    {"name", "Shop \xE2\x82\xAC \"quoted\" $(id) <b>"},
    {"name", "\xF0\x9F\x9A\x80"},
    {"note", ""},
    {"note", "two\nlines\tand a tab"},
    {"note", "from\r\na browser\r\n"},
    {"login", "ann"},
    {"login", "a.b_c-d@example.org"},
    {"login", "0x"},
    {"version", "1.4.2"},
    {"version", "v2026.11.21-rc1+build_7"},
    {"version", "1"},
    {"sha256", HASH},
    {"sha256", "BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD"},
    {"env_key", "DATABASE_URL"},
    {"env_key", "_x"},
    {"env_key", "Path2"},
    {"env_key", "ENVIRONMENT"},
    {"env_value", ""},
    {"env_value", "'\"$(id)`x`\n\t\r\\"},
    {"env_value", "\xF0\x9F\x9A\x80"},
    {"command", "./bin/migrate --all && echo 'done' | tee log"},
    {"command", "$(x) `y`"},
    {"target_path", "/srv/shop"},
    {"target_path", "apps/{app}-{env}"},
    {"target_path", "a b'c"},
    {"target_path", "..hidden/x"},
    {"target_path", "a/...b"},
    {"unit", "shop.service"},
    {"unit", "shop@eu-1.service"},
    {"unit", "a:b_c.timer"},
    {"url_path", "/"},
    {"url_path", "/health?x=1&y=%20"},
    {"url_path", "/a/b;c=d/@me"},
    {"https_url", "https://example.org"},
    {"https_url", "https://example.org:8443/a.tar.gz?x=1"},
    {"https_url", "https://127.0.0.1/x"},
    {"https_url", "https://[2001:db8::1]:1/x"},
    {"file_name", "app-1.0.tar.gz"},
    {"file_name", "\xC3\xBC b.tgz"},
    {"address", "deploy@example.org"},
    {"address", "root@127.0.0.1:2222"},
    {"address", "a_b-c.d@[::1]:22"},
    {"address", "u@[2001:db8::1]"},
    {"address", "u@host"},
    {"password", "correct horse battery"},
    {"password", "\xC3\xBC\xC3\xBC\xC3\xBC\xC3\xBC\xC3\xBC\xC3\xA4z"},
};

static const struct {
    const char *check, *text;
} BAD[] = {
    {"site_url", "shop.example.org/"},
    {"site_url", "https://shop.example.org"},
    {"site_url", "https://[::1]/"},
    {"site_url", "https://u:p@shop.example.org/"},
    {"site_url", "ftp://shop.example.org/"},
    {"site_url", "https://shop.example.org/a b"},
    {"image", ""},
    {"image", "shop:1.0"},
    {"image", "Shop"},
    {"image", "shop/"},
    {"image", "/shop"},
    {"image", "ghcr.example/-x"},
    {"image", "shop@sha256:0"},
    {"image", "https://ghcr.example/shop"},
    {"image", "a b"},
    {"ports", ""},
    {"ports", "0"},
    {"ports", "8101,8102"},
    {"ports", "8101  8102"},
    {"ports", "8110-8101"},
    {"ports", "1-65535"},
    {"ports", "8101 "},
    {"volumes", ""},
    {"volumes", "data"},
    {"volumes", "data:data"},
    {"volumes", "../x:/x"},
    {"volumes", "/a/../b:/x"},
    {"volumes", "./../b:/x"},
    {"volumes", "data:/x:z"},
    {"volumes", "da ta:/x"},
    {"volumes", "a$b:/x"},
    {"size", "512"},
    {"size", "m"},
    {"size", "0m"},
    {"size", "1.5g"},
    {"size", "512mb"},
    {"word", "--privileged"},
    {"word", "a b"},
    {"word", ""},
    {"arguments", "a 'b"},
    {"arguments", "a \"b"},
    {"arguments", "a\\"},
    {"arguments", "a\nb"},
    {"processes", "worker"},
    {"processes", "web: x"},
    {"processes", "Worker: x"},
    {"processes", "worker: "},
    {"processes", "worker: a\nworker: b"},
    {"processes", "worker: a 'b"},
    {"hooks", "migrate"},
    {"hooks", "web: "},
    {"hooks", "-web: x"},
    {"hooks", "we b: x"},
    {"hooks", "web: a 'b"},
    {"hooks", "a: x\na: x\na: x\na: x\na: x\na: x\na: x\na: x\na: x"},
    {"slug", ""},
    {"slug", "-a"},
    {"slug", "Shop"},
    {"slug", "a_b"},
    {"slug", "a b"},
    {"slug", "abcdefghijabcdefghijabcdefghijabcdefghijk"},
    {"slug", "a\n"},
    {"slug", "../x"},
    {"slug", "\xC3\xBC"},
    {"slug", "$(id)"},
    {"name", ""},
    {"name", "   "},
    {"name", "a\nb"},
    {"name", "a\tb"},
    {"name", "\x1B[31m"},
    {"name", " lead"},
    {"name", "trail "},
    {"name", "\xFF"},
    {"name", "x\xC2\x9By"},
    {"note", "bell\a"},
    {"note", "\xC0\xAF"},
    {"note", "lone \r return"},
    {"note", "end\r"},
    {"login", "a"},
    {"login", ""},
    {"login", "Ann"},
    {"login", ".ann"},
    {"login", "ann lee"},
    {"login", "ann\n"},
    {"login", "root;id"},
    {"version", ""},
    {"version", "-1"},
    {"version", ".."},
    {"version", "1/2"},
    {"version", "1 2"},
    {"version", "1'"},
    {"version", "12345678901234567890123456789012345678901234567890123456789012345"},
    {"sha256", ""},
    {"sha256", "abc"},
    {"sha256", HASH "0"},
    {"sha256", HASH "\n"},
    {"sha256", "ga7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
    {"env_key", ""},
    {"env_key", "1A"},
    {"env_key", "A-B"},
    {"env_key", "A B"},
    {"env_key", "A=B"},
    {"env_key", "LD_PRELOAD"},
    {"env_key", "LD_LIBRARY_PATH"},
    {"env_key", "BASH_ENV"},
    {"env_key", "ENV"},
    {"env_key", "IFS"},
    {"env_key", "WL_JOB"},
    {"env_key", "A\n"},
    {"env_value", "\xFF"},
    {"env_value", "\x1B[2J"},
    {"env_value", "x\x7F"},
    {"command", ""},
    {"command", "  "},
    {"command", "a\nb"},
    {"command", "a\x01"
                "b"},
    {"command", "\xED\xA0\x80"},
    {"target_path", ""},
    {"target_path", "/"},
    {"target_path", ".."},
    {"target_path", "."},
    {"target_path", "a/../b"},
    {"target_path", "../b"},
    {"target_path", "/a/.."},
    {"target_path", "~/x"},
    {"target_path", "-rf"},
    {"target_path", "a\nb"},
    {"target_path", "\xFF"},
    {"target_path", "/../etc"},
    {"target_path", "//"},
    {"target_path", "./"},
    {"unit", ""},
    {"unit", "shop"},
    {"unit", ".service"},
    {"unit", "-a.service"},
    {"unit", "a b.service"},
    {"unit", "a/b.service"},
    {"unit", "a.service\n"},
    {"unit", "a.exe"},
    {"unit", "$(id).service"},
    {"unit", "a'.service"},
    {"url_path", ""},
    {"url_path", "health"},
    {"url_path", "//evil.example"},
    {"url_path", "/a b"},
    {"url_path", "/a#b"},
    {"url_path", "/\r\nHost: x"},
    {"url_path", "/%2"},
    {"url_path", "/%zz"},
    {"url_path", "/\xC3\xBC"},
    {"url_path", "/\""},
    {"url_path", "/\\"},
    {"https_url", ""},
    {"https_url", "http://example.org/"},
    {"https_url", "https://"},
    {"https_url", "https://user:pw@example.org/"},
    {"https_url", "https://example.org:0/"},
    {"https_url", "https://example.org:99999/"},
    {"https_url", "https://exa mple.org/"},
    {"https_url", "https://example.org/a#b"},
    {"https_url", "https://-a.example/"},
    {"https_url", "https://127.1/"},
    {"https_url", "https://0x7f000001.0x1:1x/"},
    {"https_url", "https://2130706433/"},
    {"https_url", "https://[::1/"},
    {"https_url", "https://example.org\\@evil.example/"},
    {"https_url", "HTTPS://example.org/"},
    {"https_url", "https://example.org:8443\n"},
    {"https_url", "javascript:alert(1)"},
    {"file_name", ""},
    {"file_name", ".hidden"},
    {"file_name", "-rf"},
    {"file_name", "a/b"},
    {"file_name", ".."},
    {"file_name", "a\\b"},
    {"file_name", "a\nb"},
    {"file_name", "\xFF.tgz"},
    {"address", ""},
    {"address", "example.org"},
    {"address", "@example.org"},
    {"address", "a@"},
    {"address", "a@b@c"},
    {"address", "a@host:0"},
    {"address", "a@host:65536"},
    {"address", "a@host:"},
    {"address", "a@host:22x"},
    {"address", "a@2001:db8::1"},
    {"address", "a@[::1"},
    {"address", "a@[host]"},
    {"address", "-oProxyCommand=x@host"},
    {"address", "a@-host"},
    {"address", "a@ho st"},
    {"address", "a@host\n"},
    {"address", "a@1.2.3"},
    {"address", "a@host..x"},
    {"address", "a@.host"},
    {"address", "$(id)@host"},
    {"address", "a@[fe80::1%eth0]:22"},
    {"address", "a@256.1.1.1"},
    {"password", ""},
    {"password", "short"},
    {"password", "elevenchars"},
    {"password", "Password1234"},
    {"password", "aaaaaaaaaaaa"},
    {"password", "abcabcabcabc"},
    {"password", "passwordpassword"},
    {"password", "xx-Ann.Lee-xx"},
    {"password", "123456789012"},
    {"password", "tab\tin password"},
    {"password", "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF"},
};

static void good_values_are_accepted(void)
{
    for (size_t i = 0; i < COUNT_OF(GOOD); i++) {
        struct err err = {0};
        int rc = check_named(GOOD[i].check)("f", GOOD[i].text, &err);

        if (rc != 0)
            printf("# %s: \"%s\": %s\n", GOOD[i].check, GOOD[i].text, err.user);
        CHECK_INT(rc, 0);
        CHECK_INT(err.code, ERR_NONE);
    }
}

static void bad_values_are_refused_by_field_with_a_sentence(void)
{
    for (size_t i = 0; i < COUNT_OF(BAD); i++) {
        struct err err = {0};
        int rc = check_named(BAD[i].check)("the_field", BAD[i].text, &err);

        if (rc != -1)
            printf("# accepted %s: \"%s\"\n", BAD[i].check, BAD[i].text);
        CHECK_INT(rc, -1);
        CHECK_INT(err.code, ERR_INPUT);
        CHECK_STR(err.field, "the_field");
        CHECK(str_ends(err.user, "."));
        CHECK(str_is_utf8(err.user, strlen(err.user)));
    }
}

/* Whatever check: a mebibyte is refused, and every check survives all of this. */
static void hostile_input_never_breaks_a_check(void)
{
    static char big[(1 << 20) + 1];
    char bytes[2] = {0};

    memset(big, 'a', sizeof big - 1);
    for (size_t i = 0; i < COUNT_OF(CHECKS); i++) {
        struct err err = {0};

        CHECK_INT(CHECKS[i].check("f", big, &err), -1);
        CHECK_STR(err.field, "f");
        CHECK(strlen(err.user) < 300); /* never echoed whole */
        for (int c = 0; c < 256; c++) {
            bytes[0] = (char)c;
            (void)CHECKS[i].check("f", bytes, &err);
            (void)CHECKS[i].check("f", bytes, NULL);
        }
    }
}

static void lengths_are_exact(void)
{
    char text[2100];

    memset(text, 'x', sizeof text);
    text[2000] = '\0';
    CHECK_INT(validate_command("f", text, NULL), 0);
    text[2000] = 'x';
    text[2001] = '\0';
    CHECK_INT(validate_command("f", text, NULL), -1);
    text[1024] = '\0';
    text[0] = 'y';
    CHECK_INT(validate_password("f", text, "ann", NULL), 0);
    text[1024] = 'x';
    text[1025] = '\0';
    CHECK_INT(validate_password("f", text, "ann", NULL), -1);
    for (size_t i = 0; i < 80; i++)
        memcpy(text + 3 * i, "\xE2\x82\xAC", 3);
    text[240] = '\0';
    CHECK_INT(validate_name("f", text, NULL), 0);
    memcpy(text + 240, "x", 2);
    CHECK_INT(validate_name("f", text, NULL), -1);
    CHECK_INT(validate_note("f", "12345", 5, NULL), 0);
    CHECK_INT(validate_note("f", "123456", 5, NULL), -1);
}

static void env_values_hold_all_text_up_to_what_linux_passes(void)
{
    char *value = malloc(VALIDATE_ENV_VALUE_MAX + 1);

    CHECK(value != NULL);
    if (value == NULL)
        return;
    memset(value, '\'', VALIDATE_ENV_VALUE_MAX + 1);
    CHECK_INT(validate_env_value("f", value, VALIDATE_ENV_VALUE_MAX, NULL), 0);
    CHECK_INT(validate_env_value("f", value, VALIDATE_ENV_VALUE_MAX + 1, NULL), -1);
    CHECK_INT(validate_env_value("f", "a\0b", 3, NULL), -1);
    CHECK_INT(validate_env_value("f", "a\xC2", 2, NULL), -1);
    CHECK_INT(validate_env_value("f", "\r\r\n\r", 4, NULL), 0);
    free(value);
}

static void an_address_comes_apart(void)
{
    struct address a = {0};

    CHECK_INT(validate_address("f", "deploy@[2001:db8::1]:2222", &a, NULL), 0);
    CHECK_STR(a.login, "deploy");
    CHECK_STR(a.host, "2001:db8::1");
    CHECK_INT(a.port, 2222);
    CHECK_INT(validate_address("f", "x@shop.example.org", &a, NULL), 0);
    CHECK_STR(a.host, "shop.example.org");
    CHECK_INT(a.port, 22);
    CHECK_INT(validate_address("f", "y@bad host", &a, NULL), -1);
    CHECK_STR(a.login, "x"); /* written only on success */
}

static void the_login_may_not_be_the_password(void)
{
    CHECK_INT(validate_password("f", "ann.lee.from.shop", "ann.lee.from.shop", NULL), -1);
    CHECK_INT(validate_password("f", "my ANN.LEE.FROM.SHOP", "ann.lee.from.shop", NULL), -1);
    CHECK_INT(validate_password("f", "an unrelated sentence", "an", NULL), 0); /* by chance */
    CHECK_INT(validate_password("f", "an unrelated sentence", NULL, NULL), 0);
}

int main(void)
{
    TAP_RUN(good_values_are_accepted);
    TAP_RUN(bad_values_are_refused_by_field_with_a_sentence);
    TAP_RUN(hostile_input_never_breaks_a_check);
    TAP_RUN(lengths_are_exact);
    TAP_RUN(env_values_hold_all_text_up_to_what_linux_passes);
    TAP_RUN(an_address_comes_apart);
    TAP_RUN(the_login_may_not_be_the_password);
    return tap_done();
}
