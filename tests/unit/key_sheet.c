/* key_sheet.c - a key on paper: what is written is read back, and a slip is found and its line
 * named. */
#include "lib/domain/key_sheet.h"

#include <ctype.h>
#include "lib/base/attr.h"
#include "lib/crypto/crypto.h"
#include "tests/tap.h"

static void make_sheet(struct buf *sheet, uint8_t key[KEY_SHEET_BYTES])
{
    for (int i = 0; i < KEY_SHEET_BYTES; i++)
        key[i] = (uint8_t)(i * 37 + 11);
    buf_init(sheet, 2000);
    buf_add_str(sheet, "A SHEET\n  Key number 3f2a-99c1\n\n");
    key_sheet_write(sheet, key, "      ");
    buf_add_str(sheet, "\nHow to restore\n  -  Keep it.\n");
}

static bool reads_as(const char *text, const uint8_t key[KEY_SHEET_BYTES])
{
    uint8_t back[KEY_SHEET_BYTES] = {0};
    struct err err = {0};
    bool same = key_sheet_read(text, back, &err) == 0 && memcmp(back, key, sizeof back) == 0;

    if (!same)
        printf("# %s\n", err.user);
    return same;
}

static bool refused_naming(const char *text, const char *line)
{
    uint8_t back[KEY_SHEET_BYTES];
    struct err err = {0};

    return key_sheet_read(text, back, &err) == -1 && err.code == ERR_INPUT
           && strstr(err.user, line) != NULL;
}

static void what_is_written_is_read_back(void)
{
    struct buf sheet;
    uint8_t key[KEY_SHEET_BYTES];

    make_sheet(&sheet, key);
    CHECK(buf_ok(&sheet) && strstr(sheet.data, "\n      K1   0b30 557a ") != NULL);
    CHECK(reads_as(sheet.data, key));
    buf_deinit(&sheet);
}

static void how_it_is_typed_does_not_matter(void)
{
    struct buf sheet;
    uint8_t key[KEY_SHEET_BYTES];
    char *at;

    make_sheet(&sheet, key);
    for (at = sheet.data; *at != '\0'; at++)
        *at = (char)toupper((unsigned char)*at);
    CHECK(reads_as(sheet.data, key));
    for (at = strchr(sheet.data, 'K'); (at = strchr(at, ' ')) != NULL; at++)
        *at = '-'; /* not where the line's name ends */
    CHECK(refused_naming(sheet.data, "K1"));
    buf_deinit(&sheet);
    make_sheet(&sheet, key);
    while ((at = strstr(sheet.data, "  ")) != NULL)
        memmove(at, at + 1, strlen(at));
    for (at = sheet.data; *at != '\0'; at++)
        if (*at == '0')
            *at = 'O';
    CHECK(reads_as(sheet.data, key));
    buf_deinit(&sheet);
}

static void every_wrong_digit_is_found_and_its_line_named(void)
{
    struct buf sheet;
    uint8_t key[KEY_SHEET_BYTES];
    int tried = 0;

    make_sheet(&sheet, key);
    for (int line = 1; line <= KEY_SHEET_LINES; line++) {
        char name[4];
        char *at;

        snprintf(name, sizeof name, "K%d", line);
        at = strstr(sheet.data, name) + 2;
        for (; *at != '\n'; at++) {
            char was = *at;

            if (was == ' ')
                continue;
            *at = was == '7' ? '1' : '7';
            CHECK(refused_naming(sheet.data, name));
            *at = 'x';
            CHECK(refused_naming(sheet.data, name));
            *at = ' '; /* one digit fewer */
            CHECK(refused_naming(sheet.data, name));
            *at = was;
            tried++;
        }
    }
    CHECK_INT(tried, 80);
    CHECK(reads_as(sheet.data, key));
    buf_deinit(&sheet);
}

static void swapped_missing_and_repeated_lines_are_found(void)
{
    struct buf sheet;
    uint8_t key[KEY_SHEET_BYTES];
    char *one, *two;

    make_sheet(&sheet, key);
    one = strstr(sheet.data, "K1");
    two = strstr(sheet.data, "K2");
    one[1] = '2';
    two[1] = '1';
    CHECK(refused_naming(sheet.data, "K"));
    two[1] = '2';
    CHECK(refused_naming(sheet.data, "K2"));
    one[1] = '1';
    two[0] = '#';
    CHECK(refused_naming(sheet.data, "K2 of the key is missing"));
    two[0] = 'K';
    two[1] = '1';
    CHECK(refused_naming(sheet.data, "K1"));
    CHECK(refused_naming("", "K1 of the key is missing"));
    CHECK(refused_naming("K1", "K1"));
    CHECK(refused_naming("K1 \nK2 \n", "K1"));
    buf_deinit(&sheet);
}

int main(void)
{
    if (crypto_start(NULL) != 0)
        return 1;
    TAP_RUN(what_is_written_is_read_back);
    TAP_RUN(how_it_is_typed_does_not_matter);
    TAP_RUN(every_wrong_digit_is_found_and_its_line_named);
    TAP_RUN(swapped_missing_and_repeated_lines_are_found);
    return tap_done();
}
