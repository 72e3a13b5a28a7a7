/* seed.c - `windlass demo seed`: what a new dashboard needs before somebody can press Deploy.
 *
 * Everything goes the way it would for a person: the admin through the set-up verb, the server
 * through the worker, with its host key compared to the key file on disk; the rest through the
 * stores, as the command line. So the demo's history is a real one. */
#include "cli/command.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <sys/socket.h>
#include "cli/demo/seed_parts.h"
#include "cli/servers.h"
#include "cli/worker_ask.h"
#include "db/apps.h"
#include "db/environments.h"
#include "db/users.h"
#include "db/vault/access.h"
#include "lib/base/fs.h"
#include "lib/base/io.h"
#include "lib/base/str.h"
#include "lib/domain/recipe.h"

static const char *const VERSIONS[] = {"1.0.0", "1.1.0", "1.2.0"};

struct seed {
    const char *var, *server, *authorized_keys, *host_key, *hello;
    const char *image; /* name of the images with tags 1.0.0, ...; NULL: no Docker engine here */
    struct dashboard dashboard;
    char password[24];
    char token[CRYPTO_TOKEN_TEXT];
    char user_id[CRYPTO_ID_SIZE], app_id[CRYPTO_ID_SIZE], server_id[CRYPTO_ID_SIZE];
    int ports[3]; /* staging, production, the containers */
};

/* 16 letters and digits in groups of four: 80 bits, and a person can type it. */
static void new_password(char password[24])
{
    char id[CRYPTO_ID_SIZE];

    crypto_new_id(id);
    (void)snprintf(password, 24, "%.4s-%.4s-%.4s-%.4s", id, id + 4, id + 8, id + 12);
    crypto_wipe(id, sizeof(id));
}

static int make_admin(struct seed *seed, struct err *err)
{
    char setup[CRYPTO_TOKEN_TEXT];
    json_t *sealed = NULL, *answer = NULL, *user = NULL;
    int rc = -1;

    new_password(seed->password);
    if (vault_new_setup_token(seed->dashboard.vault, setup, err) != 0
        || (sealed = worker_ask_sealed(&seed->dashboard, seed->password, err)) == NULL
        || worker_ask(&seed->dashboard.place, "setup", NULL,
                      json_pack("{s:s, s:s, s:s, s:o, s:s}", "setup_token", setup, "login", "demo",
                                "name", "Demo", "password", sealed, "agent", "windlass demo"),
                      &answer, err)
               != 0
        || user_by_login(seed->dashboard.db, "demo", &user, err) != 0)
        goto out;
    if (str_copy(seed->token, sizeof(seed->token),
                 json_string_value(json_object_get(answer, "token")))
        && str_copy(seed->user_id, sizeof(seed->user_id),
                    json_string_value(json_object_get(user, "id"))))
        rc = 0;
out:
    crypto_wipe(setup, sizeof(setup));
    json_decref(answer);
    json_decref(user);
    return rc;
}

static int append_line(const char *path, const char *line, struct err *err)
{
    char text[AUTHORIZED_LINE_SIZE + 1];
    int len = snprintf(text, sizeof(text), "%s\n", line), rc;
    int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);

    if (fd == -1)
        return err_errno(err, "open %s", path);
    rc = write(fd, text, (size_t)len) == len ? 0 : err_errno(err, "write %s", path);
    io_close(&fd);
    return rc;
}

static int make_server(struct seed *seed, struct err *err)
{
    struct server_added added;
    char print[64];

    if (seed_key_print(seed->host_key, print, err) != 0
        || server_add(&seed->dashboard, seed->token, "demo-target", seed->server, &added, err) != 0
        || append_line(seed->authorized_keys, added.authorized_line, err) != 0
        || server_pin(&seed->dashboard, seed->token, added.id, print, err) != 0)
        return -1;
    memcpy(seed->server_id, added.id, sizeof(seed->server_id));
    return seed_check_server(&seed->dashboard, seed->user_id, added.id, err);
}

