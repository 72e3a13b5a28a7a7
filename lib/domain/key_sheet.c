/* key_sheet.c - a key on paper (key_sheet.h). */
#include "lib/domain/key_sheet.h"

#include <stdbool.h>
#include <string.h>
#include "lib/base/str.h"
#include "lib/crypto/crypto.h"

#define LINE_BYTES  (KEY_SHEET_BYTES / KEY_SHEET_LINES)
#define CHECK_BYTES 2
#define LINE_DIGITS (2 * (LINE_BYTES + CHECK_BYTES))

static void check_of(int line, const uint8_t bytes[LINE_BYTES], uint8_t check[CHECK_BYTES])
{
    uint8_t message[1 + LINE_BYTES], hash[CRYPTO_HASH_BYTES];

    message[0] = (uint8_t)line;
    memcpy(message + 1, bytes, LINE_BYTES);
    crypto_sha256(message, sizeof message, hash);
    memcpy(check, hash, CHECK_BYTES);
    crypto_wipe(message, sizeof message);
    crypto_wipe(hash, sizeof hash);
}

void key_sheet_write(struct buf *out, const uint8_t key[KEY_SHEET_BYTES], const char *indent)
{
    char hex[2 * LINE_BYTES + 1], check_hex[2 * CHECK_BYTES + 1];
    uint8_t check[CHECK_BYTES];

    for (int line = 1; line <= KEY_SHEET_LINES; line++) {
        const uint8_t *bytes = key + (line - 1) * LINE_BYTES;

        check_of(line, bytes, check);
        crypto_hex(hex, sizeof hex, bytes, LINE_BYTES);
        crypto_hex(check_hex, sizeof check_hex, check, sizeof check);
        buf_printf(out, "%sK%d   %.4s %.4s %.4s %.4s   %s\n", indent, line, hex, hex + 4, hex + 8,
                   hex + 12, check_hex);
    }
    crypto_wipe(hex, sizeof hex);
}

/* --- reading it back --- */

/* The number of the key's line that begins here, 0 when it is another one; *rest: what follows. */
static int line_number(const char *line, const char **rest)
{
    int number;

    while (*line == ' ' || *line == '\t')
        line++;
    if ((*line != 'K' && *line != 'k') || line[1] < '1' || line[1] > '0' + KEY_SHEET_LINES)
        return 0;
    number = line[1] - '0';
    line += 2;
    if (*line == ':' || *line == '.')
        line++;
    if (*line != ' ' && *line != '\t')
        return 0;
    *rest = line;
    return number;
}

/* What a digit is read as; NUL: it is none. */
static char digit_of(char c)
{
    if (c == 'o' || c == 'O')
        return '0';
    if (c == 'l' || c == 'I' || c == 'i')
        return '1';
    return str_hex_value(c) >= 0 ? c : '\0';
}

static int read_digits(int number, const char *text, size_t len, char digits[LINE_DIGITS + 1],
                       struct err *err)
{
    size_t count = 0;

    for (size_t i = 0; i < len; i++) {
        char digit = digit_of(text[i]);

        if (strchr(" \t-\r", text[i]) != NULL && text[i] != '\0')
            continue;
        if (digit == '\0')
            return err_field(err, "sheet",
                             "Line K%d has a character that is no digit (the digits are 0-9 and "
                             "a-f). Type the line again.",
                             number);
        if (count < LINE_DIGITS)
            digits[count] = digit;
        count++;
    }
    digits[count < LINE_DIGITS ? count : LINE_DIGITS] = '\0';
    if (count != LINE_DIGITS)
        return err_field(err, "sheet",
                         "Line K%d has %zu digits and must have %d. Type the line again.", number,
                         count, LINE_DIGITS);
    return 0;
}

static int read_line(int number, const char *text, size_t len, uint8_t bytes[LINE_BYTES],
                     struct err *err)
{
    char digits[LINE_DIGITS + 1];
    uint8_t found[LINE_BYTES + CHECK_BYTES], check[CHECK_BYTES];
    int rc = read_digits(number, text, len, digits, err);

    if (rc == 0 && !crypto_unhex(digits, found, sizeof found))
        rc = err_field(err, "sheet", "Line K%d is not readable. Type it again.", number);
    if (rc == 0) {
        check_of(number, found, check);
        if (crypto_equal(check, found + LINE_BYTES, sizeof check))
            memcpy(bytes, found, LINE_BYTES);
        else
            rc = err_field(err, "sheet",
                           "Line K%d has a typing error: the last group does not match what is in "
                           "front of it. Compare it with the paper, digit by digit.",
                           number);
    }
    crypto_wipe(digits, sizeof digits);
    crypto_wipe(found, sizeof found);
    return rc;
}

int key_sheet_read(const char *text, uint8_t key[KEY_SHEET_BYTES], struct err *err)
{
    bool seen[KEY_SHEET_LINES + 1] = {false};
    const char *rest = NULL;

    for (const char *line = text; *line != '\0';) {
        size_t len = strcspn(line, "\n");
        int number = line_number(line, &rest);

        if (number > 0 && seen[number])
            return err_field(err, "sheet", "Line K%d is there twice. Keep one of them.", number);
        if (number > 0) {
            if (read_line(number, rest, len - (size_t)(rest - line),
                          key + (number - 1) * LINE_BYTES, err)
                != 0)
                return -1;
            seen[number] = true;
        }
        line += len + (line[len] == '\n' ? 1 : 0);
    }
    for (int number = 1; number <= KEY_SHEET_LINES; number++)
        if (!seen[number])
            return err_field(err, "sheet",
                             "Line K%d of the key is missing. The sheet has four, K1 to K4.",
                             number);
    return 0;
}
