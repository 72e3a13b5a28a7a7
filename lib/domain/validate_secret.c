/* validate_secret.c - what stands around a secret's value: its comment, and for a file where it
 * goes and who may read it (validate.h). */
#include <string.h>
#include "lib/base/str.h"
#include "lib/domain/validate.h"

#define SECRET_PATH_MAX 200

int validate_comment(const char *field, const char *text, size_t max, struct err *err)
{
    if (validate_note(field, text, max, err) != 0)
        return -1;
    if (strchr(text, '\r') != NULL)
        return err_field(err, field, "There is a carriage return in this comment. Remove it.");
    for (const char *line = text; *line != '\0';) {
        size_t len = strcspn(line, "\n"), spaces = strspn(line, " \t");

        if (spaces < len && line[spaces] != '#')
            return err_field(err, field, "Each line of a comment begins with a #.");
        line += len;
        line += *line == '\n' ? 1 : 0;
    }
    return 0;
}

/* A name that recipes write themselves, or that a tool reads on its own. */
static bool is_taken(const char *path)
{
    static const char *const TAKEN[] = {".env",
                                        "docker-compose.yml",
                                        "docker-compose.yaml",
                                        "docker-compose.override.yml",
                                        "docker-compose.override.yaml",
                                        "compose.yml",
                                        "compose.yaml",
                                        "compose.override.yml",
                                        "compose.override.yaml"};

    for (size_t i = 0; i < COUNT_OF(TAKEN); i++)
        if (strcmp(path, TAKEN[i]) == 0)
            return true;
    return strcmp(path, ".windlass") == 0 || strncmp(path, ".windlass/", 10) == 0;
}

static bool is_part(const char *part, size_t len)
{
    if (len == 0 || part[0] == '-' || (len == 1 && part[0] == '.')
        || (len == 2 && part[0] == '.' && part[1] == '.'))
        return false;
    for (size_t i = 0; i < len; i++) {
        char c = part[i];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.'
              || c == '_' || c == '-'))
            return false;
    }
    return true;
}

int validate_secret_path(const char *field, const char *text, struct err *err)
{
    if (text[0] == '\0' || strlen(text) > SECRET_PATH_MAX)
        return err_field(err, field,
                         "Say where the file goes: a path of 1 to %d characters below the app's "
                         "folder, such as keys/jwt.pem.",
                         SECRET_PATH_MAX);
    if (text[0] == '/')
        return err_field(err, field,
                         "A secret file lies in the app's own folder. Leave out the first slash: "
                         "keys/jwt.pem.");
    for (const char *part = text;;) {
        size_t len = strcspn(part, "/");

        if (!is_part(part, len))
            return err_field(err, field,
                             "Each part of the path has letters, digits, dots, dashes and "
                             "underscores, does not begin with a dash, and is not . or ..");
        if (part[len] == '\0')
            break;
        part += len + 1;
    }
    if (is_taken(text))
        return err_field(err, field, "%s is written by Windlass itself. Choose another path.",
                         text);
    return 0;
}

int validate_file_mode(const char *field, int mode, struct err *err)
{
    static const int MODES[] = {0400, 0440, 0444, 0600, 0640, 0644};

    for (size_t i = 0; i < COUNT_OF(MODES); i++)
        if (MODES[i] == mode)
            return 0;
    return err_field(err, field,
                     "The mode of a secret file is 0400, 0440, 0444, 0600, 0640 or "
                     "0644.");
}
