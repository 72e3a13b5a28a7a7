/* validate_net.c - addresses and URLs. Only forms with one reading are accepted: whatever different
 * parsers could understand differently (credentials, backslashes, odd ports) is refused. */
#include <arpa/inet.h>
#include <stdbool.h>
#include <string.h>

#include "lib/base/str.h"
#include "lib/domain/validate.h"

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS  "0123456789"

/* RFC 1123 names and dotted IPv4: labels of letters, digits and inner dashes. Something that looks
 * like a number must be a whole IPv4 address: "127.1" has more than one reading. */
static bool is_host_name(const char *host)
{
    size_t len = strlen(host);
    struct in_addr v4;

    if (len == 0 || len > 253)
        return false;
    if (host[strspn(host, DIGITS ".")] == '\0')
        return inet_pton(AF_INET, host, &v4) == 1;
    for (const char *label = host;; label++) {
        size_t n = strcspn(label, ".");

        if (n == 0 || n > 63 || strspn(label, LETTERS DIGITS "-") != n || label[0] == '-'
            || label[n - 1] == '-')
            return false;
        label += n;
        if (*label == '\0')
            return true;
    }
}

static bool is_ipv6(const char *host)
{
    struct in6_addr v6;

    return inet_pton(AF_INET6, host, &v6) == 1;
}

/* Split host[:port] or [v6][:port] at `text`; *port is left alone when there is none. */
static bool split_host(const char *text, char host[256], int *port)
{
    bool bracketed = text[0] == '[';
    size_t len = bracketed ? strcspn(++text, "]") : strcspn(text, ":");
    const char *rest = text + len;
    int64_t number = 0;

    if (len == 0 || len > 255 || (bracketed && *rest != ']'))
        return false;
    memcpy(host, text, len);
    host[len] = '\0';
    rest += bracketed ? 1 : 0;
    if (bracketed ? !is_ipv6(host) : !is_host_name(host))
        return false;
    if (*rest == '\0')
        return true;
    if (*rest != ':' || !str_to_int64(rest + 1, 1, 65535, &number))
        return false;
    *port = (int)number;
    return true;
}

int validate_address(const char *field, const char *text, struct address *address, struct err *err)
{
    struct address found = {.port = 22};
    const char *at = strchr(text, '@');
    size_t login_len = at != NULL ? (size_t)(at - text) : 0;

    if (at == NULL || login_len == 0)
        return err_field(err, field,
                         "The account is missing. Write it in front: "
                         "deploy@server.example.org, with :port where it is not 22.");
    if (login_len >= sizeof found.login || strchr("-.", text[0]) != NULL
        || strspn(text, LETTERS DIGITS "._-") != login_len)
        return err_field(err, field,
                         "The account in front of @ has at most 63 letters, digits, "
                         "dots, dashes and underscores.");
    memcpy(found.login, text, login_len);
    if (is_ipv6(at + 1))
        return err_field(err, field, "Put an IPv6 address into brackets: deploy@[2001:db8::1]:22.");
    if (!split_host(at + 1, found.host, &found.port))
        return err_field(err, field,
                         "The host after @ is not a host name, an IPv4 address or an IPv6 address "
                         "in brackets, or its port is not between 1 and 65535. Example: "
                         "deploy@server.example.org:22.");
    *address = found;
    return 0;
}

/* Characters of RFC 3986 paths and queries, with whole percent escapes. */
static bool is_path_and_query(const char *text)
{
    for (const char *c = text; *c != '\0'; c++) {
        if (strchr(LETTERS DIGITS "/?-._~!$&'()*+,;=:@%", *c) == NULL)
            return false;
        if (*c == '%' && strspn(c + 1, DIGITS "abcdefABCDEF") < 2)
            return false;
    }
    return true;
}

int validate_url_path(const char *field, const char *text, struct err *err)
{
    if (text[0] != '/' || text[1] == '/')
        return err_field(err, field, "This path must begin with one slash: for example /health.");
    if (strlen(text) > 512)
        return err_field(err, field, "This path is too long. Use at most 512 bytes.");
    if (!is_path_and_query(text))
        return err_field(err, field,
                         "This path has a character that a URL cannot hold as it is (a space, a "
                         "quote, # or a non-ASCII letter). Write it percent-encoded: %%20 for a "
                         "space.");
    return 0;
}

