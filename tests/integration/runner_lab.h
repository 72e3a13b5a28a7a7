/* runner_lab.h - plays the supervisor for a real runner process: frames on one side, a real sshd
 * with the release recipe and hello on the other. It keeps what a supervisor would keep (states,
 * origins, output) and starts the runner again with a higher epoch when it dies. */
#ifndef WL_TESTS_RUNNER_LAB_H
#define WL_TESTS_RUNNER_LAB_H

#include <dirent.h>
#include <jansson.h>
#include <poll.h>
#include "lib/crypto/crypto.h"
#include "lib/base/io.h"
#include "lib/domain/recipe.h"
#include "lib/domain/shell.h"
#include "tests/integration/ssh_lab.h"
#include "worker/mask/frame.h"
#include "worker/runner/runner.h"

#define PLAY_STEPS 32
#ifdef WL_SANITIZE
#define LAB_HELLO "build/san/bin/hello"
#else
#define LAB_HELLO "build/bin/hello"
#endif

struct play_step {
    char name[48], mode[16];
    char state[16]; /* "": pending */
    char cause[600];
    struct buf output; /* what the mask got, in order */
    bool broken_log;   /* a byte was lost or repeated */
    json_t *results;
    int intents;
    int64_t ms; /* how long it took */
};

struct play;
/* Called after `go` was sent for a step ("go"), after its outcome ("outcome"), and about every 20
 * ms while a step runs ("tick"). */
typedef void play_hook(struct play *play, const char *event, int step);

struct play {
    struct lab *lab;
    char job[CRYPTO_ID_SIZE], env[CRYPTO_ID_SIZE], release[CRYPTO_ID_SIZE],
        instance[CRYPTO_ID_SIZE];
    char nonce[CRYPTO_ID_SIZE];
    const char *version, *artefact, *kind,
        *prefix; /* prefix: shell text in front of every step's script */
    const char *corrupt_sha;
    const char *word;   /* for what is proven: finish or undo; NULL: it does not wait */
    int held, die_held; /* how often it waited; the runner is killed at that many of them */
    int number;
    int port;
    json_t *settings, *plan; /* plan: the begin frame's steps */
    struct play_step steps[PLAY_STEPS];
    int step_count;
    int epoch, starts, cancel;
    int running; /* step with `go` and no outcome; -1 */
    pid_t pid;
    int fd, mask;
    struct buf pending; /* of the mask's pipe */
    play_hook *hook;
    int hook_step, hook_done, hook_how; /* free for hooks */
    char verdict[24], summary[700], left_as[500];
    json_t *server;
    char notes[8192];
    int64_t watch_ms;  /* the whole play's limit */
    int64_t go_at;     /* when `go` was sent for the running step */
    unsigned long hit; /* steps a hook has dealt with, as bits */
};

__attribute__((unused)) static json_t *play_step_json(int number, const char *name,
                                                      const char *mode, const char *phase)
{
    return json_pack("{s:i, s:s, s:s, s:s, s:s, s:b, s:i}", "step", number, "name", name, "title",
                     name, "mode", mode, "phase", phase, "idempotent", 1, "deadline_ms", 60000);
}

static void play_add(struct play *play, json_t *step)
{
    struct play_step *mine = &play->steps[play->step_count++];
    (void)snprintf(mine->name, sizeof mine->name, "%s",
                   json_string_value(json_object_get(step, "name")));
    (void)snprintf(mine->mode, sizeof mine->mode, "%s",
                   json_string_value(json_object_get(step, "mode")));
    buf_init(&mine->output, (size_t)64 * 1024 * 1024);
    json_array_append_new(play->plan, step);
}

static void play_assign(struct buf *input, const char *name, const char *value)
{
    if (shell_assign(input, name, value, strlen(value), NULL) != 0)
        printf("# cannot assign %s\n", name);
}

/* The one variable of these jobs. */
#define PLAY_KEY   "GREETING"
#define PLAY_VALUE "It's a \"day\" $HOME `x`"

