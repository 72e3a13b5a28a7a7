/* Validation of where a repository is and what is checked out of it: nothing may look like an
 * option of git or ssh, name a program, or carry a token. */
#include "tests/tap.h"

#include <string.h>

#include "lib/base/str.h"
#include "lib/domain/validate.h"

typedef int check_fn(const char *field, const char *text, struct err *err);

static const struct {
    check_fn *check;
    const char *text;
} GOOD[] = {
    {validate_git_ref, "main"},
    {validate_git_ref, "feature/a-b_c"},
    {validate_git_ref, "v1.4.0"},
    {validate_git_ref, "5d6e7f80123456789abcdef0123456789abcdef0"},
    {validate_repository, "git@git.example:team/shop.git"},
    {validate_repository, "ssh://git@git.example:2222/team/shop.git"},
    {validate_repository, "https://git.example/team/shop.git"},
    {validate_repository, "http://127.0.0.1:8080/shop.git"},
    {validate_known_hosts, ""},
    {validate_known_hosts,
     "git.example ssh-ed25519 AAAAC3Nza\n# a note\n[g.example]:22 ssh-rsa A a@b"},
    {validate_known_hosts, "@revoked git.example ssh-ed25519 AAAAC3Nza"},
};

static const struct {
    check_fn *check;
    const char *text, *says; /* part of the sentence */
} BAD[] = {
    {validate_git_ref, "", "for example main"},
    {validate_git_ref, "-x", "for example main"},
    {validate_git_ref, "a..b", "for example main"},
    {validate_git_ref, "a//b", "for example main"},
    {validate_git_ref, "/a", "for example main"},
    {validate_git_ref, "a/", "for example main"},
    {validate_git_ref, "a/.b", "for example main"},
    {validate_git_ref, "a.lock", "for example main"},
    {validate_git_ref, "a b", "for example main"},
    {validate_git_ref, "a@{1}", "for example main"},
    {validate_git_ref, "a~1", "for example main"},
    {validate_git_ref, "a\n", "for example main"},
    {validate_repository, "/srv/shop.git", "git@host:"},
    {validate_repository, "git.example/shop.git", "git@host:"},
    {validate_repository, "file:///srv/shop.git", "git@host:"},
    {validate_repository, "ext::sh -c id", "git@host:"},
    {validate_repository, "-oProxyCommand=id@h:x", "git@host:"},
    {validate_repository, "ssh://-oProxyCommand=id/x", "git@host:"},
    {validate_repository, "git@-oProxyCommand=id:x", "git@host:"},
    {validate_repository, "https://ann:token@git.example/shop.git", "token"},
    {validate_repository, "https://git.example", "git@host:"},
    {validate_repository, "https://git.example/../x", "git@host:"},
    {validate_repository, "git@git.example:-x", "git@host:"},
    {validate_repository, "https://git.example/a b", "git@host:"},
    {validate_repository, "https://git.example:x/a", "git@host:"},
    {validate_known_hosts, "git.example", "ssh-keyscan"},
    {validate_known_hosts, "git.example ssh-ed25519", "ssh-keyscan"},
    {validate_known_hosts, "git.example\tssh-ed25519 AAAA", "single spaces"},
    {validate_known_hosts, "\xC3\xBC.example ssh-ed25519 AAAA", "single spaces"},
};

static void good_values_are_accepted(void)
{
    for (size_t i = 0; i < COUNT_OF(GOOD); i++) {
        struct err err = {0};
        int rc = GOOD[i].check("f", GOOD[i].text, &err);

        if (rc != 0)
            printf("# \"%s\": %s\n", GOOD[i].text, err.user);
        CHECK_INT(rc, 0);
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
        CHECK_STR(err.field, "the_field");
        CHECK(strstr(err.user, BAD[i].says) != NULL);
        CHECK(str_ends(err.user, "."));
    }
}

static void hostile_input_never_breaks_a_check(void)
{
    static check_fn *const CHECKS[] = {validate_git_ref, validate_repository, validate_known_hosts};
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

int main(void)
{
    TAP_RUN(good_values_are_accepted);
    TAP_RUN(bad_values_are_refused_with_the_sentence_that_helps);
    TAP_RUN(hostile_input_never_breaks_a_check);
    return tap_done();
}
