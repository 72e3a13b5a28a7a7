/* validate_git.c - where a repository is and what is checked out of it. They go into git's and
 * ssh's argument lists on a server, so nothing may look like an option, and only forms with one
 * reading are accepted. */
#include <stdbool.h>
#include <string.h>

#include "lib/base/str.h"
#include "lib/domain/validate.h"

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS  "0123456789"

#define REF_MAX         64
#define REPOSITORY_MAX  500
#define KNOWN_HOSTS_MAX 16384
#define HOST_KEYS_MAX   32

/* What git-check-ref-format(1) allows of letters, digits and ._-/ . */
int validate_git_ref(const char *field, const char *text, struct err *err)
{
    size_t len = strnlen(text, REF_MAX + 1);

    if (len < 1 || len > REF_MAX || strspn(text, LETTERS DIGITS "._-/") != len
        || strchr("./-", text[0]) != NULL || strchr("./", text[len - 1]) != NULL
        || strstr(text, "..") != NULL || strstr(text, "//") != NULL || strstr(text, "/.") != NULL
        || strstr(text, ".lock/") != NULL || str_ends(text, ".lock"))
        return err_field(err, field,
                         "A branch, tag or commit has 1 to %d letters, digits, dots, dashes, "
                         "underscores and single slashes: for example main, v1.4.0 or the "
                         "commit's hash.",
                         REF_MAX);
    return 0;
}

static int wrong_address(const char *field, struct err *err)
{
    return err_field(err, field,
                     "This must be the address of a repository: git@host:team/shop.git, "
                     "ssh://git@host:2222/team/shop.git or https://host/team/shop.git.");
}

/* host[:port] of an address; true when it has nothing else. */
static bool is_place(const char *text, size_t len)
{
    size_t host = strspn(text, LETTERS DIGITS ".-");

    if (host < 1 || host > 253 || strchr(".-", text[0]) != NULL)
        return false;
    if (host < len && text[host] == ':') {
        size_t port = strspn(text + host + 1, DIGITS);

        return port >= 1 && port <= 5 && host + 1 + port == len;
    }
    return host == len;
}

static bool is_path(const char *text)
{
    size_t len = strlen(text);

    return len > 0 && strspn(text, LETTERS DIGITS "._-/~+") == len && text[0] != '-'
           && strstr(text, "..") == NULL;
}

int validate_repository(const char *field, const char *text, struct err *err)
{
    const char *rest = text, *at, *slash;
    bool is_http = str_starts(text, "https://") || str_starts(text, "http://");
    bool is_ssh = str_starts(text, "ssh://");

    if (strnlen(text, REPOSITORY_MAX + 1) > REPOSITORY_MAX)
        return wrong_address(field, err);
    if (is_http || is_ssh)
        rest = strstr(text, "://") + 3;
    at = strchr(rest, '@');
    if (at != NULL && is_http)
        return err_field(err, field,
                         "There is a user name or a token in this address. Take it out; the token "
                         "is a secret of the environment.");
    if (at != NULL) {
        size_t login = strspn(rest, LETTERS DIGITS "._-");

        if (login < 1 || login > 64 || rest + login != at || rest[0] == '-')
            return wrong_address(field, err);
        rest = at + 1;
    }
    if (!is_http && !is_ssh) { /* user@host:path */
        size_t host = strcspn(rest, ":");

        if (at == NULL || rest[host] != ':' || !is_place(rest, host) || !is_path(rest + host + 1))
            return wrong_address(field, err);
        return 0;
    }
    slash = strchr(rest, '/');
    if (slash == NULL || !is_place(rest, (size_t)(slash - rest)) || !is_path(slash))
        return wrong_address(field, err);
    return 0;
}

/* "host type key": three words of what sshd(8) allows; a marker (@revoked) before them may stand.
 */
static bool is_host_key(const char *line, size_t len)
{
    int words = 0;

    for (size_t i = 0; i < len;) {
        size_t word = strcspn(line + i, " \t\n");

        if (word > 0 && words == 0 && line[i] == '@')
            words--;
        if (word > 0)
            words++;
        i += word + 1;
    }
    return words >= 3 && words <= 6 && strspn(line, " ") == 0;
}

int validate_known_hosts(const char *field, const char *text, struct err *err)
{
    int keys = 0;

    if (strnlen(text, KNOWN_HOSTS_MAX + 1) > KNOWN_HOSTS_MAX)
        return err_field(err, field, "These are more than 16 KiB. Give the lines of one server.");
    for (const char *at = text; *at != '\0';) {
        size_t len = strcspn(at, "\n");

        for (size_t i = 0; i < len; i++)
            if ((unsigned char)at[i] < ' ' || (unsigned char)at[i] > '~')
                return err_field(err, field,
                                 "There is a tab, control character or letter here that no host "
                                 "key has. Put single spaces between the words.");
        if (len > 0 && at[0] != '#' && (++keys > HOST_KEYS_MAX || !is_host_key(at, len)))
            return err_field(err, field,
                             "Each line is a host key as ssh-keyscan prints it: the server's "
                             "name, the key's type and the key. At most %d lines.",
                             HOST_KEYS_MAX);
        at += len + (at[len] == '\n' ? 1 : 0);
    }
    return 0;
}
