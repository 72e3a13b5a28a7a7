/* The error object: what it says, what it hides, how it is cut. */
#include "tests/tap.h"

#include <errno.h>
#include <string.h>

#include "lib/base/err.h"
#include "lib/base/str.h"

static void every_function_returns_minus_one_and_accepts_null(void)
{
    errno = EIO;
    CHECK_INT(err_set(NULL, ERR_INPUT, "x"), -1);
    CHECK_INT(err_field(NULL, "f", "x"), -1);
    CHECK_INT(err_detail(NULL, "x"), -1);
    CHECK_INT(err_errno(NULL, "x"), -1);
    CHECK_INT(err_wrap(NULL, "x"), -1);
}

static void a_new_error_forgets_the_old_one(void)
{
    struct err e = {0};

    err_field(&e, "port", "old %d", 1);
    err_detail(&e, "old detail");
    err_set(&e, ERR_BUSY, "new %s", "sentence");
    CHECK_INT(e.code, ERR_BUSY);
    CHECK_STR(e.user, "new sentence");
    CHECK_STR(e.field, "");
    CHECK_STR(e.detail, "");
}

static void errno_names_go_to_the_detail_only(void)
{
    struct err e = {0};

    errno = EACCES;
    err_errno(&e, "open %s", "/var/secret/path");
    CHECK_INT(e.code, ERR_INTERNAL);
    CHECK(strstr(e.user, "/var/secret") == NULL);
    CHECK(strstr(e.detail, "/var/secret/path") != NULL);
    CHECK(strstr(e.detail, "Permission denied") != NULL);
}

static void a_full_disk_has_a_code_and_a_fix(void)
{
    struct err e = {0};

    errno = ENOSPC;
    err_errno(&e, "write");
    CHECK_INT(e.code, ERR_NO_SPACE);
    CHECK(strstr(e.user, "disk is full") != NULL && strstr(e.user, "Free some space") != NULL);
    errno = EDQUOT;
    err_errno(&e, "write");
    CHECK_INT(e.code, ERR_NO_SPACE);
}

static void wrapping_puts_a_sentence_in_front(void)
{
    struct err e = {0};

    err_set(&e, ERR_REMOTE, "it broke");
    err_wrap(&e, "step %d", 3);
    CHECK_STR(e.user, "step 3: it broke");
    CHECK_INT(e.code, ERR_REMOTE);
}

static void long_text_is_cut_between_characters(void)
{
    struct err e = {0};
    char long_text[2048];

    for (size_t shift = 0; shift < 4; shift++) {
        size_t len = shift;

        memset(long_text, 'x', shift);
        for (; len + 4 < sizeof long_text; len += 4)
            memcpy(long_text + len, "\xF0\x9F\x9A\x80", 4);
        long_text[len] = '\0';
        err_set(&e, ERR_INPUT, "%s", long_text);
        CHECK(strlen(e.user) > sizeof e.user - 6);
        CHECK(str_is_utf8(e.user, strlen(e.user)));
        err_detail(&e, "%s", long_text);
        CHECK(str_is_utf8(e.detail, strlen(e.detail)));
        err_wrap(&e, "%s", long_text);
        CHECK(str_is_utf8(e.user, strlen(e.user)));
    }
}

static void details_add_up_and_stop_at_the_end(void)
{
    struct err e = {0};

    err_detail(&e, "one");
    err_detail(&e, "two");
    CHECK_STR(e.detail, "one; two");
    for (int i = 0; i < 1000; i++)
        err_detail(&e, "number %d", i);
    CHECK(strlen(e.detail) < sizeof e.detail);
}

static void every_code_has_its_name_and_status(void)
{
    static const struct {
        enum err_code code;
        const char *name;
        int status;
    } TABLE[] = {
        {ERR_INPUT, "input", 422},         {ERR_NOT_FOUND, "not-found", 404},
        {ERR_DENIED, "denied", 403},       {ERR_SIGNED_OUT, "signed-out", 401},
        {ERR_PROVE, "prove", 403},         {ERR_CONFLICT, "conflict", 409},
        {ERR_TOO_LARGE, "too-large", 413}, {ERR_THROTTLED, "throttled", 429},
        {ERR_BUSY, "busy", 503},           {ERR_NO_SPACE, "no-space", 507},
        {ERR_NO_MEMORY, "no-memory", 503}, {ERR_REMOTE, "remote", 502},
        {ERR_INTERNAL, "internal", 500},
    };

    for (size_t i = 0; i < COUNT_OF(TABLE); i++) {
        CHECK_STR(err_code_name(TABLE[i].code), TABLE[i].name);
        CHECK_INT(err_http_status(TABLE[i].code), TABLE[i].status);
    }
    CHECK_STR(err_code_name((enum err_code)999), "internal");
    CHECK_INT(err_http_status((enum err_code)999), 500);
}

int main(void)
{
    TAP_RUN(every_function_returns_minus_one_and_accepts_null);
    TAP_RUN(a_new_error_forgets_the_old_one);
    TAP_RUN(errno_names_go_to_the_detail_only);
    TAP_RUN(a_full_disk_has_a_code_and_a_fix);
    TAP_RUN(wrapping_puts_a_sentence_in_front);
    TAP_RUN(long_text_is_cut_between_characters);
    TAP_RUN(details_add_up_and_stop_at_the_end);
    TAP_RUN(every_code_has_its_name_and_status);
    return tap_done();
}
