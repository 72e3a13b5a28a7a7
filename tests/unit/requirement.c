/* requirement.c - claims about what an `.env.example` asks for. */
#include <string.h>
#include "lib/domain/requirement.h"
#include "tests/tap.h"

static struct arena *arena;
static struct requirement_list list;

static bool read_text(const char *text)
{
    struct err err = {0};
    arena_reset(arena);
    return requirement_read(arena, text, strlen(text), &list, &err) == 0;
}

static void keys_come_with_what_was_written_about_them(void)
{
    CHECK(read_text("# Settings of the app\n\n# --- Database ---\n# Where the data is.\n"
                    "DATABASE_URL=postgres://localhost/app\nPORT=3000 # the port to listen on\n"
                    "SECRET_KEY_BASE= # of 64 bytes\nexport API_TOKEN=changeme\nNAME\n"
                    "# Optional: for mail\nSMTP_URL=\n"));
    CHECK_INT(list.count, 6);
    CHECK_INT(list.error_count, 0);
    CHECK_STR(list.items[0].key, "DATABASE_URL");
    CHECK_STR(list.items[0].description, "Database\nWhere the data is.");
    CHECK_STR(list.items[0].example, "postgres://localhost/app");
    CHECK_INT(list.items[0].line, 5);
    CHECK(!list.items[0].is_required && !list.items[0].is_secret);
    CHECK_STR(list.items[1].description, "the port to listen on");
    CHECK(!list.items[1].is_required);
    CHECK(list.items[2].is_required && list.items[2].is_secret);
    CHECK_STR(list.items[2].description, "of 64 bytes");
    CHECK(list.items[3].is_required && list.items[3].is_secret);
    CHECK_STR(list.items[3].example, "");
    CHECK(list.items[4].is_required && !list.items[4].is_secret);
    CHECK(!list.items[5].is_required);
}

static void references_in_examples_stay_and_wrong_lines_are_told(void)
{
    CHECK(read_text("HOME_DIR=$HOME/app\r\nBAD KEY=1\r\nOPEN=\"x\r\nLAST='a b'\r\nLAST=again\r\n"));
    CHECK_INT(list.count, 2);
    CHECK_STR(list.items[0].example, "$HOME/app");
    CHECK_STR(list.items[1].example, "a b");
    CHECK_INT(list.error_count, 2);
    CHECK_INT(list.errors[0].line, 2);
    CHECK_INT(list.errors[1].line, 3);
}

static void nothing_asks_for_nothing(void)
{
    CHECK(read_text("") && list.count == 0 && list.error_count == 0);
    CHECK(read_text("# only words\n") && list.count == 0);
}

int main(void)
{
    arena = arena_new(DOTENV_ARENA((size_t)100000));
    if (arena == NULL)
        return 1;
    TAP_RUN(keys_come_with_what_was_written_about_them);
    TAP_RUN(references_in_examples_stay_and_wrong_lines_are_told);
    TAP_RUN(nothing_asks_for_nothing);
    arena_free(arena);
    return tap_done();
}
