/* validate_container.c - settings of containers: an image's repository, ports, volumes, limits,
 * processes. They go into docker's argument list and into nginx' configuration, so each has a
 * narrow alphabet of its own. */
#include <stdbool.h>
#include <string.h>

#include "lib/base/str.h"
#include "lib/domain/validate.h"

#define LOWER   "abcdefghijklmnopqrstuvwxyz"
#define LETTERS LOWER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS  "0123456789"

#define PORTS_MAX       200
#define VOLUMES_MAX     20
#define PROCESSES_MAX   8
#define NAME_MAX_LEN    20
#define SERVICE_MAX_LEN 64

/* A part of an image's name: lower-case letters and digits, and .-_ between two of them. */
static bool is_image_part(const char *part, size_t len)
{
    return len >= 1 && strspn(part, LOWER DIGITS "._-") >= len && strchr("._-", part[0]) == NULL
           && strchr("._-", part[len - 1]) == NULL;
}

/* The first part is a registry's host when it has a dot or a port, or is localhost. */
static bool is_image_host(const char *part, size_t len)
{
    return memchr(part, '.', len) != NULL || memchr(part, ':', len) != NULL
           || (len == 9 && strncmp(part, "localhost", 9) == 0);
}

int validate_image(const char *field, const char *text, struct err *err)
{
    char host[REGISTRY_HOST_SIZE];
    const char *rest = text;
    size_t len = strcspn(text, "/");

    if (strlen(text) <= 255 && text[len] == '/' && is_image_host(text, len) && len < sizeof host) {
        char name[REGISTRY_HOST_SIZE];

        memcpy(name, text, len);
        name[len] = '\0';
        if (validate_registry_host(field, name, host, err) != 0)
            return -1;
        rest = text + len + 1;
    }
    for (;; rest += len + 1) {
        len = strcspn(rest, "/");
        if (strlen(text) > 255 || !is_image_part(rest, len))
            return err_field(err, field,
                             "An image's name has lower-case letters, digits, dots, dashes and "
                             "underscores between slashes, and no tag, which is chosen at each "
                             "deploy: for example ghcr.example/team/shop.");
        if (rest[len] == '\0')
            return 0;
    }
}

/* "8100-8119", or "8100 8101": first and last of one word. */
static bool read_ports(const char *word, size_t len, int64_t *first, int64_t *last)
{
    char text[16], *dash;

    if (len == 0 || len >= sizeof text)
        return false;
    memcpy(text, word, len);
    text[len] = '\0';
    dash = strchr(text, '-');
    if (dash != NULL)
        *dash = '\0';
    if (!str_to_int64(text, 1, 65535, first))
        return false;
    *last = *first;
    return dash == NULL || (str_to_int64(dash + 1, 1, 65535, last) && *last > *first);
}

int validate_ports(const char *field, const char *text, struct err *err)
{
    int64_t count = 0;

    for (const char *at = text;;) {
        int64_t first = 0, last = 0;
        size_t len = strcspn(at, " ");

        if (!read_ports(at, len, &first, &last))
            return err_field(err, field,
                             "Give a range of ports, 8100-8119, or single ones with one space "
                             "between two: 8101 8102. A port is from 1 to 65535.");
        count += last - first + 1;
        if (count > PORTS_MAX)
            return err_field(err, field, "These are more than %d ports. Give fewer.", PORTS_MAX);
        if (at[len] == '\0')
            return 0;
        at += len + 1;
    }
}

/* A volume's name, or a path: absolute, or below the app's folder. */
static bool is_volume_source(const char *text, size_t len)
{
    bool is_path = text[0] == '/' || (len > 2 && text[0] == '.' && text[1] == '/');

    if (len == 0 || strspn(text, LETTERS DIGITS "_.-/") < len)
        return false;
    return is_path ? true : memchr(text, '/', len) == NULL && strchr("_.-", text[0]) == NULL;
}

static bool has_dots(const char *text, size_t len)
{
    for (size_t i = 0; i + 1 < len; i++)
        if (text[i] == '.' && text[i + 1] == '.' && (i == 0 || text[i - 1] == '/'))
            return true;
    return false;
}

/* name:/path or /path:/path or ./path:/path, each with :ro or :rw behind it or nothing. */
static bool is_volume(const char *word, size_t len)
{
    size_t source = 0, target = 0;
    const char *at;

    while (source < len && word[source] != ':')
        source++;
    if (source == len || !is_volume_source(word, source) || has_dots(word, len))
        return false;
    at = word + source + 1;
    len -= source + 1;
    while (target < len && at[target] != ':')
        target++;
    if (target < 2 || at[0] != '/' || strspn(at, LETTERS DIGITS "_.-/") < target)
        return false;
    return target == len
           || (len - target == 3
               && (strncmp(at + target, ":ro", 3) == 0 || strncmp(at + target, ":rw", 3) == 0));
}

