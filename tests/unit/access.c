/* The policy, written a second time: a change of the table must be made in both places. */
#include "tests/tap.h"

#include <string.h>

#include "lib/base/attr.h"
#include "lib/domain/access.h"

static const enum capability ALL[] = {CAP_NOBODY,  CAP_PUBLIC,  CAP_SELF,      CAP_VIEW,
                                      CAP_DEPLOY,  CAP_SECRETS, CAP_CONFIGURE, CAP_LOCK,
                                      CAP_COMMAND, CAP_SERVERS, CAP_AUDIT,     CAP_ADMIN};

static const char *rights(enum role role)
{
    static char text[200];
    size_t used = 0;

    text[0] = '\0';
    for (size_t i = 0; i < COUNT_OF(ALL); i++) {
        if (role_may(role, ALL[i]))
            used +=
                (size_t)snprintf(text + used, sizeof text - used, "%s ", capability_name(ALL[i]));
    }
    return text;
}

static void each_role_has_exactly_its_rights(void)
{
    CHECK_STR(rights(ROLE_NONE), "public ");
    CHECK_STR(rights(ROLE_VIEWER), "public self view ");
    CHECK_STR(rights(ROLE_DEPLOYER), "public self view deploy ");
    CHECK_STR(rights(ROLE_MAINTAINER),
              "public self view deploy secrets configure lock command audit ");
    CHECK_STR(rights(ROLE_ADMIN), "public self view deploy secrets configure lock command "
                                  "servers audit admin ");
}

static void nobody_may_do_what_was_not_declared(void)
{
    for (int role = -1; role < 10; role++) {
        CHECK(!role_may((enum role)role, CAP_NOBODY));
        CHECK(!role_may((enum role)role, (enum capability)99));
        CHECK(!role_may((enum role)role, (enum capability) - 1));
    }
    CHECK(!role_may((enum role)99, CAP_VIEW));
    CHECK(!role_may((enum role) - 1, CAP_VIEW));
}

static void names_go_both_ways_and_unknown_ones_are_nothing(void)
{
    static const char *const UNKNOWN[] = {"", "none", "Admin", "admin ", "root", "owner"};

    for (int role = ROLE_VIEWER; role <= ROLE_ADMIN; role++)
        CHECK_INT(role_from_name(role_name((enum role)role)), role);
    for (size_t i = 0; i < COUNT_OF(UNKNOWN); i++)
        CHECK_INT(role_from_name(UNKNOWN[i]), ROLE_NONE);
    CHECK_INT(role_from_name(NULL), ROLE_NONE);
    CHECK_STR(role_name((enum role)99), "none");
    CHECK_STR(capability_name((enum capability)99), "nobody");
}

int main(void)
{
    TAP_RUN(each_role_has_exactly_its_rights);
    TAP_RUN(nobody_may_do_what_was_not_declared);
    TAP_RUN(names_go_both_ways_and_unknown_ones_are_nothing);
    return tap_done();
}
