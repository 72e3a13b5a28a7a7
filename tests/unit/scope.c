/* scope.c - the names of scopes and the rights they need. */
#include "lib/domain/scope.h"
#include "tests/tap.h"

static void names_are_read_in_any_order_and_written_in_one(void)
{
    char text[SCOPE_TEXT_SIZE];
    unsigned scopes = 0;

    CHECK_INT(scope_parse("s", " secrets:write,read  ", &scopes, NULL), 0);
    CHECK_INT(scopes, SCOPE_READ | SCOPE_SECRETS_WRITE);
    CHECK_STR(scope_text(text, scopes), "read,secrets:write");
    CHECK_STR(scope_text(text, SCOPE_ALL), "read,secrets:read,secrets:write");
    CHECK_STR(scope_text(text, SCOPE_NONE), "");
}

static void an_unknown_name_and_none_at_all_are_refused(void)
{
    static const char *const BAD[] = {"",           " , ",  "reads",   "rea",
                                      "read,admin", "Read", "secrets", "read;secrets:read"};
    unsigned scopes = 77;
    struct err err;

    for (size_t i = 0; i < COUNT_OF(BAD); i++) {
        CHECK_INT(scope_parse("scopes", BAD[i], &scopes, &err), -1);
        CHECK_STR(err.field, "scopes");
    }
    CHECK_INT(scopes, 77);
}

static void each_scope_needs_its_right(void)
{
    CHECK(scope_role_may(ROLE_VIEWER, SCOPE_READ));
    CHECK(!scope_role_may(ROLE_NONE, SCOPE_READ));
    CHECK(!scope_role_may(ROLE_DEPLOYER, SCOPE_SECRETS_READ));
    CHECK(!scope_role_may(ROLE_DEPLOYER, SCOPE_READ | SCOPE_SECRETS_WRITE));
    CHECK(scope_role_may(ROLE_MAINTAINER, SCOPE_ALL));
    CHECK(!scope_role_may(ROLE_ADMIN, SCOPE_NONE));
    CHECK(!scope_role_may(ROLE_ADMIN, SCOPE_ALL | 0x80U));
}

int main(void)
{
    TAP_RUN(names_are_read_in_any_order_and_written_in_one);
    TAP_RUN(an_unknown_name_and_none_at_all_are_refused);
    TAP_RUN(each_scope_needs_its_right);
    return tap_done();
}
