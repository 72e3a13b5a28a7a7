/* secrets.c - `windlass secrets pull|push|diff|set`: the secrets of an environment through the JSON
 * API, from any machine.
 *
 * Values come from files and standard input and go to standard output or a file of mode 0600; no
 * word of the command line, no message and no comparison ever holds one. What is saved replaces the
 * set that was looked at and no other (If-Match): who was faster loses nothing. */
#include "cli/command.h"

#include <jansson.h>
#include <stdio.h>
#include <unistd.h>
#include "cli/remote.h"
#include "cli/secrets_file.h"
#include "lib/base/fs.h"
#include "lib/base/str.h"
#include "lib/crypto/crypto.h"
#include "lib/domain/validate.h"

#define VALUE_MAX ((size_t)1024 * 1024)

struct job {
    struct remote remote;
    bool as_json, is_replace, yes;
    const char *kind, *message;
    char place[100]; /* "shop/production" */
    char path[160];  /* "/apps/shop/production/secrets" */
    char etag[64];   /* of the set that was looked at */
    json_t *current; /* as the API shows it */
    json_t *body;    /* what is asked for */
    json_t *answer;
};

static void job_end(struct job *job)
{
    remote_close(&job->remote);
    json_decref(job->current);
    json_decref(job->body); /* freed memory is not overwritten by jansson: the process ends soon */
    json_decref(job->answer);
}

static const char *text_of(const json_t *row, const char *key)
{
    const char *text = json_string_value(json_object_get(row, key));

    return text != NULL ? text : "";
}

/* --- what the commands have in common --- */

/* "shop/production" */
static int set_place(struct job *job, const char *word, struct err *err)
{
    char *slash;
    int wrong;

    slash = str_copy(job->place, sizeof(job->place), word) ? strchr(job->place, '/') : NULL;
    if (slash == NULL)
        return err_set(err, ERR_INPUT, "An environment is written APP/ENV: shop/production.");
    *slash = '\0';
    wrong = validate_slug("APP/ENV", job->place, err) != 0
            || validate_slug("APP/ENV", slash + 1, err) != 0;
    *slash = '/';
    if (wrong)
        return err_set(err, ERR_INPUT, "An environment is written APP/ENV: shop/production.");
    (void)snprintf(job->path, sizeof(job->path), "/apps/%s/secrets", job->place);
    return 0;
}

static int check_kind(const struct job *job, struct err *err)
{
    if (job->kind == NULL || str_equal(job->kind, "plain") || str_equal(job->kind, "secret")
        || str_equal(job->kind, "write_only"))
        return 0;
    return err_set(err, ERR_INPUT, "--kind is plain, secret or write_only.");
}

/* The newest set: keys, kinds, and its ETag. */
static int look(struct job *job, struct err *err)
{
    struct api_answer answer;
    int rc = -1;

    api_answer_init(&answer);
    if (remote_call(&job->remote, &(struct remote_call){"GET", job->path, NULL, NULL}, &answer, err)
            == 0
        && remote_json(&answer, &job->current, err) == 0) {
        rc = answer.etag[0] != '\0' && str_copy(job->etag, sizeof(job->etag), answer.etag)
                 ? 0
                 : err_set(err, ERR_REMOTE, "The dashboard did not say which set this is.");
    }
    api_answer_deinit(&answer);
    return rc;
}

/* Send the change, or (is_trial) only have it compared. */
static int send_change(struct job *job, bool is_trial, struct err *err)
{
    struct remote_call call = {job->is_replace ? "PUT" : "PATCH", NULL, job->etag, job->body};
    struct api_answer answer;
    char path[200];
    int rc = -1;

    (void)snprintf(path, sizeof(path), "%s%s", job->path, is_trial ? "?dry_run=1" : "");
    call.path = path;
    json_decref(job->answer);
    job->answer = NULL;
    api_answer_init(&answer);
    if (remote_call(&job->remote, &call, &answer, err) == 0)
        rc = remote_json(&answer, &job->answer, err);
    api_answer_deinit(&answer);
    return rc;
}

static size_t count_of(const struct job *job, const char *name)
{
    return json_array_size(json_object_get(job->answer, name));
}

static bool differs(const struct job *job)
{
    return count_of(job, "added") + count_of(job, "changed") + count_of(job, "removed") > 0
           || json_is_true(json_object_get(job->answer, "comments_differ"));
}

/* Keys are [A-Za-z0-9_.-]; whatever a foreign answer holds instead does not reach the terminal. */
static void print_word(FILE *to, const char *word)
{
    for (; *word != '\0'; word++)
        fputc((unsigned char)*word < 0x20 || *word == 0x7f ? '?' : *word, to);
}