static int make_app(struct seed *seed, struct err *err)
{
    const struct app_new app = {"hello", "Hello",
                                "A small web server in three versions. The last one never becomes "
                                "healthy."};

    if (app_create(seed->dashboard.db, &ACTOR_COMMAND_LINE, &app, seed->app_id, err) != 0)
        return -1;
    for (size_t i = 0; i < COUNT_OF(VERSIONS); i++) {
        const struct seed_artefact artefact = {.app_id = seed->app_id,
                                               .user_id = seed->user_id,
                                               .version = VERSIONS[i],
                                               .folder = seed->hello};
        if (seed_artefact(&seed->dashboard, &artefact, err) != 0)
            return -1;
    }
    return 0;
}

/* Free ports of loopback; all are held while choosing, so they differ. */
static int choose_ports(int ports[3], struct err *err)
{
    int fds[3] = {-1, -1, -1}, rc = 0;

    for (int i = 0; i < 3 && rc == 0; i++) {
        struct sockaddr_in address = {.sin_family = AF_INET,
                                      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        socklen_t len = sizeof(address);
        fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fds[i] == -1 || bind(fds[i], (const struct sockaddr *)&address, len) != 0
            || getsockname(fds[i], (struct sockaddr *)&address, &len) != 0)
            rc = err_errno(err, "choose a port");
        ports[i] = ntohs(address.sin_port);
    }
    for (int i = 0; i < 3; i++)
        io_close(&fds[i]);
    return rc;
}

struct seed_place {
    const char *app_id, *slug, *tier, *recipe;
    json_t *settings; /* as a form would send them; stolen */
};

static int make_environment(struct seed *seed, const struct seed_place *place, struct err *err)
{
    char id[CRYPTO_ID_SIZE], recipes[PLACE_SIZE];
    const struct seed_person person = {seed->user_id, seed->token};
    struct environment_new env = {
        .app_id = place->app_id, .slug = place->slug, .tier = place->tier, .recipe = place->recipe};
    struct recipe *recipe = NULL;
    json_t *settings = NULL, *servers = json_pack("[s]", seed->server_id);
    int rc = -1;

    if (place->settings == NULL || servers == NULL) {
        (void)err_set(err, ERR_NO_MEMORY, "Not enough memory.");
        goto out;
    }
    if (!fs_join(recipes, sizeof(recipes), seed->dashboard.place.home, "recipes")
        || recipe_load(recipes, place->recipe, &recipe, err) != 0
        || recipe_check_settings(recipe, place->settings, &settings, err) != 0)
        goto out;
    env.settings = settings;
    env.server_ids = servers;
    if (environment_create(seed->dashboard.db, &ACTOR_COMMAND_LINE, &env, id, err) == 0)
        rc = seed_secrets(&seed->dashboard, &person, id, place->slug, err);
out:
    recipe_free(recipe);
    json_decref(place->settings);
    json_decref(settings);
    json_decref(servers);
    return rc;
}

/* Short waits: a person is watching, and hello is up in a blink or never. */
static int make_release_environment(struct seed *seed, const char *slug, int port, struct err *err)
{
    char folder[64], port_text[8];
    struct seed_place place = {
        .app_id = seed->app_id, .slug = slug, .tier = slug, .recipe = "release"};

    (void)snprintf(folder, sizeof(folder), "apps/hello-%s", slug);
    (void)snprintf(port_text, sizeof(port_text), "%d", port);
    place.settings =
        json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "deploy_dir", folder, "start_command",
                  "exec ./hello", "port", port_text, "health_path", "/health", "health_count", "2",
                  "health_soak_s", "2", "health_deadline_s", "10");
    return make_environment(seed, &place, err);
}

/* The same app in a container, where a Docker engine runs. The name of the images is unique to this
 * demo and so is the project's. */