/* What stands behind the scheme. */
static int check_url(const char *field, const char *text, struct err *err)
{
    char authority[300], host[256];
    size_t len = strcspn(text, "/?#");
    int port = 443;

    if (memchr(text, '@', len) != NULL)
        return err_field(err, field,
                         "This URL holds a user name or password in front of @. Remove "
                         "it: URLs are stored and shown.");
    if (len >= sizeof authority)
        return err_field(err, field, "The host name in this URL is too long.");
    memcpy(authority, text, len);
    authority[len] = '\0';
    if (!split_host(authority, host, &port))
        return err_field(err, field,
                         "The host in this URL is not a host name or address, or its port is not "
                         "between 1 and 65535. Example: https://files.example.org/app.tar.gz.");
    if (!is_path_and_query(text + len))
        return err_field(err, field,
                         "This URL has a character that a URL cannot hold as it is (a space, a "
                         "quote, # or a non-ASCII letter). Write it percent-encoded.");
    return 0;
}

int validate_https_url(const char *field, const char *text, struct err *err)
{
    if (strlen(text) > 2000)
        return err_field(err, field, "This URL is too long. Use at most 2000 bytes.");
    if (!str_starts(text, "https://"))
        return err_field(err, field, "This URL must begin with https://.");
    return check_url(field, text + strlen("https://"), err);
}

int validate_site_url(const char *field, const char *text, struct err *err)
{
    size_t scheme = strspn(text, "htps") + strlen("://");

    if (strlen(text) > 2000)
        return err_field(err, field, "This URL is too long. Use at most 2000 bytes.");
    if (!str_starts(text, "https://") && !str_starts(text, "http://"))
        return err_field(err, field, "This URL must begin with https:// or http://.");
    if (strchr(text, '[') != NULL || text[scheme + strcspn(text + scheme, "/?#")] != '/')
        return err_field(err, field,
                         "Give the site's name and a path: for example "
                         "https://shop.example.org/health.");
    return check_url(field, text + scheme, err);
}

/* Addresses that people know Docker Hub by, and that docker's configuration does not. */
static bool is_docker_hub_page(const char *host)
{
    return strcmp(host, "hub.docker.com") == 0 || strcmp(host, "www.docker.com") == 0
           || strcmp(host, "docker.com") == 0 || strcmp(host, "registry-1.docker.io") == 0
           || strcmp(host, "registry.hub.docker.com") == 0;
}

/* What is wrong with a host that looks like something else; NULL: nothing of that kind. */
static const char *registry_host_mistake(const char *text)
{
    if (text[0] == '\0')
        return "The address is missing. Enter the registry's host, for example ghcr.example or "
               "10.0.0.5:5000; for Docker Hub docker.io.";
    if (strstr(text, "://") != NULL)
        return "Leave out what stands before the host: enter ghcr.example, not "
               "https://ghcr.example.";
    if (strchr(text, '/') != NULL)
        return "Leave out the slash and what follows: enter the host alone, for example "
               "ghcr.example. The rest belongs to the names of images.";
    if (text[strcspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ")] != '\0')
        return "Enter the address in lower case: names of images have no capital letters.";
    if (is_docker_hub_page(text))
        return "Docker Hub's registry is called docker.io. Enter that.";
    return NULL;
}

int validate_registry_host(const char *field, const char *text, char host[REGISTRY_HOST_SIZE],
                           struct err *err)
{
    const char *mistake = registry_host_mistake(text);
    char name[256];
    int port = 0;

    if (mistake != NULL)
        return err_field(err, field, "%s", mistake);
    if (text[0] == '[' || !split_host(text, name, &port) || strstr(text, ":0") != NULL)
        return err_field(err, field,
                         "This is not a host name or an IPv4 address, with :port where it is not "
                         "443. Examples: ghcr.example, 10.0.0.5:5000.");
    /* docker reads "registry/app" as an image of the user "registry" of Docker Hub. */
    if (port == 0 && strchr(name, '.') == NULL && strcmp(name, "localhost") != 0)
        return err_field(
            err, field,
            "A host without a dot needs its port, since docker takes it for a user of "
            "Docker Hub otherwise: for example registry:5000. Or enter its full name.");
    if (port == 0 && strcmp(name, "index.docker.io") == 0)
        text = "docker.io";
    memcpy(host, text, strlen(text) + 1);
    return 0;
}

int validate_addresses(const char *field, const char *text, struct err *err)
{
    for (const char *at = text; *at != '\0'; at += *at == ' ') {
        char name[64], host[256];
        size_t len = strcspn(at, " "), equals = strcspn(at, "=");
        const char *value = at + equals + 1;
        bool good = equals < len && equals < sizeof name && len - equals - 1 < sizeof host;

        if (good) {
            memcpy(name, at, equals);
            name[equals] = '\0';
            memcpy(host, value, len - equals - 1);
            host[len - equals - 1] = '\0';
            good = validate_slug(field, name, NULL) == 0 && (is_host_name(host) || is_ipv6(host));
        }
        if (!good)
            return err_field(
                err, field,
                "This must be names of servers with an address each, one space between "
                "two: web1=10.0.0.5 web2=10.0.0.6.");
        at += len;
    }
    return 0;
}
