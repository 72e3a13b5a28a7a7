/* Validation of what a private registry needs: its host as docker writes it, user name, password.
 */
#include "tests/tap.h"

#include <string.h>

#include "lib/base/str.h"
#include "lib/domain/validate.h"

typedef int check_fn(const char *field, const char *text, struct err *err);

static int host(const char *field, const char *text, struct err *err)
{
    char found[REGISTRY_HOST_SIZE];

    return validate_registry_host(field, text, found, err);
}

static int password(const char *field, const char *text, struct err *err)
{
    return validate_registry_password(field, text, strlen(text), err);
}

static const struct {
    check_fn *check;
    const char *text;
} GOOD[] = {
    {host, "ghcr.example"},
    {host, "10.0.0.5:5000"},
    {host, "registry:5000"},
    {host, "localhost"},
    {host, "docker.io"},
    {host, "123456789012.dkr.ecr.eu-west-1.example.com"},
    {validate_registry_login, "x"},
    {validate_registry_login, "_json_key"},
    {validate_registry_login, "robot$shop+pull"},
    {validate_registry_login, "ann@example.org"},
    {validate_registry_login, "EXAMPLE\\\xC3\xBC ser"},
    {password, "x"},
    {password, " '\"$(id)`:\\ \xE2\x82\xAC "},
};

static const struct {
    check_fn *check;
    const char *text, *says; /* part of the sentence */
} BAD[] = {
    {host, "", "docker.io"},
    {host, "https://ghcr.example", "Leave out what stands before"},
    {host, "ghcr.example/", "slash"},
    {host, "ghcr.example/team", "slash"},
    {host, "GHCR.example", "lower case"},
    {host, "hub.docker.com", "docker.io"},
    {host, "registry-1.docker.io", "docker.io"},
    {host, "registry", "port"},
    {host, "user@ghcr.example", "Examples"},
    {host, "ghcr.example:", "Examples"},
    {host, "ghcr.example:0", "Examples"},
    {host, "ghcr.example:05000", "Examples"},
    {host, "ghcr.example:65536", "Examples"},
    {host, "ghcr.example:5000x", "Examples"},
    {host, ":5000", "Examples"},
    {host, "[::1]:5000", "Examples"},
    {host, "::1", "Examples"},
    {host, "127.1:5000", "Examples"},
    {host, "ghcr.example.", "Examples"},
    {host, "-ghcr.example", "Examples"},
    {host, "ghcr .example", "Examples"},
    {host, " ghcr.example", "Examples"},
    {host, "ghcr.example\n", "Examples"},
    {host, "$(id).example", "Examples"},
    {host, "ghcr|x.example", "Examples"},
    {host, "\xC3\xBC.example", "Examples"},
    {validate_registry_login, "", "missing"},
    {validate_registry_login, "   ", "missing"},
    {validate_registry_login, "a:b", "colon"},
    {validate_registry_login, " a", "space"},
    {validate_registry_login, "a ", "space"},
    {validate_registry_login, "a\nb", "line break"},
    {validate_registry_login, "a\tb", "tab"},
    {validate_registry_login, "a\x7F", "control"},
    {validate_registry_login, "\xFF", "UTF-8"},
    {password, "", "missing"},
    {password, "a\n", "line break"},
    {password, "a\r", "line break"},
    {password, "a\tb", "tab"},
    {password, "\xFF", "UTF-8"},
};

static void good_values_are_accepted(void)
{
    for (size_t i = 0; i < COUNT_OF(GOOD); i++) {
        struct err err = {0};
        int rc = GOOD[i].check("f", GOOD[i].text, &err);

        if (rc != 0)
            printf("# \"%s\": %s\n", GOOD[i].text, err.user);
        CHECK_INT(rc, 0);
        CHECK_INT(err.code, ERR_NONE);
    }
}

static void bad_values_are_refused_with_the_sentence_that_helps(void)
{
    for (size_t i = 0; i < COUNT_OF(BAD); i++) {
        struct err err = {0};
        int rc = BAD[i].check("the_field", BAD[i].text, &err);

        if (rc != -1 || strstr(err.user, BAD[i].says) == NULL)
            printf("# \"%s\": %s\n", BAD[i].text, err.user);
        CHECK_INT(rc, -1);
        CHECK_INT(err.code, ERR_INPUT);
        CHECK_STR(err.field, "the_field");
        CHECK(strstr(err.user, BAD[i].says) != NULL);
        CHECK(str_ends(err.user, "."));
    }
}

static void hostile_input_never_breaks_a_check(void)
{
    static check_fn *const CHECKS[] = {host, validate_registry_login, password};
    static char big[(1 << 20) + 1];
    char bytes[2] = {0};

    memset(big, 'a', sizeof big - 1);
    for (size_t i = 0; i < COUNT_OF(CHECKS); i++) {
        struct err err = {0};

        CHECK_INT(CHECKS[i]("f", big, &err), -1);
        CHECK(strlen(err.user) < 300); /* never echoed whole */
        for (int c = 0; c < 256; c++) {
            bytes[0] = (char)c;
            (void)CHECKS[i]("f", bytes, &err);
            (void)CHECKS[i]("f", bytes, NULL);
        }
    }
}

static void a_host_is_kept_as_docker_writes_it(void)
{
    char found[REGISTRY_HOST_SIZE] = "before", text[300];

    CHECK_INT(validate_registry_host("f", "index.docker.io", found, NULL), 0);
    CHECK_STR(found, "docker.io");
    CHECK_INT(validate_registry_host("f", "10.0.0.5:5000", found, NULL), 0);
    CHECK_STR(found, "10.0.0.5:5000");
    CHECK_INT(validate_registry_host("f", "https://x.example", found, NULL), -1);
    CHECK_STR(found, "10.0.0.5:5000"); /* written only on success */
    for (size_t i = 0; i < 253; i++)
        text[i] = i % 2 == 1 ? '.' : 'x';
    text[253] = '\0';
    CHECK_INT(validate_registry_host("f", text, found, NULL), 0);
    memcpy(text + 253, ":65535", 7);
    CHECK_INT(validate_registry_host("f", text, found, NULL), 0);
    CHECK_STR(found, text);
    memcpy(text + 253, "xx", 3);
    CHECK_INT(validate_registry_host("f", text, found, NULL), -1);
}

static void user_name_and_password_have_exact_limits(void)
{
    static char text[REGISTRY_PASSWORD_MAX + 2];

    memset(text, 'x', sizeof text - 1);
    CHECK_INT(validate_registry_password("f", text, REGISTRY_PASSWORD_MAX, NULL), 0);
    CHECK_INT(validate_registry_password("f", text, REGISTRY_PASSWORD_MAX + 1, NULL), -1);
    CHECK_INT(validate_registry_password("f", "a\0b", 3, NULL), -1);
    text[255] = '\0';
    CHECK_INT(validate_registry_login("f", text, NULL), 0);
    text[255] = 'x';
    text[256] = '\0';
    CHECK_INT(validate_registry_login("f", text, NULL), -1);
}

int main(void)
{
    TAP_RUN(good_values_are_accepted);
    TAP_RUN(bad_values_are_refused_with_the_sentence_that_helps);
    TAP_RUN(hostile_input_never_breaks_a_check);
    TAP_RUN(a_host_is_kept_as_docker_writes_it);
    TAP_RUN(user_name_and_password_have_exact_limits);
    return tap_done();
}
