/* The log: one line per event, whatever is in the values. */
#include "tests/tap.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/log.h"

static char captured[65536];

/* Standard error goes into a socket pair while `say` runs. */
static const char *capture(void (*say)(void))
{
    int fds[2] = {-1, -1}, saved = dup(STDERR_FILENO);
    ssize_t n;

    if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds) != 0 || dup2(fds[1], STDERR_FILENO) == -1)
        return "";
    say();
    (void)dup2(saved, STDERR_FILENO);
    (void)close(fds[1]);
    n = read(fds[0], captured, sizeof captured - 1);
    captured[n > 0 ? n : 0] = '\0';
    (void)close(fds[0]);
    (void)close(saved);
    return captured;
}

static void say_plain(void)
{
    LOG_INFO("start", "port=%d name=%s", 8080, "gr\xC3\xBC\xC3\x9F");
}

static void say_hostile(void)
{
    LOG_WARN("form", "value=%s",
             "x\nlevel=error event=fake \"q\" \\ \x1B[31m \xFF\xC3 \xC2\x9B \x7F");
}

static void say_long(void)
{
    static char text[20000];

    memset(text, '\n', sizeof text - 1);
    LOG_ERROR("long", "value=%s", text);
}

static void say_debug(void)
{
    LOG_DEBUG("hidden", "x=%d", 1);
}

static void say_err(void)
{
    struct err e = {0};

    err_field(&e, "port", "Not a \"port\"\n");
    err_detail(&e, "open /x");
    log_err("failed", &e);
}

static size_t line_feeds(const char *text)
{
    size_t n = 0;

    for (; *text != '\0'; text++)
        n += *text == '\n' ? 1 : 0;
    return n;
}

static void a_line_has_time_level_program_and_event(void)
{
    const char *line = capture(say_plain);

    CHECK(strncmp(line, "time=20", 7) == 0);
    CHECK(strstr(line, " level=info prog=test pid=") != NULL);
    CHECK(strstr(line, " event=start port=8080 name=gr\xC3\xBC\xC3\x9F\n") != NULL);
}

static void no_value_can_begin_a_line(void)
{
    const char *line = capture(say_hostile);

    CHECK_INT(line_feeds(line), 1);
    CHECK(strstr(line, "value=x\\nlevel=error event=fake \\\"q\\\" \\\\ \\x1b[31m \\xff\\xc3 "
                       "\\xc2\\x9b \\x7f\n")
          != NULL);
}

static void a_long_line_is_cut_and_still_one(void)
{
    const char *line = capture(say_long);

    CHECK_INT(line_feeds(line), 1);
    CHECK(strlen(line) <= 4096);
}

static void levels_above_the_chosen_one_are_silent(void)
{
    CHECK_STR(capture(say_debug), "");
    log_init("test", LOG_LEVEL_DEBUG);
    CHECK(strstr(capture(say_debug), "event=hidden x=1") != NULL);
    log_init("test", LOG_LEVEL_INFO);
}

static void an_error_shows_code_field_sentence_and_detail(void)
{
    const char *line = capture(say_err);

    CHECK(strstr(line, "event=failed code=\"input\" field=\"port\" user=\"Not a \\\"port\\\"\\n\" "
                       "detail=\"open /x\"\n")
          != NULL);
    CHECK_INT(line_feeds(line), 1);
}

int main(void)
{
    log_init("test", LOG_LEVEL_INFO);
    TAP_RUN(a_line_has_time_level_program_and_event);
    TAP_RUN(no_value_can_begin_a_line);
    TAP_RUN(a_long_line_is_cut_and_still_one);
    TAP_RUN(levels_above_the_chosen_one_are_silent);
    TAP_RUN(an_error_shows_code_field_sentence_and_detail);
    return tap_done();
}