static void play_inputs(struct play *play, const json_t *spec, json_t *step)
{
    struct buf input, env;
    const char *key;
    json_t *value;
    char number[16];
    buf_init(&input, 1 << 20);
    buf_init(&env, 1 << 20);
    (void)snprintf(number, sizeof number, "%d", play->number);
    play_assign(&input, "WL_APP", "hello");
    play_assign(&input, "WL_ENV", "production");
    play_assign(&input, "WL_VERSION", play->version);
    play_assign(&input, "WL_RELEASE", number);
    play_assign(&input, "WL_RELEASE_ID", play->release);
    json_object_foreach(play->settings, key, value)
    {
        char name[64] = "WL_SET_", text[32];
        for (size_t i = 0; key[i] != '\0' && i < 50; i++)
            name[7 + i] = (char)(key[i] >= 'a' && key[i] <= 'z' ? key[i] - 32 : key[i]);
        (void)snprintf(text, sizeof text, "%lld", (long long)json_integer_value(value));
        play_assign(&input, name,
                    json_is_string(value)    ? json_string_value(value)
                    : json_is_boolean(value) ? ""
                                             : text);
    }
    if (json_is_true(json_object_get(spec, "secrets"))) {
        play_assign(&env, PLAY_KEY, PLAY_VALUE);
        play_assign(&input, "WL_ENV_FILE", env.data);
    }
    json_object_set_new(step, "input", json_string(input.data));
    buf_deinit(&input);
    buf_deinit(&env);
}

/* What must come back of the variables in play_inputs. */
static void play_expect(json_t *step)
{
    uint8_t key[CRYPTO_KEY_BYTES] = {7}, mac[CRYPTO_MAC_BYTES];
    char key_hex[2 * CRYPTO_KEY_BYTES + 1], mac_hex[2 * CRYPTO_MAC_BYTES + 1];
    crypto_hex(key_hex, sizeof key_hex, key, sizeof key);
    crypto_mac(key, "read_back", PLAY_VALUE, strlen(PLAY_VALUE), mac);
    crypto_hex(mac_hex, sizeof mac_hex, mac, sizeof mac);
    json_object_set_new(step, "expect", json_pack("{s:s}", PLAY_KEY, mac_hex));
    json_object_set_new(step, "mac_key", json_string(key_hex));
}

static void play_add_list(struct play *play, const struct recipe *recipe, const char *list,
                          const char *phase)
{
    size_t i;
    json_t *spec;
    json_array_foreach(json_object_get(recipe_spec(recipe), list), i, spec)
    {
        const char *when = json_string_value(json_object_get(spec, "when"));
        const char *mode = json_string_value(json_object_get(spec, "mode"));
        if (when != NULL && json_string_length(json_object_get(play->settings, when)) == 0)
            continue;
        json_t *step = play_step_json(play->step_count,
                                      json_string_value(json_object_get(spec, "id")), mode, phase);
        json_object_set(step, "title", json_object_get(spec, "title"));
        json_object_set_new(step, "idempotent",
                            json_boolean(json_is_true(json_object_get(spec, "idempotent"))));
        json_object_set_new(
            step, "point_of_no_return",
            json_boolean(json_is_true(json_object_get(spec, "point_of_no_return"))));
        json_object_set_new(
            step, "deadline_ms",
            json_integer(json_integer_value(json_object_get(spec, "deadline_s")) * 1000));
        if (strcmp(mode, "detached") == 0 || strcmp(mode, "read_back") == 0) {
            const char *common = recipe_script(recipe, "common.sh");
            struct buf lib;
            buf_init(&lib, 1 << 20);
            buf_printf(&lib, "%s\n%s\nSTEP_NAME=%s\n%s\n", recipe_script(recipe, "lib.sh"),
                       common != NULL ? common : "", json_string_value(json_object_get(spec, "id")),
                       play->prefix != NULL && strcmp(mode, "detached") == 0 ? play->prefix : "");
            json_object_set_new(step, "lib", json_string(lib.data));
            json_object_set_new(step, "script",
                                json_string(recipe_script(
                                    recipe, json_string_value(json_object_get(spec, "script")))));
            play_inputs(play, spec, step);
            if (strcmp(mode, "read_back") == 0)
                play_expect(step);
            buf_deinit(&lib);
        }
        play_add(play, step);
    }
}

