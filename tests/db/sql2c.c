/* sql2c.c - the tool that compiles statements stops the build, with file and line, at whatever is
 * not as db/queries/README.md says. Run from the top of the source tree. */
#include "tests/db/fixture.h"

static char said[4096];

/* Compile one file of this text; 0 when it was accepted. What was said is in `said`. */
static int compile(const char *folder, const char *text)
{
    struct fixture f;
    char path[600], command[2000];
    struct buf out;
    int rc;

    fixture_folder(&f);
    snprintf(path, sizeof path, "%s/%s", f.var, folder);
    MUST(fs_mkdirs(path, 0700, &fixture_err));
    snprintf(path, sizeof path, "%s/%s/x.sql", f.var, folder);
    MUST(fs_write_atomic(path, text, strlen(text), 0600, &fixture_err));
    snprintf(command, sizeof command,
             "awk -f tools/sql2c.awk -v header='%s/h' -v source='%s/c' '%s' 2>'%s/said'", f.var,
             f.var, path, f.var);
    rc = system(command);
    snprintf(path, sizeof path, "%s/said", f.var);
    buf_init(&out, sizeof said - 1);
    MUST(fs_read_all(path, &out, &fixture_err));
    snprintf(said, sizeof said, "%s", out.data);
    buf_deinit(&out);
    fixture_end(&f);
    return rc;
}

#define GOOD "-- name: a  roles: web  returns: one\nSELECT 1;\n"

static void a_good_file_is_accepted(void)
{
    CHECK_INT(compile("queries/shared",
                      "-- about\n\n" GOOD
                      "\n-- name: b  roles: worker cli  writes: t u\nDELETE FROM t\n-- why\n"
                      " WHERE x = 'a -- \"b\" \\ c';\n"),
              0);
    CHECK_STR(said, "");
}

static void what_is_wrong_is_named_with_file_and_line(void)
{
    static const struct {
        const char *text, *line, *says;
    } bad[] = {
        {"SELECT 1;\n", ":1:", "without a header"},
        {GOOD "-- name: b  roles: webb\nSELECT 1;\n", ":3:", "unknown role \"webb\""},
        {"-- name: b\nSELECT 1;\n", ":1:", "names no role"},
        {"-- name: B-1  roles: web\nSELECT 1;\n", ":1:", "lower case"},
        {"-- name: b  roles: web  kind: x\nSELECT 1;\n", ":1:", "unknown word \"kind:\""},
        {"-- name: b  roles: web  returns: two\nSELECT 1;\n", ":1:", "none, one or many"},
        {GOOD GOOD, ":3:", "is already in"},
        {"-- name: b  roles: web\nSELECT 1\n", ":2:", "does not end with ;"},
        {"-- name: b  roles: web\nSELECT 1;\nSELECT 2;\n", ":3:", "one statement per header"},
        {"-- name: b  roles: web\nDELETE FROM t;\n", ":2:", "writes: TABLE"},
        {"-- name: b  roles: web  writes: t\nSELECT 1;\n", ":2:", "writes nothing"},
        {"-- name: b  roles: web  writes: t\nDROP TABLE t;\n", ":2:", "only reads and row changes"},
        {"-- name: b  roles: web\n\n" GOOD, ":3:", "has no SQL"},
    };

    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        bool whole = compile("queries/shared", bad[i].text) != 0
                     && strstr(said, bad[i].says) != NULL && strstr(said, bad[i].line) != NULL
                     && strstr(said, "x.sql:") != NULL;

        if (!whole)
            printf("# %s%s", bad[i].text, said);
        CHECK(whole);
    }
    CHECK(compile("queries/elsewhere", GOOD) != 0);
    CHECK(strstr(said, "shared/ or vault/") != NULL);
    CHECK(compile("migrations/shared", "CREATE TABLE t(x);\n") != 0); /* x.sql is no number */
    CHECK(strstr(said, "NNNN_verb_object.sql") != NULL);
}

int main(void)
{
    TAP_RUN(a_good_file_is_accepted);
    TAP_RUN(what_is_wrong_is_named_with_file_and_line);
    return tap_done();
}