int validate_volumes(const char *field, const char *text, struct err *err)
{
    int count = 0;

    for (const char *at = text;;) {
        size_t len = strcspn(at, " ");

        if (!is_volume(at, len) || ++count > VOLUMES_MAX)
            return err_field(err, field,
                             "Give up to %d volumes with one space between two, each as "
                             "name:/path/inside, /path/outside:/path/inside or "
                             "./below/the/folder:/path/inside, with :ro where it is only read.",
                             VOLUMES_MAX);
        if (at[len] == '\0')
            return 0;
        at += len + 1;
    }
}

int validate_size(const char *field, const char *text, struct err *err)
{
    size_t digits = strspn(text, DIGITS);

    if (digits < 1 || digits > 9 || text[0] == '0' || text[digits] == '\0'
        || strchr("kmg", text[digits]) == NULL || text[digits + 1] != '\0')
        return err_field(err, field,
                         "A size is a whole number and k, m or g: for example 512m or 2g.");
    return 0;
}

int validate_word(const char *field, const char *text, struct err *err)
{
    size_t len = strnlen(text, 65);

    if (len < 1 || len > 64 || strspn(text, LETTERS DIGITS "_.:-") != len
        || strchr("_.:-", text[0]) != NULL)
        return err_field(err, field,
                         "This has 1 to 64 letters, digits, dots, colons, dashes and underscores, "
                         "and begins with a letter or digit.");
    return 0;
}

/* Words between spaces, quotes in pairs: what recipes/image takes apart as a shell would. */
static bool has_whole_quotes(const char *text)
{
    char quote = '\0';

    for (const char *c = text; *c != '\0'; c++) {
        if (*c == '\\' && quote != '\'') {
            if (*++c == '\0')
                return false;
        } else if (quote == '\0' && (*c == '\'' || *c == '"'))
            quote = *c;
        else if (*c == quote)
            quote = '\0';
    }
    return quote == '\0';
}

int validate_arguments(const char *field, const char *text, struct err *err)
{
    if (validate_command(field, text, err) != 0)
        return -1;
    if (!has_whole_quotes(text))
        return err_field(err, field,
                         "A quote in this command is not closed, or a backslash stands at its end. "
                         "No shell reads it; a single quote is written \\'.");
    return 0;
}

/* The command behind a name and its colon. */
static int check_command(const char *field, const char *rest, size_t len, struct err *err)
{
    char command[2100];

    while (len > 0 && *rest == ' ') {
        rest++;
        len--;
    }
    if (len >= sizeof command)
        return err_field(err, field, "A command has more than 2000 bytes. Use a shorter one.");
    memcpy(command, rest, len);
    command[len] = '\0';
    return validate_arguments(field, command, err);
}

/* One line "name: command"; *name_len is the name's. */
static int check_process(const char *field, const char *line, size_t len, size_t *name_len,
                         struct err *err)
{
    size_t name = strspn(line, LOWER DIGITS "-");

    if (name < 1 || name > NAME_MAX_LEN || line[0] < 'a' || line[0] > 'z' || line[name] != ':'
        || (name == 3 && strncmp(line, "web", 3) == 0))
        return err_field(err, field,
                         "Each line is a name of up to %d lower-case letters, digits and dashes, a "
                         "colon and a command: \"worker: bundle exec sidekiq\". web is taken.",
                         NAME_MAX_LEN);
    *name_len = name;
    return check_command(field, line + name + 1, len - name - 1, err);
}

int validate_processes(const char *field, const char *text, struct err *err)
{
    const char *names[PROCESSES_MAX];
    size_t lens[PROCESSES_MAX], count = 0;

    for (const char *at = text; *at != '\0';) {
        size_t len = strcspn(at, "\n"), name = 0;

        if (len > 0 && count == PROCESSES_MAX)
            return err_field(err, field, "These are more than %d lines. Give fewer.",
                             PROCESSES_MAX);
        if (len > 0 && check_process(field, at, len, &name, err) != 0)
            return -1;
        for (size_t i = 0; len > 0 && i < count; i++)
            if (lens[i] == name && strncmp(names[i], at, name) == 0)
                return err_field(err, field, "Two lines have the same name. Rename one.");
        if (len > 0) {
            names[count] = at;
            lens[count++] = name;
        }
        at += len + (at[len] == '\n' ? 1 : 0);
    }
    return 0;
}

int validate_hooks(const char *field, const char *text, struct err *err)
{
    size_t count = 0;

    for (const char *at = text; *at != '\0';) {
        size_t len = strcspn(at, "\n"), name = strspn(at, LETTERS DIGITS "._-");

        if (len > 0 && ++count > PROCESSES_MAX)
            return err_field(err, field, "These are more than %d lines. Give fewer.",
                             PROCESSES_MAX);
        if (len > 0
            && (name < 1 || name > SERVICE_MAX_LEN || strchr("._-", at[0]) != NULL
                || at[name] != ':'))
            return err_field(err, field,
                             "Each line is the name of a service, a colon and a command: \"web: "
                             "bin/shop migrate\".");
        if (len > 0 && check_command(field, at + name + 1, len - name - 1, err) != 0)
            return -1;
        at += len + (at[len] == '\n' ? 1 : 0);
    }
    return 0;
}