/* A job for the release recipe. settings: JSON text laid over the defaults. */
__attribute__((unused)) static bool play_release(struct play *play, struct lab *lab, int port,
                                                 const char *version, const char *artefact,
                                                 const char *settings)
{
    struct recipe *recipe = NULL;
    struct err err = {0};
    static int number;
    static char env[CRYPTO_ID_SIZE], instance[CRYPTO_ID_SIZE];
    const char *prefix = play->prefix;
    memset(play, 0, sizeof *play);
    play->prefix = prefix;
    play->lab = lab;
    play->kind = "deploy";
    play->version = version;
    play->artefact = artefact;
    play->number = ++number;
    play->port = port;
    play->watch_ms = 120000;
    play->running = -1;
    if (env[0] == '\0') {
        crypto_new_id(env);
        crypto_new_id(instance);
    }
    memcpy(play->env, env, sizeof env);
    memcpy(play->instance, instance, sizeof instance);
    crypto_new_id(play->job);
    crypto_new_id(play->release);
    crypto_new_id(play->nonce);
    play->plan = json_array();
    buf_init(&play->pending, 1 << 20);
    if (recipe_load("recipes", "release", &recipe, &err) != 0) {
        printf("# %s\n", err.user);
        return false;
    }
    json_t *given = json_pack("{s:s, s:i, s:s, s:i, s:i, s:i}", "deploy_dir", "apps/hello", "port",
                              port, "start_command", "./hello", "health_count", 2, "health_soak_s",
                              0, "health_deadline_s", 6);
    json_t *more = settings != NULL ? json_loads(settings, 0, NULL) : NULL;
    json_object_update(given, more);
    json_decref(more);
    if (recipe_check_settings(recipe, given, &play->settings, &err) != 0) {
        printf("# %s: %s\n", err.field, err.user);
        return false;
    }
    json_decref(given);
    play_add(play, play_step_json(0, "connect", "connect", "forward"));
    play_add(play, play_step_json(1, "lock", "lock", "forward"));
    play_add_list(play, recipe, "steps", "forward");
    play_add(play, play_step_json(play->step_count, "unlock", "unlock", "forward"));
    play_add_list(play, recipe, "undo", "undo");
    recipe_free(recipe);
    return true;
}

__attribute__((unused)) static int play_find(const struct play *play, const char *name)
{
    for (int i = 0; i < play->step_count; i++)
        if (strcmp(play->steps[i].name, name) == 0)
            return i;
    return -1;
}

__attribute__((unused)) static void play_free(struct play *play)
{
    for (int i = 0; i < play->step_count; i++) {
        buf_deinit(&play->steps[i].output);
        json_decref(play->steps[i].results);
    }
    buf_deinit(&play->pending);
    json_decref(play->plan);
    json_decref(play->settings);
    json_decref(play->server);
    const char *prefix = play->prefix;
    memset(play, 0, sizeof *play);
    play->prefix = prefix;
}

/* --- one runner
 * --------------------------------------------------------------------------------------------------------
 */

static json_t *play_begin(struct play *play)
{
    struct stat info = {0};
    char blob[2000], hash[CRYPTO_HASH_HEX] = "";
    json_t *resume = json_array();
    struct buf bytes;
    buf_init(&bytes, (size_t)256 * 1024 * 1024);
    crypto_b64(blob, sizeof blob, play->lab->blob, play->lab->blob_len);
    if (play->artefact != NULL && stat(play->artefact, &info) == 0
        && fs_read_all(play->artefact, &bytes, NULL) == 0) {
        uint8_t digest[CRYPTO_HASH_BYTES];
        crypto_sha256(bytes.data, bytes.len, digest);
        crypto_hex(hash, sizeof hash, digest, sizeof digest);
    }
    buf_deinit(&bytes);
    for (int i = 0; i < play->step_count; i++)
        if (play->steps[i].state[0] != '\0')
            json_array_append_new(resume, json_pack("{s:i, s:s, s:I, s:s}", "step", i, "state",
                                                    play->steps[i].state, "origin",
                                                    (json_int_t)play->steps[i].output.len, "cause",
                                                    play->steps[i].cause));
    json_t *begin = json_pack(
        "{s:s, s:s, s:s, s:i, s:s, s:i, s:s, s:s, s:s, s:s, s:{s:s, s:s, s:i, s:s, s:s, s:s, "
        "s:s#}, s:O, s:o, s:O, s:s, s:i, s:{s:i, s:i}}",
        "t", "begin", "job", play->job, "kind", play->kind, "host", 0, "nonce", play->nonce,
        "epoch", ++play->epoch, "instance", play->instance, "env", play->env, "who", "Ann\nO'Neil",
        "why", "a $(test)", "target", "name", "lab", "host", "127.0.0.1", "port", play->lab->port,
        "login", play->lab->login, "pin_type", play->lab->type, "pin_blob", blob, "key",
        play->lab->key.data, (int)play->lab->key.len, "steps", play->plan, "resume", resume,
        "settings", play->settings, "version", play->version, "cancel", play->cancel, "limits",
        "log_max", 1 << 20, "lost_ms", 5000);
    json_object_set_new(begin, "holds", json_boolean(play->word != NULL));
    if (play->artefact != NULL)
        json_object_set_new(begin, "artefact",
                            json_pack("{s:I, s:s}", "size", (json_int_t)info.st_size, "sha256",
                                      play->corrupt_sha != NULL ? play->corrupt_sha : hash));
    return begin;
}

