/* validate.c - one typed check per kind of text from outside. They reject and never clean: a
 * cleaned value is one nobody typed. Addresses and URLs are in validate_net.c. */
#include "lib/domain/validate.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "lib/base/str.h"

#define LOWER  "abcdefghijklmnopqrstuvwxyz"
#define UPPER  "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

/* First character from `first`, the rest from `rest`, min to max bytes in all. */
static bool is_word(const char *text, const char *first, const char *rest, size_t min, size_t max)
{
    size_t len = strnlen(text, max + 1);

    return len >= min && len <= max && strchr(first, text[0]) != NULL && strspn(text, rest) == len;
}

/* Valid UTF-8 without controls; the sentence says which of the two it is not. */
static int check_text(const char *field, const char *bytes, size_t len, bool lines, struct err *err)
{
    if (memchr(bytes, '\0', len) != NULL)
        return err_field(err, field, "There is a NUL byte in this text. Remove it.");
    if (!str_is_utf8(bytes, len))
        return err_field(err, field,
                         "This text is not valid UTF-8. Type it again, or save it as UTF-8 first.");
    if (str_has_control(bytes, len, lines))
        return err_field(err, field,
                         lines ? "There is a control character in this text. Only line breaks and "
                                 "tabs are allowed."
                               : "There is a line break, tab or other control character in this "
                                 "text. Put it on one line and remove them.");
    return 0;
}

int validate_slug(const char *field, const char *text, struct err *err)
{
    if (!is_word(text, LOWER DIGITS, LOWER DIGITS "-", 1, 40))
        return err_field(err, field,
                         "A short name has 1 to 40 lower-case letters, digits and dashes, and does "
                         "not begin with a dash: for example shop-api.");
    return 0;
}

static size_t characters(const char *text)
{
    size_t n = 0;

    for (const char *c = text; *c != '\0'; c++)
        n += ((unsigned char)*c & 0xC0U) != 0x80U ? 1 : 0;
    return n;
}

static bool is_blank(const char *text)
{
    return text[strspn(text, " \t\n")] == '\0';
}

int validate_name(const char *field, const char *text, struct err *err)
{
    size_t len = strlen(text);

    if (is_blank(text))
        return err_field(err, field, "This name is empty. Enter 1 to 80 characters.");
    if (len > (size_t)80 * 4)
        return err_field(err, field, "This name is too long. Enter at most 80 characters.");
    if (check_text(field, text, len, false, err) != 0)
        return -1;
    if (characters(text) > 80)
        return err_field(err, field, "This name is too long. Enter at most 80 characters.");
    if (text[0] == ' ' || text[len - 1] == ' ')
        return err_field(err, field, "This name begins or ends with a space. Remove it.");
    return 0;
}

/* Browsers send the line breaks of a text area as CR LF; a CR anywhere else is a control. */
static bool has_lone_cr(const char *text)
{
    for (const char *cr = strchr(text, '\r'); cr != NULL; cr = strchr(cr + 1, '\r')) {
        if (cr[1] != '\n')
            return true;
    }
    return false;
}

int validate_note(const char *field, const char *text, size_t max, struct err *err)
{
    size_t len = strlen(text);

    if (len > max)
        return err_field(err, field, "This text has %zu bytes. Shorten it to at most %zu.", len,
                         max);
    if (has_lone_cr(text))
        return err_field(err, field, "There is a carriage return in this text. Remove it.");
    for (const char *part = text; *part != '\0';) {
        size_t n = strcspn(part, "\r");

        if (check_text(field, part, n, true, err) != 0)
            return -1;
        part += n;
        part += *part == '\r' ? 1 : 0;
    }
    return 0;
}

int validate_login(const char *field, const char *text, struct err *err)
{
    if (!is_word(text, LOWER DIGITS, LOWER DIGITS "._@-", 2, 64))
        return err_field(err, field,
                         "A login has 2 to 64 lower-case letters, digits, dots, dashes, "
                         "underscores or @, and begins with a letter or digit.");
    return 0;
}