static void print_keys(FILE *to, const struct job *job, const char *name, char mark)
{
    const json_t *key;
    size_t i;

    json_array_foreach(json_object_get(job->answer, name), i, key)
    {
        fprintf(to, "%c ", mark);
        print_word(to, json_is_string(key) ? json_string_value(key) : "?");
        fputc('\n', to);
    }
}

static void print_change(FILE *to, const struct job *job)
{
    const json_t *lint;
    size_t i;

    print_keys(to, job, "added", '+');
    print_keys(to, job, "changed", '~');
    print_keys(to, job, "removed", '-');
    json_array_foreach(json_object_get(job->answer, "lint"), i, lint)
    {
        fputs("! ", to);
        print_word(to, text_of(lint, "key"));
        fputs(": ", to);
        print_word(to, text_of(lint, "text"));
        fputc('\n', to);
    }
    fprintf(to, "%zu added, %zu changed, %zu removed, %zu unchanged\n", count_of(job, "added"),
            count_of(job, "changed"), count_of(job, "removed"), count_of(job, "unchanged"));
}

static int print_json(const struct job *job, struct err *err)
{
    if (json_dumpf(job->answer, stdout, JSON_INDENT(2)) != 0 || putchar('\n') == EOF)
        return err_set(err, ERR_INTERNAL, "The answer could not be written.");
    return 0;
}

/* Save what was compared; job->answer is then what was saved. */
static int save(struct job *job, struct err *err)
{
    if (send_change(job, false, err) != 0)
        return -1;
    if (job->as_json)
        return print_json(job, err);
    printf("Saved s%lld of %s. Running apps get it with the next deploy.\n",
           (long long)json_integer_value(json_object_get(job->answer, "number")), job->place);
    return 0;
}

static int nothing_to_save(const struct job *job, struct err *err)
{
    if (job->as_json)
        return print_json(job, err);
    printf("Nothing to save: %s has exactly this already.\n", job->place);
    return 0;
}

/* --- pull --- */

int secrets_pull_command(int argc, char **argv, struct err *err)
{
    struct job job = {.kind = NULL};
    const char *file = NULL;
    const struct cli_option options[] = {{"url", &job.remote.url, NULL},
                                         {"token-file", &job.remote.token_file, NULL},
                                         {"output", &file, NULL},
                                         {"json", NULL, &job.as_json},
                                         {NULL, NULL, NULL}};
    static char output[] = "--output";
    struct api_answer answer;
    char path[200];
    int rc = -1;

    api_answer_init(&answer);
    for (int i = 1; i < argc; i++) /* the one short option there is */
        if (str_equal(argv[i], "-o"))
            argv[i] = output;
    if (remote_refuse_tokens(argc, argv, err) != 0
        || cli_options(options, (struct cli_bounds){1, 1}, &argc, argv, err) != 0
        || set_place(&job, argv[1], err) != 0 || remote_open(&job.remote, NULL, err) != 0)
        goto out;
    (void)snprintf(path, sizeof(path), "%s%s", job.path, job.as_json ? "" : ".env");
    if (remote_call(&job.remote, &(struct remote_call){"GET", path, NULL, NULL}, &answer, err) != 0)
        goto out;
    if (file != NULL)
        rc = fs_write_atomic(file, answer.body.data, answer.body.len, 0600, err);
    else {
        setvbuf(stdout, NULL, _IONBF, 0); /* stdio would keep a copy */
        rc = fwrite(answer.body.data, 1, answer.body.len, stdout) == answer.body.len
                 ? 0
                 : err_set(err, ERR_INTERNAL, "The secrets could not be written.");
    }
out:
    api_answer_deinit(&answer);
    job_end(&job);
    return rc;
}

/* --- push and diff --- */

static const json_t *stored_entry(const struct job *job, const char *key)
{
    const json_t *entry;
    size_t i;

    json_array_foreach(json_object_get(job->current, "entries"), i,
                       entry) if (str_equal(text_of(entry, "key"), key)) return entry;
    return NULL;
}

/* A .env cannot hold files, and pull writes no write-only value: replacing keeps both. */
static int keep_what_no_file_has(struct job *job, json_t *entries)
{
    const json_t *stored, *typed;
    size_t i, k;

    json_array_foreach(json_object_get(job->current, "entries"), i, stored)
    {
        bool is_typed = false;

        if (!str_equal(text_of(stored, "kind"), "write_only")
            && !str_equal(text_of(stored, "form"), "file"))
            continue;
        json_array_foreach(entries, k, typed) is_typed =
            is_typed || str_equal(text_of(typed, "key"), text_of(stored, "key"));
        if (!is_typed
            && json_array_append_new(
                   entries, json_pack("{s:s, s:b}", "key", text_of(stored, "key"), "keep", 1))
                   != 0)
            return -1;
    }
    return 0;
}