static void play_send(struct play *play, json_t *frame)
{
    char *text = json_dumps(frame, JSON_COMPACT);
    if (play->fd >= 0)
        (void)!io_frame_write(play->fd, text, strlen(text), clock_mono_ms() + 5000, NULL);
    free(text);
    json_decref(frame);
}

static bool play_start(struct play *play)
{
    int frames[2], mask[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, frames) != 0
        || pipe2(mask, O_CLOEXEC | O_NONBLOCK) != 0)
        return false;
    int artefact =
        open(play->artefact != NULL ? play->artefact : "/dev/null", O_RDONLY | O_CLOEXEC);
    fflush(stdout);
    play->pid = fork();
    if (play->pid == 0) {
        (void)signal(SIGTERM, SIG_DFL);
        int high[3] = {fcntl(frames[1], F_DUPFD, 20), fcntl(artefact, F_DUPFD, 20),
                       fcntl(mask[1], F_DUPFD, 20)};
        for (int i = 0; i < 3; i++)
            dup2(high[i], 3 + i);
        for (int fd = 6; fd < 64; fd++)
            close(fd);
        exit(runner_main()); /* not _exit: the leak check is part of exit */
    }
    close(frames[1]);
    close(mask[1]);
    close(artefact);
    play->fd = frames[0];
    play->mask = mask[0];
    play->starts++;
    buf_reset(&play->pending);
    play_send(play, play_begin(play));
    return true;
}

static void play_take_record(struct play *play, const struct mask_frame *frame)
{
    if (frame->step >= play->step_count || frame->kind != MASK_OUTPUT)
        return;
    struct play_step *step = &play->steps[frame->step];
    if (frame->origin != (int64_t)step->output.len) {
        step->broken_log = true;
        printf("# step %s: bytes of %lld after %zu\n", step->name, (long long)frame->origin,
               step->output.len);
    }
    buf_add(&step->output, frame->body, frame->len);
}

static void play_read_mask(struct play *play)
{
    for (;;) {
        char *room = buf_reserve(&play->pending, 65536);
        ssize_t got = room != NULL ? read(play->mask, room, 65536) : -1;
        if (got <= 0)
            break;
        play->pending.len += (size_t)got;
        size_t at = 0;
        for (;;) {
            struct mask_frame frame;
            ptrdiff_t len =
                mask_frame_read(play->pending.data + at, play->pending.len - at, &frame);
            if (len <= 0)
                break;
            play_take_record(play, &frame);
            at += (size_t)len;
        }
        buf_consume(&play->pending, at);
    }
}

static const char *play_text(const json_t *frame, const char *key)
{
    const char *text = json_string_value(json_object_get(frame, key));
    return text != NULL ? text : "";
}

static void play_fire(struct play *play, const char *event, int step)
{
    if (play->hook != NULL)
        play->hook(play, event, step);
}