static int make_containers(struct seed *seed, struct err *err)
{
    static const char FILE_TEXT[] =
        "services:\n  web:\n    image: %s:${TAG}\n    restart: unless-stopped\n    ports:\n"
        "      - \"127.0.0.1:%d:8000\"\n    env_file:\n      - .env\n    healthcheck:\n"
        "      test: [\"CMD\", \"/hello\", \"check\"]\n      interval: 1s\n      timeout: 2s\n"
        "      retries: 3\n";
    const struct app_new app = {"hello-compose", "Hello in a container",
                                "The same three versions as images, with Docker Compose."};
    char app_id[CRYPTO_ID_SIZE], text[1024], project[64], port_text[8];
    struct seed_place place = {
        .app_id = app_id, .slug = "staging", .tier = "staging", .recipe = "compose"};

    (void)snprintf(text, sizeof(text), FILE_TEXT, seed->image, seed->ports[2]);
    (void)snprintf(project, sizeof(project), "%.*s", (int)strcspn(seed->image, "/"), seed->image);
    (void)snprintf(port_text, sizeof(port_text), "%d", seed->ports[2]);
    if (app_create(seed->dashboard.db, &ACTOR_COMMAND_LINE, &app, app_id, err) != 0)
        return -1;
    place.settings =
        json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "compose", text,
                  "deploy_dir", "apps/hello-compose-staging", "project", project, "pull", "missing",
                  "health_port", port_text, "health_version", "yes", "health_count", "2",
                  "health_soak_s", "2", "health_deadline_s", "10", "soak_s", "2");
    return make_environment(seed, &place, err);
}

static int make_environments(struct seed *seed, struct err *err)
{
    if (place_find_home(&seed->dashboard.place, err) != 0 || choose_ports(seed->ports, err) != 0
        || make_release_environment(seed, "staging", seed->ports[0], err) != 0
        || make_release_environment(seed, "production", seed->ports[1], err) != 0)
        return -1;
    return seed->image == NULL ? 0 : make_containers(seed, err);
}

static int make_all(struct seed *seed, struct err *err)
{
    json_t *answer = NULL;
    int rc = -1;

    if (make_admin(seed, err) == 0 && make_server(seed, err) == 0 && make_app(seed, err) == 0
        && make_environments(seed, err) == 0)
        rc = worker_ask(&seed->dashboard.place, "logout", seed->token, json_object(), &answer, err);
    json_decref(answer);
    crypto_wipe(seed->token, sizeof(seed->token));
    return rc;
}

int demo_seed_command(int argc, char **argv, struct err *err)
{
    struct seed seed = {0};
    const struct cli_option options[] = {{"var", &seed.var, NULL},
                                         {"server", &seed.server, NULL},
                                         {"authorized-keys", &seed.authorized_keys, NULL},
                                         {"host-key", &seed.host_key, NULL},
                                         {"hello", &seed.hello, NULL},
                                         {"image", &seed.image, NULL},
                                         {NULL, NULL, NULL}};
    int rc;

    if (cli_options(options, (struct cli_bounds){0, 0}, &argc, argv, err) != 0)
        return -1;
    if (seed.server == NULL || seed.authorized_keys == NULL || seed.host_key == NULL
        || seed.hello == NULL)
        return err_set(err, ERR_INPUT,
                       "demo seed needs all its options but --image. --help shows them.");
    if (dashboard_open(&seed.dashboard, seed.var, true, err) != 0)
        return -1;
    rc = make_all(&seed, err);
    dashboard_close(&seed.dashboard);
    if (rc == 0)
        printf("login=demo\npassword=%s\nstaging_port=%d\nproduction_port=%d\ncontainer_port=%d\n",
               seed.password, seed.ports[0], seed.ports[1], seed.ports[2]);
    crypto_wipe(seed.password, sizeof(seed.password));
    return rc;
}
