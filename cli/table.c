/* table.c - printing lists (table.h). */
#include "cli/table.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include "lib/base/clock.h"
#include "lib/base/str.h"

#define CELL_SIZE   200
#define COLUMNS_MAX 12

static const char *cell(char text[CELL_SIZE], const json_t *row, const char *key)
{
    const json_t *value = json_object_get(row, key);
    char time[CLOCK_TEXT_SIZE];

    if (json_is_integer(value) && str_ends(key, "_at"))
        (void)str_copy(text, CELL_SIZE, clock_rfc3339(time, json_integer_value(value)));
    else if (json_is_integer(value))
        (void)snprintf(text, CELL_SIZE, "%lld", (long long)json_integer_value(value));
    else if (json_is_string(value))
        (void)str_copy(text, CELL_SIZE, json_string_value(value));
    else
        (void)str_copy(text, CELL_SIZE,
                       json_is_boolean(value) ? json_is_true(value) ? "yes" : "no" : "-");
    for (char *c = text; *c != '\0'; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            *c = '?';
    return text;
}

static void print_rows(const struct table_column *columns, const json_t *rows)
{
    size_t width[COLUMNS_MAX] = {0}, i, len;
    char text[CELL_SIZE];
    const json_t *row;

    for (size_t c = 0; columns[c].title != NULL && c < COLUMNS_MAX; c++) {
        width[c] = strlen(columns[c].title);
        json_array_foreach(rows, i, row) if ((len = strlen(cell(text, row, columns[c].key)))
                                             > width[c]) width[c] = len;
    }
    for (size_t c = 0; columns[c].title != NULL && c < COLUMNS_MAX; c++)
        printf("%-*s  ", (int)width[c], columns[c].title);
    putchar('\n');
    json_array_foreach(rows, i, row)
    {
        for (size_t c = 0; columns[c].title != NULL && c < COLUMNS_MAX; c++)
            printf("%-*s  ", (int)width[c], cell(text, row, columns[c].key));
        putchar('\n');
    }
}

int table_print(const struct table_column *columns, const json_t *rows, bool as_json,
                struct err *err)
{
    if (as_json) {
        if (json_dumpf(rows, stdout, JSON_INDENT(2)) != 0)
            return err_set(err, ERR_INTERNAL, "The list could not be written.");
        putchar('\n');
        return 0;
    }
    print_rows(columns, rows);
    return 0;
}