/* False at the end. */
static bool play_take(struct play *play, json_t *frame)
{
    const char *type = play_text(frame, "t");
    int k = (int)json_integer_value(json_object_get(frame, "step"));
    struct play_step *step = k >= 0 && k < play->step_count ? &play->steps[k] : &play->steps[0];
    if (strcmp(type, "intent") == 0) {
        if (step->state[0] != '\0' && strcmp(step->state, "intent") != 0)
            printf("# intent for %s, which is %s\n", step->name, step->state);
        (void)snprintf(step->state, sizeof step->state, "intent");
        step->intents++;
        step->ms = -clock_mono_ms();
        play->go_at = clock_mono_ms();
        play->running = k;
        play_send(play, json_pack("{s:s, s:i}", "t", "go", "step", k));
        play_fire(play, "go", k);
    } else if (strcmp(type, "outcome") == 0) {
        (void)snprintf(step->state, sizeof step->state, "%s", play_text(frame, "state"));
        (void)snprintf(step->cause, sizeof step->cause, "%s", play_text(frame, "cause"));
        json_decref(step->results);
        step->results = json_incref(json_object_get(frame, "results"));
        step->ms += clock_mono_ms();
        play->running = -1;
        play_fire(play, "outcome", k);
    } else if (strcmp(type, "sync") == 0) {
        play_send(play, json_pack("{s:s, s:i, s:i}", "t", "stored", "step", k, "origin", 0));
    } else if (strcmp(type, "proven") == 0) {
        if (++play->held <= play->die_held)
            kill(play->pid, SIGKILL);
        else
            play_send(play, json_pack("{s:s}", "t", play->word));
    } else if (strcmp(type, "note") == 0) {
        size_t used = strlen(play->notes);
        (void)snprintf(play->notes + used, sizeof play->notes - used, "%s\n",
                       play_text(frame, "text"));
    } else if (strcmp(type, "end") == 0) {
        (void)snprintf(play->verdict, sizeof play->verdict, "%s", play_text(frame, "verdict"));
        (void)snprintf(play->summary, sizeof play->summary, "%s", play_text(frame, "summary"));
        (void)snprintf(play->left_as, sizeof play->left_as, "%s", play_text(frame, "left_as"));
        play->server = json_incref(json_object_get(frame, "server"));
        return false;
    }
    return true;
}

static void play_stop(struct play *play)
{
    int status = 0;
    if (play->pid > 0) {
        (void)waitpid(play->pid, &status, 0);
        play->pid = 0;
    }
    /* 1: its supervisor was gone. */
    CHECK(WIFSIGNALED(status) ? WTERMSIG(status) == SIGKILL : WEXITSTATUS(status) <= 1);
    play_read_mask(play);
    io_close(&play->fd);
    io_close(&play->mask);
}

/* Frames until the end (true) or the runner's death (false). */
static bool play_follow(struct play *play, int64_t deadline)
{
    struct buf bytes;
    bool ended = false;
    buf_init(&bytes, IO_FRAME_MAX);
    while (!ended && clock_left_ms(deadline) > 0) {
        struct pollfd fds[2] = {{.fd = play->fd, .events = POLLIN},
                                {.fd = play->mask, .events = POLLIN}};
        (void)poll(fds, 2, 20);
        play_read_mask(play);
        if (play->running >= 0)
            play_fire(play, "tick", play->running);
        if ((fds[0].revents & (POLLIN | POLLHUP)) == 0)
            continue;
        bool eof = false;
        buf_reset(&bytes);
        if (io_frame_read(play->fd, &bytes, clock_mono_ms() + 5000, &eof, NULL) != 0 || eof)
            break;
        json_t *frame = json_loadb(bytes.data, bytes.len, 0, NULL);
        ended = frame != NULL && !play_take(play, frame);
        json_decref(frame);
    }
    buf_deinit(&bytes);
    return ended;
}

/* The whole job, over as many runners as it takes (at most 40). */
__attribute__((unused)) static const char *play_run(struct play *play)
{
    int64_t deadline = clock_mono_ms() + play->watch_ms;
    bool ended = false;
    while (!ended && play->starts < 40 && clock_left_ms(deadline) > 0) {
        if (!play_start(play))
            break;
        ended = play_follow(play, deadline);
        if (clock_left_ms(deadline) == 0 && play->pid > 0)
            kill(play->pid, SIGKILL);
        play_stop(play);
    }
    for (int i = 0; i < play->step_count; i++)
        if (play->steps[i].broken_log)
            printf("# the log of %s is broken\n", play->steps[i].name);
    return ended ? play->verdict : "(no end)";
}

#endif
