/* world.h - a whole dashboard for one test program, without processes: a scratch data folder with a
 * migrated database, people with sessions, the site, the dispatcher. Run from the root of the
 * source tree. A set-up that fails ends the program.
 *
 *     struct world w;
 *     world_open(&w, "http://127.0.0.1:8080", ROUTES, ROUTES_COUNT);
 *     world_sign_in(&w, ROLE_DEPLOYER);          later requests are this person's; ROLE_NONE:
 * nobody CHECK_INT(world_get(&w, "/apps"), 200);    w.f has the answer (fake_body(&w.f)...)
 *     CHECK_INT(world_post(&w, "/apps/new", "slug=x&name=X"), 303);   with Origin and token
 *     world_close(&w); */
#ifndef WL_TESTS_WEB_LIB_WORLD_H
#define WL_TESTS_WEB_LIB_WORLD_H

#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>
#include "cgi/http/cookie.h"
#include "cgi/http/csrf.h"
#include "cgi/http/dispatch.h"
#include "cgi/http/json_arena.h"
#include "db/instance.h"
#include "db/sessions.h"
#include "db/users.h"
#include "lib/base/clock.h"
#include "lib/base/fs.h"
#include "lib/base/log.h"
#include "tests/tap.h"
#include "tests/web/lib/fake_transport.h"

struct world {
    char var[128];
    struct site site;
    struct db *db;     /* as windlass-web has it */
    struct db *worker; /* to make rows that only the worker writes */
    struct dispatcher d;
    struct fake f;
    char user_id[CRYPTO_ID_SIZE];
    char token[CRYPTO_TOKEN_TEXT]; /* "" : nobody is signed in */
    bool wants_json;
};

static struct err world_err;