/* From the file's entries (stolen) to the request's body. */
static int make_body(struct job *job, json_t *entries, json_t *tail, struct err *err)
{
    json_t *entry;
    size_t i;
    int failed = 0;

    json_array_foreach(entries, i, entry)
    {
        if (stored_entry(job, text_of(entry, "key")) == NULL)
            failed |= json_object_set_new(entry, "kind",
                                          json_string(job->kind != NULL ? job->kind : "secret"));
        /* Without a comment of its own a merged key keeps the one it has. */
        if (!job->is_replace && text_of(entry, "comment")[0] == '\0')
            failed |= json_object_del(entry, "comment");
    }
    if (job->is_replace)
        failed |= keep_what_no_file_has(job, entries);
    job->body = json_pack("{s:s, s:o}", "message", job->message != NULL ? job->message : "",
                          "entries", entries);
    if (job->is_replace)
        failed |= json_object_set(job->body, "tail", tail);
    json_decref(tail);
    return failed == 0 && job->body != NULL
               ? 0
               : err_set(err, ERR_NO_MEMORY, "Not enough memory for this file.");
}

/* Look, read the file, and have the change compared. */
static int prepare(struct job *job, const char *file, struct err *err)
{
    json_t *entries = NULL, *tail = NULL;
    struct buf text;
    int rc = -1;

    buf_init(&text, SECRETS_FILE_MAX);
    if (secrets_file_read(file, &text, err) == 0
        && secrets_file_parse(&text, &entries, &tail, err) == 0)
        rc = 0;
    buf_wipe(&text);
    buf_deinit(&text);
    if (rc != 0)
        return -1;
    if (look(job, err) != 0) {
        json_decref(entries);
        json_decref(tail);
        return -1;
    }
    return make_body(job, entries, tail, err) == 0 ? send_change(job, true, err) : -1;
}

static bool is_yes(const struct job *job)
{
    char line[16];

    fprintf(stderr, "Save this in %s? [y/N] ", job->place);
    return fgets(line, sizeof(line), stdin) != NULL && (line[0] == 'y' || line[0] == 'Y');
}

static int push(struct job *job, const char *file, struct err *err)
{
    if (prepare(job, file, err) != 0)
        return -1;
    if (!differs(job))
        return nothing_to_save(job, err);
    print_change(stderr, job);
    if (!job->yes && !is_yes(job)) {
        fputs("Nothing was saved.\n", stderr);
        return CLI_FAILED;
    }
    return save(job, err);
}

/* The words that push and diff share. */
static int take_words(struct job *job, bool merge, char **argv, struct err *err)
{
    if (merge && job->is_replace)
        return err_set(err, ERR_INPUT, "--merge and --replace exclude one another.");
    if (check_kind(job, err) != 0 || set_place(job, argv[1], err) != 0)
        return -1;
    return remote_open(&job->remote, str_equal(argv[2], "-") ? "the file" : NULL, err);
}

int secrets_push_command(int argc, char **argv, struct err *err)
{
    struct job job = {.kind = NULL};
    bool merge = false;
    const struct cli_option options[] = {{"url", &job.remote.url, NULL},
                                         {"token-file", &job.remote.token_file, NULL},
                                         {"kind", &job.kind, NULL},
                                         {"message", &job.message, NULL},
                                         {"merge", NULL, &merge},
                                         {"replace", NULL, &job.is_replace},
                                         {"yes", NULL, &job.yes},
                                         {"json", NULL, &job.as_json},
                                         {NULL, NULL, NULL}};
    int rc = -1;

    if (remote_refuse_tokens(argc, argv, err) != 0
        || cli_options(options, (struct cli_bounds){2, 2}, &argc, argv, err) != 0)
        goto out;
    if (!job.yes && (str_equal(argv[2], "-") || isatty(STDIN_FILENO) == 0)) {
        (void)err_set(err, ERR_INPUT,
                      "There is no terminal to ask on. Look at what would change with windlass "
                      "secrets diff, then push with --yes.");
        goto out;
    }
    if (take_words(&job, merge, argv, err) == 0)
        rc = push(&job, argv[2], err);
out:
    job_end(&job);
    return rc;
}

