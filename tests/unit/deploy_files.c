/* deploy_files.c - secret files as inputs of a step, and what is refused of them. That the bytes
 * come out again on a server is tests/recipes/files.sh's. */
#include "worker/jobs/deploy_files.h"

#include <stdlib.h>
#include <string.h>
#include "tests/tap.h"

#define ROOM 4096

static struct secret_item file_of(const char *key, const char *path, const char *bytes, size_t len)
{
    struct secret_item item = {.is_file = true,
                               .path = (char *)(uintptr_t)path,
                               .mode = 0600,
                               .bytes = (char *)(uintptr_t)bytes,
                               .len = len};
    (void)snprintf(item.key, sizeof item.key, "%s", key);
    return item;
}

/* 0 when the assignments are in `text` (of ROOM + 1), else -1 with the error. */
static int assign(struct secret_item *items, size_t count, char *text, struct err *err)
{
    struct secret_values values = {.items = items, .count = count};
    struct buf out;
    int rc;
    *err = (struct err){0};
    buf_init(&out, ROOM);
    rc = deploy_files_assign(&out, &values, err);
    memcpy(text, out.data, out.len + 1);
    buf_deinit(&out);
    return rc;
}

static void each_file_is_written_down(void)
{
    char text[ROOM + 1];
    struct err err;
    struct secret_item items[] = {file_of("A", "keys/a.pem", "a\0b\n", 4),
                                  {.key = "NOT_A_FILE", .bytes = (char[]){"x"}, .len = 1},
                                  file_of("EMPTY", ".hidden/b", "", 0)};
    items[2].mode = 0444;
    CHECK(assign(items, 3, text, &err) == 0);
    CHECK_STR(text, "WL_FILE_1_PATH='keys/a.pem'\nWL_FILE_1_MODE='0600'\n"
                    "WL_FILE_1_SHA256="
                    "'3a100994c4e38751871e6e8eef9adad2b20177fdeaf650daacdcd74f4c9421e3'\n"
                    "WL_FILE_1_BASE64='YQBiCg=='\n"
                    "WL_FILE_2_PATH='.hidden/b'\nWL_FILE_2_MODE='0444'\n"
                    "WL_FILE_2_SHA256="
                    "'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'\n"
                    "WL_FILE_2_BASE64=''\nWL_FILES='2'\n");
    CHECK(assign(items + 1, 1, text, &err) == 0);
    CHECK_STR(text, "WL_FILES='0'\n");
}

static void what_is_refused(struct secret_item *items, size_t count, const char *field,
                            const char *says)
{
    char text[ROOM + 1];
    struct err err;
    CHECK(assign(items, count, text, &err) != 0);
    CHECK_STR(err.field, field);
    CHECK(strstr(err.user, says) != NULL);
    if (strstr(err.user, says) == NULL)
        printf("# %s\n", err.user);
}

static void a_place_that_is_none_is_refused(void)
{
    struct secret_item items[] = {file_of("A", "../a", "x", 1)};
    what_is_refused(items, 1, "A", "is not . or ..");
    items[0].path = NULL;
    what_is_refused(items, 1, "A", "a file without a path");
    items[0] = file_of("A", "a", "x", 1);
    items[0].mode = 04755;
    what_is_refused(items, 1, "A", "The mode of a secret file");
}

static void files_in_each_others_way_are_refused(void)
{
    struct secret_item items[] = {file_of("A", "keys/a", "x", 1), file_of("B", "keys", "y", 1)};
    what_is_refused(items, 2, "A", "The file B (keys) is in the way of A (keys/a)");
    items[1] = file_of("B", "keys/a", "y", 1);
    what_is_refused(items, 2, "A", "is in the way of");
    items[1] = file_of("B", "keys/ab", "y", 1);
    char text[ROOM + 1];
    struct err err;
    CHECK(assign(items, 2, text, &err) == 0);
}

static void what_does_not_fit_is_named(void)
{
    static char bytes[ROOM];
    memset(bytes, 'x', sizeof bytes);
    struct secret_item items[] = {file_of("SMALL", "small", bytes, 100),
                                  file_of("LARGE", "large", bytes, ROOM * 3 / 4)};
    what_is_refused(items, 2, "LARGE",
                    "does not fit in: an environment's variables and files may "
                    "take 4 KiB together");
    items[1].len = (ROOM - 1200 - 200) * 3 / 4; /* just so */
    char text[ROOM + 1];
    struct err err;
    CHECK(assign(items, 2, text, &err) == 0);
    CHECK(strstr(text, "WL_FILES='2'\n") != NULL);
}

int main(void)
{
    TAP_RUN(each_file_is_written_down);
    TAP_RUN(a_place_that_is_none_is_refused);
    TAP_RUN(files_in_each_others_way_are_refused);
    TAP_RUN(what_does_not_fit_is_named);
    return tap_done();
}
