/* address.c - the tables behind address.h.
 *
 * IPv4 is "everything but" a list; IPv6 is "only 2000::/3, but not" a list, because most of the v6
 * space is unassigned and what is assigned later should be refused until someone has looked. */
#include "lib/net/address.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <stdint.h>
#include "lib/base/str.h"

/* A network: the first `bits` bits of 16 bytes. IPv4 is kept as v4-mapped, with bits counted
 * from 96. */
struct network {
    uint8_t bytes[16];
    unsigned bits;
};

static const char *const REFUSED_V4[] = {
    "0.0.0.0/8",       /* "this" network; 0.0.0.0 reaches loopback on Linux */
    "10.0.0.0/8",      /* private */
    "100.64.0.0/10",   /* carrier NAT */
    "127.0.0.0/8",     /* loopback */
    "169.254.0.0/16",  /* link-local: cloud metadata */
    "172.16.0.0/12",   /* private */
    "192.0.0.0/24",    /* protocol assignments */
    "192.0.2.0/24",    /* documentation */
    "192.88.99.0/24",  /* 6to4 relays */
    "192.168.0.0/16",  /* private */
    "198.18.0.0/15",   /* benchmarks */
    "198.51.100.0/24", /* documentation */
    "203.0.113.0/24",  /* documentation */
    "224.0.0.0/4",     /* multicast */
    "240.0.0.0/4",     /* reserved, broadcast */
    NULL,
};

static const char *const GLOBAL_V6[] = {"2000::/3", NULL};

static const char *const REFUSED_V6[] = {
    "2001::/23",     /* protocol assignments, Teredo among them */
    "2001:db8::/32", /* documentation */
    "2002::/16",     /* 6to4: carries any IPv4 address */
    "3fff::/20",     /* documentation */
    NULL,
};

static const uint8_t MAPPED_PREFIX[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

/* The 16 bytes compared with networks; false for families we do not know. */
static bool to_bytes(const struct sockaddr *address, uint8_t bytes[16])
{
    if (address->sa_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, address, sizeof(in));
        memcpy(bytes, MAPPED_PREFIX, sizeof(MAPPED_PREFIX));
        memcpy(bytes + 12, &in.sin_addr, 4);
        return true;
    }
    if (address->sa_family == AF_INET6) {
        struct sockaddr_in6 in6;
        memcpy(&in6, address, sizeof(in6));
        memcpy(bytes, &in6.sin6_addr, 16);
        return true;
    }
    return false;
}

static bool parse_network(const char *text, struct network *net)
{
    char host[ADDRESS_TEXT_SIZE];
    const char *slash = strchr(text, '/');
    size_t len = slash != NULL ? (size_t)(slash - text) : strlen(text);
    unsigned offset = 0, most = 128;
    int64_t bits;

    if (len == 0 || len >= sizeof(host))
        return false;
    memcpy(host, text, len);
    host[len] = '\0';
    if (inet_pton(AF_INET, host, net->bytes + 12) == 1) {
        memcpy(net->bytes, MAPPED_PREFIX, sizeof(MAPPED_PREFIX));
        offset = 96;
        most = 32;
    } else if (inet_pton(AF_INET6, host, net->bytes) != 1) {
        return false;
    }
    bits = most;
    if (slash != NULL && !str_to_int64(slash + 1, 0, most, &bits))
        return false;
    net->bits = offset + (unsigned)bits;
    return true;
}

static bool in_network(const uint8_t bytes[16], const struct network *net)
{
    unsigned whole = net->bits / 8, rest = net->bits % 8;
    uint8_t mask = (uint8_t)(0xff00U >> rest);

    if (memcmp(bytes, net->bytes, whole) != 0)
        return false;
    return rest == 0 || (bytes[whole] & mask) == (net->bytes[whole] & mask);
}

bool address_in_list(const struct sockaddr *address, const char *const *list)
{
    uint8_t bytes[16];
    struct network net;

    if (list == NULL || !to_bytes(address, bytes))
        return false;
    for (; *list != NULL; list++)
        if (parse_network(*list, &net) && in_network(bytes, &net))
            return true;
    return false;
}

bool address_is_public(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET)
        return !address_in_list(address, REFUSED_V4);
    if (address->sa_family == AF_INET6)
        return address_in_list(address, GLOBAL_V6) && !address_in_list(address, REFUSED_V6);
    return false;
}

bool address_is_own(const struct sockaddr *address)
{
    struct ifaddrs *all = NULL;
    uint8_t wanted[16], bytes[16];
    bool own = false;

    if (!to_bytes(address, wanted) || getifaddrs(&all) != 0)
        return true;
    for (const struct ifaddrs *i = all; i != NULL && !own; i = i->ifa_next)
        own = i->ifa_addr != NULL && to_bytes(i->ifa_addr, bytes) && memcmp(bytes, wanted, 16) == 0;
    freeifaddrs(all);
    return own;
}

bool address_is_entry(const char *text)
{
    struct network net;

    return parse_network(text, &net);
}

const char *address_text(char dst[ADDRESS_TEXT_SIZE], const struct sockaddr *address)
{
    uint8_t bytes[16];

    if (!to_bytes(address, bytes)
        || inet_ntop(address->sa_family,
                     address->sa_family == AF_INET ? (const void *)(bytes + 12)
                                                   : (const void *)bytes,
                     dst, ADDRESS_TEXT_SIZE)
               == NULL)
        (void)str_copy(dst, ADDRESS_TEXT_SIZE, "an unknown address");
    return dst;
}
