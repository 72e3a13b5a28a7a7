/* dotenv_differences.c - claims about warnings: who reads a line of a .env text differently, and
 * that bash, asked itself, reads the same where it is not named. */
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "lib/domain/dotenv.h"
#include "tests/tap.h"

static struct arena *arena;
static struct dotenv file;

static bool read_text(const char *text)
{
    struct err err = {0};
    arena_reset(arena);
    return dotenv_read(arena, text, strlen(text), NULL, &file, &err) == 0;
}

static unsigned who(const char *text, const char *key)
{
    unsigned readers = 0;
    if (!read_text(text) || file.error_count > 0) {
        printf("# not read: %s\n", text);
        return 0x100;
    }
    for (size_t i = 0; i < file.warning_count; i++)
        if (strcmp(file.warnings[i].key, key) == 0)
            readers |= file.warnings[i].readers;
    return readers;
}

static void the_table_of_differences(void)
{
    const unsigned NODE = DOTENV_NODE, RUBY = DOTENV_RUBY, BASH = DOTENV_BASH,
                   DOCKER = DOTENV_DOCKER;
    CHECK_INT(who("C=hash#tag", "C"), NODE | RUBY);
    CHECK_INT(who("D=val # c", "D"), DOCKER);
    CHECK_INT(who("HOME=x\nE=\"a $HOME \\n\"", "E"), NODE | RUBY | BASH | DOCKER);
    CHECK_INT(who("F='x $H \\n'", "F"), DOCKER);
    CHECK_INT(who("G='it\\'s'", "G"), NODE | RUBY | BASH | DOCKER);
    CHECK_INT(who("A=1\nL=$A-x", "L"), NODE | DOCKER);
    CHECK_INT(who("M=$$x", "M"), NODE | RUBY | BASH | DOCKER);
    CHECK_INT(who("I: yaml", "I"), BASH | DOCKER);
    CHECK_INT(who("I:yaml", "I"), NODE | RUBY | BASH | DOCKER);
    CHECK_INT(who("K=\"multi\nline\"", "K"), DOCKER);
    CHECK_INT(who("S=`id`", "S"), NODE | BASH);
    CHECK_INT(who("S=x`id`", "S"), BASH);
    CHECK_INT(who("T=two words", "T"), BASH);
    CHECK_INT(who("T=~/x", "T"), BASH);
    CHECK_INT(who("T=x$(id)", "T"), BASH | RUBY);
    CHECK_INT(who("export T=x", "T"), DOCKER);
    CHECK_INT(who("T =x", "T"), BASH | DOCKER);
    CHECK_INT(who("T= x", "T"), BASH | DOCKER);
    CHECK_INT(who("T=x ", "T"), DOCKER);
    CHECK_INT(who("T= \n", "T"), DOCKER);
    CHECK_INT(who("T='x'#c 'y'", "T"), BASH | RUBY | DOCKER);
    CHECK_INT(who("T=\"$\\$ \"", "T"), NODE | RUBY | BASH | DOCKER);
    CHECK_INT(who("T='x'#c", "T"), BASH | DOCKER);
    CHECK_INT(who("UID=1000", "UID"), BASH);
    CHECK_INT(who("A=1\nB=2\nPORT=3000\nURL=https://a.b/c?d=e%20\n", "URL"), 0);
    CHECK_INT(who("PLAIN=", "PLAIN"), 0);
    CHECK_STR((who("C=hash#tag", "C"), file.warnings[0].sentence),
              "In node and ruby the value ends at the #; put it in quotes.");
}

/* What bash makes of one assignment: the value of T, in a folder with nothing in it and without
 * programs. */
static size_t by_bash(const char *text, char *out, size_t size)
{
    static const char script[] = "set -a; A=1; B='x y'; . ./env 2>/dev/null; printf '%s|' \"$T\"";
    int ends[2];
    size_t got = 0;
    ssize_t n;
    FILE *env = fopen("env", "we");
    fputs(text, env);
    fclose(env);
    CHECK(pipe(ends) == 0);
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        static char path[] = "PATH=/nowhere", locale[] = "LC_ALL=C.UTF-8";
        char *const nothing[] = {path, locale, NULL};
        dup2(ends[1], 1);
        close(ends[0]);
        execle("/bin/bash", "bash", "--norc", "-c", script, (char *)NULL, nothing);
        _exit(127);
    }
    close(ends[1]);
    while ((n = read(ends[0], out + got, size - 1 - got)) > 0)
        got += (size_t)n;
    out[got] = '\0';
    close(ends[0]);
    waitpid(pid, NULL, 0);
    return got;
}

static unsigned next_random(unsigned *seed)
{
    *seed = *seed * 1664525U + 1013904223U;
    return *seed >> 8;
}

static void lines_without_a_warning_mean_the_same_to_bash(void)
{
    static const char *const pieces[] = {
        "a",  "Z0", " ",  "'", "\"", "\\",       "$",   "$A", "${B}", "${X:-d}", "${A:+e}",
        "$$", "#",  " #", "`", "~",  ":",        "=",   "\n", "{",    "}",       "!",
        ";",  "*",  "?",  "(", "-",  "\xc3\xa9", "\\n", "$5", "/"};
    static char out[4096];
    unsigned seed = 4711;
    int compared = 0;
    for (int round = 0; round < 6000 && compared < 400; round++) {
        char text[300] = "A=1\nB='x y'\nT=", *at = text + strlen(text), wanted[1100];
        unsigned quote = next_random(&seed) % 3;
        unsigned count = next_random(&seed) % 9;
        at += snprintf(at, 2, "%s", quote == 1 ? "'" : quote == 2 ? "\"" : "");
        for (unsigned i = 0; i < count; i++)
            at += snprintf(at, 20, "%s",
                           pieces[next_random(&seed) % (sizeof pieces / sizeof *pieces)]);
        snprintf(at, 3, "%s\n", quote == 1 ? "'" : quote == 2 ? "\"" : "");
        if (!read_text(text) || file.error_count > 0 || dotenv_find(&file, "T") == NULL
            || file.count != 3 || (who(text, "T") & DOTENV_BASH) != 0)
            continue;
        compared++;
        snprintf(wanted, sizeof wanted, "%s|", dotenv_find(&file, "T")->value);
        by_bash(strstr(text, "T="), out, sizeof out);
        if (strcmp(out, wanted) != 0)
            printf("# %s#   got %s want %s\n", text, out, wanted);
        CHECK(strcmp(out, wanted) == 0);
    }
    CHECK(compared > 200);
}

int main(void)
{
    char folder[] = "/tmp/wl-dotenv-XXXXXX";
    arena = arena_new(DOTENV_ARENA((size_t)10000));
    if (arena == NULL || mkdtemp(folder) == NULL || chdir(folder) != 0)
        return 1;
    TAP_RUN(the_table_of_differences);
    TAP_RUN(lines_without_a_warning_mean_the_same_to_bash);
    arena_free(arena);
    unlink("env");
    if (chdir("/") == 0)
        rmdir(folder);
    return tap_done();
}
