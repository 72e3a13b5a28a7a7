/* Claims about the order of hosts and the decision over those that are proven. */
#include "tests/tap.h"

#include <string.h>
#include "lib/domain/rollout.h"

/* One letter a host: - waits, w under way, h held, p passed, b bad. */
static int read_hosts(const char *text, enum rollout_host hosts[16])
{
    static const char letters[] = "-whpb";
    int count = 0;
    for (; text[count] != '\0'; count++)
        hosts[count] = (enum rollout_host)(strchr(letters, text[count]) - letters);
    return count;
}

/* "2-4": hosts 2 and 3 may begin; "": none. */
static const char *next(int at_once, enum rollout_failure on_failure, const char *text)
{
    static char answer[32];
    struct rollout rollout = {.at_once = at_once, .on_failure = on_failure};
    enum rollout_host hosts[16];
    int first, end, count = read_hosts(text, hosts);
    answer[0] = '\0';
    if (rollout_next(&rollout, hosts, count, &first, &end))
        (void)snprintf(answer, sizeof answer, "%d-%d", first, end);
    return answer;
}

static void the_first_goes_alone_and_nobody_before_it_is_proven(void)
{
    CHECK_STR(next(10, ROLLOUT_GO_BACK, "-----"), "0-1");
    CHECK_STR(next(10, ROLLOUT_GO_BACK, "w----"), "");
    CHECK_STR(next(10, ROLLOUT_GO_BACK, "h----"), "1-5");
    CHECK_STR(next(10, ROLLOUT_STOP, "p----"), "1-5");
    CHECK_STR(next(1, ROLLOUT_CONTINUE, "b----"), "");
}

static void groups_follow_each_other(void)
{
    CHECK_STR(next(2, ROLLOUT_GO_BACK, "h-----"), "1-3");
    CHECK_STR(next(2, ROLLOUT_GO_BACK, "hwh---"), "");
    CHECK_STR(next(2, ROLLOUT_GO_BACK, "hhh---"), "3-5");
    CHECK_STR(next(2, ROLLOUT_GO_BACK, "hhhhh-"), "5-6");
    CHECK_STR(next(2, ROLLOUT_GO_BACK, "hhhhhh"), "");
    CHECK_STR(next(3, ROLLOUT_GO_BACK, "hw----"), "2-4"); /* a restart cut the start of the group */
}

static void a_failure_stops_or_not(void)
{
    CHECK_STR(next(1, ROLLOUT_GO_BACK, "hb--"), "");
    CHECK_STR(next(1, ROLLOUT_STOP, "pb--"), "");
    CHECK_STR(next(1, ROLLOUT_CONTINUE, "pb--"), "2-3");
    CHECK_STR(next(2, ROLLOUT_CONTINUE, "pbw-"), "");
}

static enum rollout_decision decide(const char *text, bool stopped)
{
    enum rollout_host hosts[16];
    int count = read_hosts(text, hosts);
    return rollout_decide(hosts, count, stopped);
}

static void who_is_proven_waits_for_all_and_goes_back_with_the_first_failure(void)
{
    CHECK(decide("hhw-", false) == ROLLOUT_HOLD);
    CHECK(decide("hhhh", false) == ROLLOUT_FINISH);
    CHECK(decide("hhb-", false) == ROLLOUT_BACK);
    CHECK(decide("hh--", true) == ROLLOUT_BACK);
    CHECK(decide("hhhh", true) == ROLLOUT_FINISH); /* all are proven: too late for a cancel */
}

static void what_was_decided_stays(void)
{
    CHECK(decide("phhb", false) == ROLLOUT_FINISH);
    CHECK(decide("bhhh", false) == ROLLOUT_BACK);
}

static struct rollout of(const char *settings, int hosts)
{
    json_t *object = json_loads(settings, 0, NULL);
    struct rollout rollout = rollout_of_settings(object, hosts), again;
    json_t *text = rollout_json(&rollout);
    again = rollout_of_json(text);
    CHECK(memcmp(&again, &rollout, sizeof rollout) == 0);
    json_decref(text);
    json_decref(object);
    return rollout;
}

static void shares_are_counts_or_percents_and_nothing_means_one_after_another(void)
{
    struct err err = {0};
    struct rollout none = of("{}", 5);
    CHECK_INT(none.at_once, 1);
    CHECK_INT(none.wait_s, 0);
    CHECK(none.on_failure == ROLLOUT_GO_BACK);
    CHECK_INT(of("{\"rollout\":\"3\"}", 5).at_once, 3);
    CHECK_INT(of("{\"rollout\":\"25%\"}", 5).at_once, 2);
    CHECK_INT(of("{\"rollout\":\"1%\"}", 5).at_once, 1);
    CHECK_INT(of("{\"rollout\":\"100%\"}", 250).at_once, 250);
    CHECK(of("{\"rollout_failure\":\"continue\"}", 5).on_failure == ROLLOUT_CONTINUE);
    static const char *const bad[] = {"",     "0",    "-1", "%",   "0%",
                                      "101%", "1001", "x",  "5 %", "99999999"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        CHECK(rollout_check_share("settings.rollout", bad[i], &err) != 0);
        CHECK_STR(err.field, "settings.rollout");
    }
}

int main(void)
{
    TAP_RUN(the_first_goes_alone_and_nobody_before_it_is_proven);
    TAP_RUN(groups_follow_each_other);
    TAP_RUN(a_failure_stops_or_not);
    TAP_RUN(who_is_proven_waits_for_all_and_goes_back_with_the_first_failure);
    TAP_RUN(what_was_decided_stays);
    TAP_RUN(shares_are_counts_or_percents_and_nothing_means_one_after_another);
    return tap_done();
}