/* Long enough to pass the length rule and known to every guessing program. */
static const char *const COMMON_PASSWORDS[] = {
    "password1234",      "password12345",    "password123456",
    "password123456789", "password2024",     "password2025",
    "password2026",      "password!123",     "passw0rd1234",
    "p@ssw0rd1234",      "changeme1234",     "changemenow!",
    "letmein12345",      "letmeinplease",    "welcome12345",
    "welcome123456",     "administrator",    "administrator1",
    "admin1234567",      "adminadmin12",     "qwertyuiop12",
    "qwertyuiop123",     "qwertyuiop[]",     "qwerty123456",
    "qwerty1234567",     "qwertyqwerty1",    "1q2w3e4r5t6y",
    "1qaz2wsx3edc",      "1qaz2wsx3edc4rfv", "zaq12wsxcde3",
    "asdfghjkl123",      "zxcvbnm12345",     "abcdefghijkl",
    "abcdefghijklm",     "abcd12345678",     "iloveyou1234",
    "iloveyou12345",     "trustno1trustno1", "correcthorsebatterystaple",
    "monkey123456",      "dragon123456",     "football1234",
    "baseball1234",      "superman1234",     "sunshine1234",
    "princess1234",      "starwars1234",     "michael12345",
    "deploy123456",      "windlass1234",     "windlass12345",
    "1234567890qw",      "123456789abc",     "1234567890ab",
    "123456789012",      "1234567890123",    "0123456789ab",
    "012345678901",      "987654321098",     "q1w2e3r4t5y6",
    "testtest1234",      "testing12345",     "secret123456",
    "default12345",
};

static bool is_common(const char *password)
{
    size_t len = strlen(password);

    for (size_t i = 0; i < COUNT_OF(COMMON_PASSWORDS); i++) {
        if (strcasecmp(password, COMMON_PASSWORDS[i]) == 0)
            return true;
    }
    /* "aaaaaaaaaaaa", "abcabcabcabc", "passwordpassword": a short piece over and over. */
    for (size_t period = 1; period <= len / 2 && period <= 12; period++) {
        if (strncmp(password, password + period, len - period) == 0)
            return true;
    }
    return false;
}

int validate_password(const char *field, const char *text, const char *login, struct err *err)
{
    size_t len = strlen(text), login_len = login != NULL ? strlen(login) : 0;

    if (len < 12)
        return err_field(err, field,
                         "This password is too short. Use at least 12 characters; a few words in "
                         "a row are easy to remember.");
    if (len > 1024)
        return err_field(err, field, "This password is too long. Use at most 1024 bytes.");
    if (check_text(field, text, len, false, err) != 0)
        return -1;
    if (login_len > 0 && strcasecmp(text, login) == 0)
        return err_field(err, field, "This password is the login. Choose another.");
    /* A login of two or three letters is in many a good password by chance. */
    if (login_len >= 4 && strcasestr(text, login) != NULL)
        return err_field(err, field, "This password contains the login. Choose another.");
    if (is_common(text))
        return err_field(err, field,
                         "This password is among the first ones that are tried. Choose another; a "
                         "few unrelated words in a row are good.");
    return 0;
}

int validate_version(const char *field, const char *text, struct err *err)
{
    if (!is_word(text, LOWER UPPER DIGITS, LOWER UPPER DIGITS "._+-", 1, 64))
        return err_field(err, field,
                         "A version has 1 to 64 letters, digits, dots, dashes, underscores or +, "
                         "and begins with a letter or digit: for example 1.4.2.");
    return 0;
}

int validate_sha256(const char *field, const char *text, struct err *err)
{
    if (!is_word(text, DIGITS "abcdefABCDEF", DIGITS "abcdefABCDEF", 64, 64))
        return err_field(err, field,
                         "A SHA-256 hash has exactly 64 hexadecimal digits (0-9, a-f). Copy the "
                         "first column that sha256sum prints.");
    return 0;
}

