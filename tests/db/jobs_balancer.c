/* jobs_balancer.c - app servers behind a load balancer: each is out of it during its turn, and what
 * serves nothing that is known stays out. With a stand-in for the runner.
 *
 * Hosts: 0 and 1 app servers, 2 the load balancer. Steps of the image recipe: 5 create, 7 start,
 * 9 health, 12 retire; then the load balancer's, 14 prepare, 15 out of the first; 25 switch_back.
 */
#include "tests/db/supervised_fixture.h"

static void world_balanced(struct world *w)
{
    world_make(w, 3);
    w->recipe = "image";
    sqlf(w,
         "UPDATE environment SET recipe = 'image', settings = "
         "'{\"image\":\"registry.example/shop\",\"ports\":\"8030\",\"project\":\"shop\","
         "\"deploy_dir\":\"apps/shop\",\"upstream\":\"shop\","
         "\"nginx_file\":\"/etc/nginx/windlass/shop.conf\"}';"
         "UPDATE environment_server SET role = 'lb', position = 0 WHERE server_id LIKE '%%srv3'");
}

static const char *hosts_of(struct world *w)
{
    return ask_sql(w, "SELECT group_concat(coalesce(verdict, '-')) FROM (SELECT verdict FROM "
                      "job_host ORDER BY host)");
}

/* The states of the load balancer's steps for the second app server, and of those that go back. */
static const char *words_of(struct world *w)
{
    return ask_sql(w, "SELECT group_concat(name || ' ' || state) FROM (SELECT name, state FROM "
                      "job_step WHERE host = 2 AND name IN ('lb_in_1', 'lb_in_2', 'lb_back_out_1', "
                      "'lb_back_in_1', 'lb_back_out_2', 'lb_tidy') ORDER BY step)");
}

/* Where this line stands among the events; -1: it is not there. */
static int at(struct world *w, const char *line)
{
    char text[300];
    int number = 0, found = -1;
    FILE *file = fopen(w->events, "re");
    while (file != NULL && found < 0 && fgets(text, sizeof text, file) != NULL) {
        text[strcspn(text, "\n")] = '\0';
        if (strcmp(text, line) == 0)
            found = number;
        number++;
    }
    if (file != NULL)
        fclose(file);
    if (found < 0)
        printf("# nobody did '%s'\n", line);
    return found;
}

/* One after the other. */
static bool in_order(struct world *w, const char *const *lines)
{
    for (int last = -1; *lines != NULL; lines++) {
        int now = at(w, *lines);
        if (now <= last) {
            printf("# '%s' comes too early, or not at all\n", *lines);
            return false;
        }
        last = now;
    }
    return true;
}

static void each_is_out_during_its_turn_and_back_in_before_the_next(void)
{
    static const char *const order[] = {"host 2 lb_prepare",
                                        "host 2 lb_out_1",
                                        "host 0 connect",
                                        "host 0 health",
                                        "host 2 lb_in_1",
                                        "host 2 lb_out_2",
                                        "host 1 connect",
                                        "host 1 health",
                                        "host 2 lb_in_2",
                                        "host 2 lb_tidy",
                                        NULL};
    struct world w;
    world_balanced(&w);
    world_worker(&w, "");
    CHECK(wait_verdict(&w, world_deploy(&w), "live"));
    CHECK_STR(hosts_of(&w), "live,live,ok");
    CHECK(in_order(&w, order));
    CHECK(at(&w, "host 0 retire") > at(&w, "host 2 lb_in_2")); /* the way back is open until then */
    CHECK_STR(words_of(&w), "lb_in_1 ok,lb_in_2 ok,lb_back_out_1 skipped,lb_back_in_1 "
                            "skipped,lb_back_out_2 skipped,lb_tidy ok");
    CHECK_STR(ask_sql(&w, "SELECT summary FROM job"),
              "1.0.0 is live on 2 servers, and each was seen healthy.");
    world_end(&w);
}

static void one_that_goes_back_is_taken_out_again_and_put_back(void)
{
    static const char *const order[] = {"host 1 settle_old",
                                        "host 2 lb_in_2",
                                        "host 2 lb_back_out_1",
                                        "host 0 switch_back",
                                        "host 0 health_old",
                                        "host 2 lb_back_in_1",
                                        NULL};
    struct world w;
    world_balanced(&w);
    world_worker(&w, "fail:11@1");
    CHECK(wait_verdict(&w, world_deploy(&w), "reverted"));
    CHECK_STR(hosts_of(&w), "reverted,reverted,ok");
    CHECK(in_order(&w, order));
    CHECK_STR(words_of(&w), "lb_in_1 ok,lb_in_2 ok,lb_back_out_1 ok,lb_back_in_1 "
                            "ok,lb_back_out_2 skipped,lb_tidy skipped");
    world_end(&w);
}

static void what_may_serve_nothing_stays_out(void)
{
    struct world w;
    world_balanced(&w);
    world_worker(&w, "fail:11@1 fail:28@1");
    CHECK(wait_verdict(&w, world_deploy(&w), "failed"));
    CHECK_STR(hosts_of(&w), "reverted,failed,ok");
    CHECK_STR(words_of(&w), "lb_in_1 ok,lb_in_2 skipped,lb_back_out_1 ok,lb_back_in_1 "
                            "ok,lb_back_out_2 skipped,lb_tidy skipped");
    CHECK(strstr(ask_sql(&w, "SELECT summary FROM job"), "Look at srv2") != NULL);
    world_end(&w);
}

static void a_load_balancer_that_fails_lets_nobody_begin(void)
{
    struct world w;
    world_balanced(&w);
    world_worker(&w, "fail:18@2");
    CHECK(wait_verdict(&w, world_deploy(&w), "failed"));
    CHECK_STR(hosts_of(&w), "-,-,failed");
    CHECK(strstr(ask_sql(&w, "SELECT summary FROM job"), "srv3: ") != NULL);
    world_end(&w);
}

static void a_supervisor_that_takes_over_gives_the_same_words(void)
{
    struct world w;
    world_balanced(&w);
    world_worker(&w, "hang:9@1");
    const char *job = world_deploy(&w);
    CHECK(wait_line(w.events, "host 1 go 9"));
    world_kill(&w, SIGKILL);
    world_worker(&w, "fail:11@1");
    CHECK(wait_verdict(&w, job, "reverted"));
    CHECK_STR(hosts_of(&w), "reverted,reverted,ok");
    CHECK_STR(words_of(&w), "lb_in_1 ok,lb_in_2 ok,lb_back_out_1 ok,lb_back_in_1 "
                            "ok,lb_back_out_2 skipped,lb_tidy skipped");
    CHECK(no_step_ran_twice(&w));
    world_end(&w);
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "-x") == 0)
        return fake_runner();
    TAP_RUN(each_is_out_during_its_turn_and_back_in_before_the_next);
    TAP_RUN(one_that_goes_back_is_taken_out_again_and_put_back);
    TAP_RUN(what_may_serve_nothing_stays_out);
    TAP_RUN(a_load_balancer_that_fails_lets_nobody_begin);
    TAP_RUN(a_supervisor_that_takes_over_gives_the_same_words);
    return tap_done();
}