static int diff(struct job *job, const char *file, struct err *err)
{
    if (prepare(job, file, err) != 0)
        return -1;
    if (job->as_json) {
        if (print_json(job, err) != 0)
            return -1;
    } else
        print_change(stdout, job);
    return differs(job) ? CLI_FAILED : CLI_OK;
}

int secrets_diff_command(int argc, char **argv, struct err *err)
{
    struct job job = {.kind = NULL};
    bool merge = false;
    const struct cli_option options[] = {
        {"url", &job.remote.url, NULL}, {"token-file", &job.remote.token_file, NULL},
        {"merge", NULL, &merge},        {"replace", NULL, &job.is_replace},
        {"json", NULL, &job.as_json},   {NULL, NULL, NULL}};
    int rc = -1;

    if (remote_refuse_tokens(argc, argv, err) == 0
        && cli_options(options, (struct cli_bounds){2, 2}, &argc, argv, err) == 0
        && take_words(&job, merge, argv, err) == 0)
        rc = diff(&job, argv[2], err);
    /* 1 means "differs" here, as with diff(1): a failure must be told apart. */
    if (rc == -1 && err->code != ERR_DENIED && err->code != ERR_SIGNED_OUT && err->code != ERR_BUSY
        && err->code != ERR_CONFLICT && err->code != ERR_THROTTLED)
        err->code = ERR_INPUT;
    job_end(&job);
    return rc;
}

/* --- set --- */

/* The value as JSON text: a whole file, or standard input without the newline that ends it. */
static int read_value(const char *file, json_t **value, struct err *err)
{
    struct buf bytes;
    int rc = -1;

    buf_init(&bytes, VALUE_MAX);
    if (file == NULL && isatty(STDIN_FILENO) == 1)
        fputs("Type the value, then end it with Ctrl-D:\n", stderr);
    if (secrets_file_read(file != NULL ? file : "-", &bytes, err) == 0) {
        size_t len = bytes.len;

        if (file == NULL && len > 0 && bytes.data[len - 1] == '\n')
            len--;
        *value = json_stringn(bytes.data, len);
        rc = *value != NULL
                 ? 0
                 : err_set(err, ERR_INPUT, "The value is not text (UTF-8), which it must be.");
    }
    buf_wipe(&bytes);
    buf_deinit(&bytes);
    return rc;
}

static int refuse_value(struct err *err)
{
    return err_set(err, ERR_INPUT,
                   "A value on the command line can be read by everybody on this machine, and "
                   "stays in the shell's history. Give it on standard input, or with --file FILE.");
}

static int set_value(struct job *job, const char *key, const char *file, struct err *err)
{
    json_t *value = NULL, *entry;

    if (read_value(file, &value, err) != 0)
        return -1;
    entry = json_pack("{s:s, s:o}", "key", key, "value", value);
    if (job->kind != NULL)
        json_object_set_new(entry, "kind", json_string(job->kind));
    job->body = json_pack("{s:s, s:[o]}", "message", job->message != NULL ? job->message : "",
                          "entries", entry);
    if (job->body == NULL)
        return err_set(err, ERR_NO_MEMORY, "Not enough memory for this value.");
    if (look(job, err) != 0 || send_change(job, true, err) != 0)
        return -1;
    return differs(job) ? save(job, err) : nothing_to_save(job, err);
}

int secrets_set_command(int argc, char **argv, struct err *err)
{
    struct job job = {.kind = NULL};
    const char *file = NULL;
    const struct cli_option options[] = {{"url", &job.remote.url, NULL},
                                         {"token-file", &job.remote.token_file, NULL},
                                         {"kind", &job.kind, NULL},
                                         {"message", &job.message, NULL},
                                         {"file", &file, NULL},
                                         {"json", NULL, &job.as_json},
                                         {NULL, NULL, NULL}};
    int rc = -1;

    if (remote_refuse_tokens(argc, argv, err) != 0
        || cli_options(options, (struct cli_bounds){2, 3}, &argc, argv, err) != 0)
        goto out;
    if (argc > 3 || strchr(argv[2], '=') != NULL) {
        (void)refuse_value(err);
        goto out;
    }
    if (validate_env_key("KEY", argv[2], err) != 0 || check_kind(&job, err) != 0
        || set_place(&job, argv[1], err) != 0
        || remote_open(&job.remote, file == NULL || str_equal(file, "-") ? "the value" : NULL, err)
               != 0)
        goto out;
    rc = set_value(&job, argv[2], file, err);
out:
    job_end(&job);
    return rc;
}