int validate_env_key(const char *field, const char *text, struct err *err)
{
    /* Names that make a loader or a shell run or load something, whatever the app is. */
    static const char *const REFUSED[] = {
        "BASH_ENV", "ENV",        "IFS",     "PATH_LOCALE",    "SHELLOPTS",    "BASHOPTS",
        "PS4",      "GCONV_PATH", "LOCPATH", "GLIBC_TUNABLES", "MALLOC_TRACE", "PROMPT_COMMAND"};
    bool refused = str_starts(text, "LD_") || str_starts(text, "WL_") || str_starts(text, "DYLD_")
                   || str_starts(text, "BASH_FUNC_");

    if (!is_word(text, LOWER UPPER "_", LOWER UPPER DIGITS "_", 1, 128))
        return err_field(err, field,
                         "A key has 1 to 128 letters, digits and underscores, and does not begin "
                         "with a digit: for example DATABASE_URL.");
    for (size_t i = 0; i < COUNT_OF(REFUSED); i++)
        refused = refused || strcmp(text, REFUSED[i]) == 0;
    if (refused)
        return err_field(err, field,
                         "This key is refused because a program loader, a shell or Windlass itself "
                         "acts on it (LD_*, ENV, WL_* and the like). Choose another key.");
    return 0;
}

int validate_env_value(const char *field, const char *bytes, size_t len, struct err *err)
{
    if (len > VALIDATE_ENV_VALUE_MAX)
        return err_field(err, field,
                         "This value has %zu bytes; Linux passes at most %d in one variable. Store "
                         "it as a file instead.",
                         len, VALIDATE_ENV_VALUE_MAX);
    if (memchr(bytes, '\0', len) != NULL)
        return err_field(err, field,
                         "There is a NUL byte in this value, which no variable can "
                         "hold. Store it as a file instead.");
    if (!str_is_utf8(bytes, len))
        return err_field(err, field,
                         "This value is not valid UTF-8. Store it as a file, or encode it "
                         "(base64) first.");
    for (size_t at = 0; at < len;) { /* between the CRs, which are allowed here */
        const char *cr = memchr(bytes + at, '\r', len - at);
        size_t end = cr != NULL ? (size_t)(cr - bytes) : len;

        if (str_has_control(bytes + at, end - at, true))
            return err_field(err, field,
                             "There is a control character in this value. Only line breaks and "
                             "tabs are allowed; store other bytes as a file.");
        at = end + 1;
    }
    return 0;
}

int validate_command(const char *field, const char *text, struct err *err)
{
    size_t len = strlen(text);

    if (is_blank(text))
        return err_field(err, field, "This command is empty. Enter one line for sh.");
    if (len > 2000)
        return err_field(err, field,
                         "This command has %zu bytes. Use at most 2000; put more into "
                         "a script inside the release.",
                         len);
    return check_text(field, text, len, false, err);
}

int validate_target_path(const char *field, const char *text, struct err *err)
{
    size_t len = strlen(text);

    if (len == 0)
        return err_field(err, field, "This path is empty. Enter one, for example apps/shop.");
    if (len > 512)
        return err_field(err, field, "This path has %zu bytes. Use at most 512.", len);
    if (check_text(field, text, len, false, err) != 0)
        return -1;
    if (text[0] == '~')
        return err_field(err, field,
                         "A path that begins with ~ is not expanded. Leave ~/ out: a "
                         "relative path starts in the home folder.");
    if (text[0] == '-')
        return err_field(err, field,
                         "This path begins with a dash and would be taken for an "
                         "option. Put ./ in front.");
    if (strspn(text, "/.") == len)
        return err_field(err, field,
                         "This path names the root or home folder itself. Name a "
                         "folder of its own in it.");
    for (const char *part = text; part != NULL; part = strchr(part, '/')) {
        part += *part == '/' ? 1 : 0;
        if (strcmp(part, "..") == 0 || str_starts(part, "../"))
            return err_field(err, field, "This path contains \"..\". Write the folder it means.");
    }
    return 0;
}

int validate_unit(const char *field, const char *text, struct err *err)
{
    static const char *const SUFFIXES[] = {".service", ".socket", ".target", ".timer", ".path"};
    bool known = false;

    for (size_t i = 0; i < COUNT_OF(SUFFIXES); i++)
        known = known || (str_ends(text, SUFFIXES[i]) && strlen(text) > strlen(SUFFIXES[i]));
    if (!is_word(text, LOWER UPPER DIGITS "_:", LOWER UPPER DIGITS ":_.@-", 1, 255) || !known)
        return err_field(err, field,
                         "A systemd unit's name has letters, digits and any of : _ . @ - and ends "
                         "in .service (or .socket, .target, .timer, .path): for example "
                         "shop.service.");
    return 0;
}

