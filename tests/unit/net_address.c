/* Which addresses outbound HTTP may reach (lib/net/address.h). */
#include "lib/net/address.h"
#include "tests/tap.h"

#include <arpa/inet.h>
#include <netinet/in.h>

static const struct sockaddr *address_of(const char *text)
{
    static struct sockaddr_in in;
    static struct sockaddr_in6 in6;

    in = (struct sockaddr_in){.sin_family = AF_INET};
    in6 = (struct sockaddr_in6){.sin6_family = AF_INET6};
    if (inet_pton(AF_INET, text, &in.sin_addr) == 1)
        return (const struct sockaddr *)&in;
    if (inet_pton(AF_INET6, text, &in6.sin6_addr) != 1)
        printf("# not an address: %s\n", text);
    return (const struct sockaddr *)&in6;
}

static void expect_public(const char *text, bool wanted)
{
    bool is = address_is_public(address_of(text));

    if (is != wanted)
        printf("# %s\n", text);
    CHECK(is == wanted);
}

static void public_addresses_are_reachable(void)
{
    static const char *const TEXTS[] = {
        "1.1.1.1",         "9.255.255.255",  "11.0.0.0",       "100.63.255.255",  "100.128.0.0",
        "126.255.255.255", "128.0.0.0",      "172.15.255.255", "172.32.0.0",      "192.167.255.255",
        "192.169.0.0",     "198.17.255.255", "198.20.0.0",     "223.255.255.255", "2606:4700::1111",
        "2a00:1450::1",    "2001:4860::8888"};

    for (size_t i = 0; i < COUNT_OF(TEXTS); i++)
        expect_public(TEXTS[i], true);
}

static void everything_else_is_not(void)
{
    static const char *const TEXTS[] = {"0.0.0.0",
                                        "0.1.2.3",
                                        "10.0.0.1",
                                        "10.255.255.255",
                                        "100.64.0.1",
                                        "127.0.0.1",
                                        "127.255.255.254",
                                        "169.254.169.254",
                                        "172.16.0.1",
                                        "172.31.255.255",
                                        "192.0.0.1",
                                        "192.0.2.1",
                                        "192.88.99.1",
                                        "192.168.1.1",
                                        "198.18.0.1",
                                        "198.19.255.255",
                                        "198.51.100.1",
                                        "203.0.113.1",
                                        "224.0.0.1",
                                        "239.255.255.255",
                                        "240.0.0.1",
                                        "255.255.255.255",
                                        "::",
                                        "::1",
                                        "::ffff:127.0.0.1",
                                        "::ffff:1.1.1.1",
                                        "::127.0.0.1",
                                        "64:ff9b::7f00:1",
                                        "64:ff9b::101:101",
                                        "64:ff9b:1::1",
                                        "fe80::1",
                                        "fec0::1",
                                        "fc00::1",
                                        "fd12:3456::1",
                                        "ff02::1",
                                        "2001::1",
                                        "2001:db8::1",
                                        "2002:7f00:1::1",
                                        "3fff::1",
                                        "100::1",
                                        "4000::1"};

    for (size_t i = 0; i < COUNT_OF(TEXTS); i++)
        expect_public(TEXTS[i], false);
}

static void unknown_families_are_refused(void)
{
    struct sockaddr_storage unknown = {.ss_family = AF_UNIX};

    CHECK(!address_is_public((const struct sockaddr *)&unknown));
    CHECK(address_is_own((const struct sockaddr *)&unknown));
}

static void an_allow_list_matches_networks_exactly(void)
{
    static const char *const LIST[] = {"10.1.2.0/23", "192.168.7.7", "fd00:1::/33",
                                       "nonsense",    "1.2.3.4/33",  NULL};

    CHECK(address_in_list(address_of("10.1.2.0"), LIST));
    CHECK(address_in_list(address_of("10.1.3.255"), LIST));
    CHECK(!address_in_list(address_of("10.1.4.0"), LIST));
    CHECK(!address_in_list(address_of("10.1.1.255"), LIST));
    CHECK(address_in_list(address_of("192.168.7.7"), LIST));
    CHECK(!address_in_list(address_of("192.168.7.8"), LIST));
    CHECK(address_in_list(address_of("fd00:1:7fff::1"), LIST));
    CHECK(!address_in_list(address_of("fd00:1:8000::1"), LIST));
    CHECK(!address_in_list(address_of("1.2.3.4"), LIST));
    CHECK(!address_in_list(address_of("10.1.2.0"), NULL));
    CHECK(address_in_list(address_of("::ffff:192.168.7.7"), LIST));
}

static void entries_are_checked(void)
{
    CHECK(address_is_entry("10.0.0.0/8"));
    CHECK(address_is_entry("::1"));
    CHECK(address_is_entry("0.0.0.0/0"));
    CHECK(!address_is_entry(""));
    CHECK(!address_is_entry("10.0.0.0/"));
    CHECK(!address_is_entry("10.0.0.0/-1"));
    CHECK(!address_is_entry("10.0.0/8"));
    CHECK(!address_is_entry("localhost"));
    CHECK(!address_is_entry("::1/129"));
}

static void loopback_is_our_own(void)
{
    CHECK(address_is_own(address_of("127.0.0.1")));
    CHECK(!address_is_own(address_of("192.0.2.77")));
}

int main(void)
{
    TAP_RUN(public_addresses_are_reachable);
    TAP_RUN(everything_else_is_not);
    TAP_RUN(unknown_families_are_refused);
    TAP_RUN(an_allow_list_matches_networks_exactly);
    TAP_RUN(entries_are_checked);
    TAP_RUN(loopback_is_our_own);
    return tap_done();
}
