/* fixture.h - a scratch data folder with real database files, for the tests in this folder.
 *
 * Set-up problems end the test program at once with a line that says which: a test must never pass
 * because its fixture was not there. Rows that no statement of ours would write are made through a
 * second, plain connection of the sqlite3 command line. */
#ifndef WL_TESTS_DB_FIXTURE_H
#define WL_TESTS_DB_FIXTURE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "db/audit.h"
#include "db/db.h"
#include "db/vault/access.h"
#include "db/vault/secrets.h"
#include "db/vault/servers.h"
#include "db/vault/vault.h"
#include "lib/base/clock.h"
#include "lib/base/fs.h"
#include "lib/base/log.h"
#include "lib/crypto/crypto.h"
#include "lib/crypto/seal.h"
#include "lib/crypto/unseal.h"
#include "tests/tap.h"

struct fixture {
    char var[256];
    char shared_path[300], vault_path[300];
    struct db *shared;
    struct vault *vault;
};

#define MUST(call)                                                                                 \
    do {                                                                                           \
        if ((call) != 0) {                                                                         \
            printf("Bail out! %s:%d: %s: %s [%s]\n", __FILE__, __LINE__, #call, fixture_err.user,  \
                   fixture_err.detail);                                                            \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

static struct err fixture_err;

__attribute__((unused)) static void fixture_folder(struct fixture *f)
{
    const char *tmp = getenv("TMPDIR");

    memset(f, 0, sizeof *f);
    MUST(crypto_start(&fixture_err));
    log_init("test", LOG_LEVEL_ERROR);
    snprintf(f->var, sizeof f->var, "%s/wl-db-XXXXXX", tmp == NULL ? "/tmp" : tmp);
    MUST(mkdtemp(f->var) == NULL);
    snprintf(f->shared_path, sizeof f->shared_path, "%s/db", f->var);
    MUST(fs_mkdirs(f->shared_path, 0700, &fixture_err));
    snprintf(f->shared_path, sizeof f->shared_path, "%s/db/windlass.db", f->var);
    snprintf(f->vault_path, sizeof f->vault_path, "%s/vault/vault.db", f->var);
}

/* windlass.db, migrated and open as `role`. */
__attribute__((unused)) static void fixture_shared(struct fixture *f, enum db_role role)
{
    fixture_folder(f);
    MUST(db_migrate(f->shared_path, DB_SHARED, -1, &fixture_err));
    MUST(db_open(f->shared_path, DB_SHARED, role, &f->shared, &fixture_err));
}

/* Both databases as the worker has them. */
__attribute__((unused)) static void fixture_full(struct fixture *f)
{
    fixture_shared(f, DB_ROLE_WORKER);
    MUST(vault_prepare(f->var, f->shared, &fixture_err));
    MUST(vault_open(f->var, DB_ROLE_WORKER, &f->vault, &fixture_err));
}

__attribute__((unused)) static void fixture_end(struct fixture *f)
{
    vault_close(f->vault);
    db_close(f->shared);
    MUST(fs_remove_tree(f->var, &fixture_err));
}

/* Run SQL with the sqlite3 program, which knows nothing of our authorizer. Its exit status. */
__attribute__((unused)) static int fixture_sql(const char *path, const char *sql)
{
    pid_t pid = fork();
    int status = 0;

    if (pid == 0) {
        execlp("sqlite3", "sqlite3", "-bail", "-cmd", ".timeout 2000", path, sql, (char *)NULL);
        _exit(127);
    }
    MUST(pid < 0 || waitpid(pid, &status, 0) != pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Whether the shared database takes events. A connection keeps to the schema it was opened with, so
 * the fixture's is opened anew. */
__attribute__((unused)) static void fixture_takes_events(struct fixture *f, bool takes)
{
    MUST(fixture_sql(f->shared_path, takes ? "DROP TRIGGER refuse"
                                           : "CREATE TRIGGER refuse BEFORE INSERT ON audit_event "
                                             "BEGIN SELECT RAISE(ABORT, 'no events today'); END"));
    db_close(f->shared);
    MUST(db_open(f->shared_path, DB_SHARED, DB_ROLE_WORKER, &f->shared, &fixture_err));
}

/* Run `function` in a child; true when it ended by abort(). Its messages go to /dev/null. */
__attribute__((unused)) static bool fixture_aborts(void (*function)(struct fixture *),
                                                   struct fixture *f)
{
    pid_t pid;
    int status = 0;

    fflush(stdout);
    pid = fork();
    if (pid == 0) {
        if (freopen("/dev/null", "w", stderr) != NULL)
            function(f);
        _exit(0);
    }
    MUST(pid < 0 || waitpid(pid, &status, 0) != pid);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

#endif