int validate_project(const char *field, const char *text, struct err *err)
{
    char plain[80];
    size_t len = 0;

    for (const char *c = text; *c != '\0' && len < sizeof plain - 1; c++) {
        if (str_starts(c, "{app}") || str_starts(c, "{env}"))
            c += strlen("{app}") - 1; /* a slug stands here: one letter does for the check */
        plain[len++] = *c == '}' ? 'x' : *c;
    }
    plain[len] = '\0';
    if (!is_word(plain, LOWER DIGITS, LOWER DIGITS "_-", 1, 63))
        return err_field(err, field,
                         "A project's name has 1 to 63 lower-case letters, digits, dashes and "
                         "underscores, and begins with a letter or digit: for example shop-api.");
    return 0;
}

int validate_names(const char *field, const char *text, struct err *err)
{
    int count = 0;

    for (const char *at = text; *at != '\0';) {
        char name[48];
        size_t len = strcspn(at, " ");

        if (len == 0 || len >= sizeof name || ++count > 20
            || (at[len] == ' ' && at[len + 1] == '\0'))
            return err_field(err, field, "Give up to 20 names, with one space between two.");
        memcpy(name, at, len);
        name[len] = '\0';
        if (validate_slug(field, name, err) != 0)
            return -1;
        at += len + (at[len] == ' ' ? 1 : 0);
    }
    return 0;
}

int validate_tag(const char *field, const char *text, struct err *err)
{
    if (!is_word(text, LOWER UPPER DIGITS "_", LOWER UPPER DIGITS "_.-", 1, 64))
        return err_field(
            err, field,
            "An image's tag has 1 to 64 letters, digits, underscores, dots and dashes, "
            "and begins with a letter, digit or underscore: for example 1.4.0 or the "
            "commit's hash.");
    return 0;
}

int validate_file_name(const char *field, const char *text, struct err *err)
{
    size_t len = strlen(text);

    if (len == 0 || len > 200)
        return err_field(err, field, "A file name has 1 to 200 bytes. Rename the file.");
    if (check_text(field, text, len, false, err) != 0)
        return -1;
    if (strchr(text, '/') != NULL || strchr(text, '\\') != NULL)
        return err_field(err, field,
                         "This file name contains a slash. Give the name alone, "
                         "without its folder.");
    if (text[0] == '.' || text[0] == '-')
        return err_field(err, field,
                         "A file name does not begin with a dot or a dash. Rename the "
                         "file.");
    return 0;
}

int validate_registry_login(const char *field, const char *text, struct err *err)
{
    size_t len = strlen(text);

    if (is_blank(text))
        return err_field(err, field,
                         "The user name is missing. Enter the one that docker login would ask for; "
                         "for a token, the registry's documentation names it.");
    if (len >= REGISTRY_LOGIN_SIZE)
        return err_field(err, field, "This user name is too long. Use at most 255 bytes.");
    if (check_text(field, text, len, false, err) != 0)
        return -1;
    if (text[0] == ' ' || text[len - 1] == ' ')
        return err_field(err, field, "This user name begins or ends with a space. Remove it.");
    /* Name and password travel as one text with a colon between them (RFC 7617). */
    if (strchr(text, ':') != NULL)
        return err_field(err, field,
                         "A user name cannot hold a colon. Enter the name alone, and the password "
                         "in its own field.");
    return 0;
}

int validate_registry_password(const char *field, const char *bytes, size_t len, struct err *err)
{
    if (len == 0)
        return err_field(err, field, "The password is missing. Enter the password or token.");
    if (len > REGISTRY_PASSWORD_MAX)
        return err_field(err, field, "This password has %zu bytes. Use at most %zu.", len,
                         REGISTRY_PASSWORD_MAX);
    return check_text(field, bytes, len, false, err);
}