#define WORLD_MUST(call)                                                                           \
    do {                                                                                           \
        if ((call) != 0) {                                                                         \
            printf("Bail out! %s:%d: %s: %s [%s]\n", __FILE__, __LINE__, #call, world_err.user,    \
                   world_err.detail);                                                              \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

static UNUSED void world_folders(struct world *w)
{
    static const char *const PARTS[] = {"db",    "artefacts",  "artefacts/.incoming",
                                        "serve", "serve/logs", "run"};
    const char *tmp = getenv("TMPDIR");
    char path[PATH_MAX];

    snprintf(w->var, sizeof w->var, "%.40s/wl-web-XXXXXX", tmp != NULL ? tmp : "/tmp");
    WORLD_MUST(mkdtemp(w->var) == NULL);
    for (size_t i = 0; i < COUNT_OF(PARTS); i++) {
        snprintf(path, sizeof path, "%s/%s", w->var, PARTS[i]);
        WORLD_MUST(mkdir(path, 0700));
    }
}

static UNUSED void world_databases(struct world *w)
{
    struct instance instance = {.created_at = clock_now_ms()};
    char path[PATH_MAX];

    snprintf(path, sizeof path, "%s/db/windlass.db", w->var);
    WORLD_MUST(db_migrate(path, DB_SHARED, -1, &world_err));
    WORLD_MUST(db_open(path, DB_SHARED, DB_ROLE_WORKER, &w->worker, &world_err));
    crypto_new_id(instance.id);
    memset(instance.seal_key, 9, sizeof instance.seal_key);
    WORLD_MUST(instance_add(w->worker, &instance, &world_err));
    WORLD_MUST(db_open(path, DB_SHARED, DB_ROLE_WEB, &w->db, &world_err));
}

static UNUSED void world_open(struct world *w, const char *origin, const struct route *routes,
                              size_t count)
{
    char here[PATH_MAX];

    memset(w, 0, sizeof *w);
    log_init("test", LOG_LEVEL_ERROR);
    json_arena_install();
    WORLD_MUST(crypto_start(&world_err));
    world_folders(w);
    world_databases(w);
    WORLD_MUST(getcwd(here, sizeof here) == NULL);
    setenv("WL_VAR", w->var, 1);
    setenv("WL_HOME", here, 1);
    setenv("WL_ORIGIN", origin, 1);
    setenv("WL_STRICT", "1", 1);
    WORLD_MUST(site_load(&w->site, &world_err));
    WORLD_MUST(site_load_templates(&w->site, &world_err));
    WORLD_MUST(site_load_instance(&w->site, w->db, &world_err));
    WORLD_MUST(dispatcher_init(&w->d, &w->site, routes, count));
    w->d.db = w->db;
    fake_init(&w->f, "GET", "/");
}

static UNUSED void world_close(struct world *w)
{
    fake_deinit(&w->f);
    db_close(w->db);
    db_close(w->worker);
    dispatcher_deinit(&w->d);
    site_free(&w->site);
    WORLD_MUST(fs_remove_tree(w->var, &world_err));
}

/* A new person of that role, with a session begun (and last seen) at that time. */
static UNUSED void world_sign_in_at(struct world *w, enum role role, int64_t at)
{
    struct session_row row = {.role = role,
                              .created_at = at,
                              .seen_at = at,
                              .proved_at = at,
                              .expires_at = at + SESSION_LIFE_MS};
    char login[64];

    w->token[0] = '\0';
    if (role == ROLE_NONE)
        return;
    crypto_new_id(w->user_id);
    crypto_new_token(w->token);
    session_hash(w->token, row.id_hash);
    snprintf(row.user_id, sizeof row.user_id, "%s", w->user_id);
    snprintf(login, sizeof login, "ann-%s-%.6s", role_name(role), w->user_id);
    WORLD_MUST(db_begin(w->worker, &world_err));
    WORLD_MUST(user_add(w->worker, w->user_id, login, "Ann Weaver", &world_err));
    WORLD_MUST(session_add(w->worker, &row, "192.0.2.7", "fake/1.0", &world_err));
    WORLD_MUST(db_commit(w->worker, &world_err));
}

static UNUSED void world_sign_in(struct world *w, enum role role)
{
    world_sign_in_at(w, role, clock_now_ms());
}

/* A fresh request in w->f with this person's cookie: change it, then world_dispatch. */
static UNUSED void world_request(struct world *w, const char *method, const char *uri)
{
    char cookie[256];

    fake_deinit(&w->f);
    fake_init(&w->f, method, uri);
    fake_param(&w->f, "HTTP_HOST", w->site.host);
    if (w->wants_json)
        fake_param(&w->f, "HTTP_ACCEPT", "application/json");
    if (w->site.is_https)
        snprintf(cookie, sizeof cookie, "__Host-windlass=%s", w->token);
    else
        snprintf(cookie, sizeof cookie, "other=1; windlass-%d=%s", w->site.port, w->token);
    if (w->token[0] != '\0')
        fake_param(&w->f, "HTTP_COOKIE", cookie);
}

static UNUSED int world_dispatch(struct world *w)
{
    int status = dispatch(&w->d, &w->f.transport);

    if (status != fake_status(&w->f) && fake_header(&w->f, "Location")[0] != '\0')
        tap_note_failure(__FILE__, __LINE__, "the status sent is not the one returned");
    return fake_status(&w->f);
}

static UNUSED int world_get(struct world *w, const char *uri)
{
    world_request(w, "GET", uri);
    return world_dispatch(w);
}

/* The token that this person's forms carry; valid until the arena is gone, which is `scratch`. */
static UNUSED const char *world_csrf(const struct world *w, char text[64])
{
    struct arena *scratch = arena_new(4096);
    const char *token = csrf_token(scratch, w->token);

    snprintf(text, 64, "%s", token != NULL ? token : "");
    arena_free(scratch);
    return text;
}

/* POST with Origin and the csrf field in front. */
static UNUSED int world_post(struct world *w, const char *uri, const char *fields)
{
    size_t size = strlen(fields) + 128;
    char *body = malloc(size);
    char token[64];
    int status;

    WORLD_MUST(body == NULL);
    snprintf(body, size, "csrf=%s%s%s", world_csrf(w, token), fields[0] != '\0' ? "&" : "", fields);
    world_request(w, "POST", uri);
    fake_param(&w->f, "HTTP_ORIGIN", w->site.origin);
    fake_send(&w->f, "application/x-www-form-urlencoded", body, strlen(body));
    status = world_dispatch(w);
    w->f.body = NULL;
    free(body);
    return status;
}

#endif
