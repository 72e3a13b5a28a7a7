/* remote.c - address, token and calls of a dashboard elsewhere (remote.h). */
#include "cli/remote.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "db/tokens.h"
#include "lib/base/str.h"
#include "lib/crypto/crypto.h"

#define SAID_MAX 400

/* --- the token --- */

int remote_refuse_tokens(int argc, char **argv, struct err *err)
{
    for (int i = 1; i < argc; i++)
        if (strstr(argv[i], TOKEN_PREFIX) != NULL && token_is_one(strstr(argv[i], TOKEN_PREFIX)))
            return err_set(err, ERR_INPUT,
                           "An API token stands on the command line, where everybody on this "
                           "machine can read it. Remove that token, make another one, and give it "
                           "in a file: --token-file FILE.");
    return 0;
}

static int open_token_file(const char *path, struct err *err)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd == -1)
        return err_set(err, ERR_INPUT, "The token file %s cannot be read: %s.", path,
                       strerror(errno));
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & 077) != 0)
        fprintf(stderr, "windlass: others on this machine can read %s. Fix: chmod 600 it.\n", path);
    return fd;
}

/* The first line, byte by byte, so that nothing behind it is taken from a pipe. */
static bool read_line(int fd, char *line, size_t size)
{
    size_t len = 0;
    char c;

    while (len < size - 1 && read(fd, &c, 1) == 1 && c != '\n')
        if (c != '\r')
            line[len++] = c;
    line[len] = '\0';
    return len > 0;
}

static int read_token(struct remote *remote, const char *stdin_is_taken, struct err *err)
{
    const char *file = remote->token_file;
    bool is_stdin, whole;
    int fd = STDIN_FILENO;

    if (file == NULL)
        file = getenv("WINDLASS_TOKEN_FILE");
    if (file == NULL || file[0] == '\0')
        return err_set(err, ERR_INPUT,
                       "There is no API token. Make one on your profile page, put it into a file, "
                       "and name it: --token-file FILE, or WINDLASS_TOKEN_FILE.");
    is_stdin = strcmp(file, "-") == 0;
    if (is_stdin && stdin_is_taken != NULL)
        return err_set(err, ERR_INPUT,
                       "Standard input is already read for %s. Give the token in a file: "
                       "--token-file FILE.",
                       stdin_is_taken);
    if (!is_stdin && (fd = open_token_file(file, err)) == -1)
        return -1;
    whole = read_line(fd, remote->token, sizeof(remote->token));
    if (!is_stdin)
        close(fd);
    if (!whole || !token_is_one(remote->token))
        return err_set(err, ERR_INPUT,
                       "%s holds no API token in its first line. A token begins with wl_ and has "
                       "46 characters.",
                       is_stdin ? "Standard input" : file);
    return 0;
}

int remote_open(struct remote *remote, const char *stdin_is_taken, struct err *err)
{
    const char *url = remote->url != NULL ? remote->url : getenv("WINDLASS_URL");
    size_t len;

    if (url == NULL || url[0] == '\0')
        return err_set(err, ERR_INPUT,
                       "It is not said which dashboard is meant: --url URL, or WINDLASS_URL.");
    if (!str_copy(remote->base, sizeof(remote->base), url))
        return err_field(err, "url", "The dashboard's address is too long.");
    len = strlen(remote->base);
    if (len > 0 && remote->base[len - 1] == '/')
        remote->base[len - 1] = '\0';
    if (api_check_base(remote->base, err) != 0)
        return -1;
    return read_token(remote, stdin_is_taken, err);
}

void remote_close(struct remote *remote)
{
    crypto_wipe(remote->token, sizeof(remote->token));
}

/* --- calls --- */

/* A sentence of the other side, which must not write to the terminal. */
static void clean(char text[SAID_MAX], const json_t *said)
{
    (void)str_copy(text, SAID_MAX, json_is_string(said) ? json_string_value(said) : "");
    for (char *c = text; *c != '\0'; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            *c = ' ';
}

static enum err_code code_of(int status)
{
    switch (status) {
    case 401:
        return ERR_SIGNED_OUT;
    case 403:
        return ERR_DENIED;
    case 404:
        return ERR_NOT_FOUND;
    case 409:
    case 412:
        return ERR_CONFLICT;
    case 413:
        return ERR_TOO_LARGE;
    case 429:
        return ERR_THROTTLED;
    case 503:
        return ERR_BUSY;
    default:
        return ERR_REMOTE;
    }
}

static int refused(const struct api_answer *answer, struct err *err)
{
    json_t *problem = json_loadb(answer->body.data, answer->body.len, 0, NULL);
    const json_t *errors = json_object_get(problem, "errors"), *one;
    char sentence[SAID_MAX], field[SAID_MAX], text[SAID_MAX];
    size_t i;

    clean(sentence, json_object_get(problem, "detail"));
    if (json_array_size(errors) > 1)
        json_array_foreach(errors, i, one)
        {
            clean(field, json_object_get(one, "field"));
            clean(text, json_object_get(one, "text"));
            fprintf(stderr, "  %s: %s\n", field, text);
        }
    if (sentence[0] != '\0')
        (void)err_set(err, code_of(answer->status), "%s", sentence);
    else
        (void)err_set(err, code_of(answer->status),
                      "The dashboard answers %d without a reason. Is the address right?",
                      answer->status);
    json_decref(problem);
    return -1;
}

int remote_call(const struct remote *remote, const struct remote_call *call,
                struct api_answer *answer, struct err *err)
{
    char path[400], *body = NULL;
    struct api_request request = {.method = call->method,
                                  .base = remote->base,
                                  .path = path,
                                  .token = remote->token,
                                  .if_match = call->if_match};
    int rc;

    if (snprintf(path, sizeof(path), "/api/v1%s", call->path) >= (int)sizeof(path))
        return err_set(err, ERR_INPUT, "The name of the environment is too long.");
    if (call->body != NULL) {
        body = json_dumps(call->body, JSON_COMPACT);
        if (body == NULL)
            return err_set(err, ERR_NO_MEMORY, "Not enough memory for this request.");
        request.body = body;
        request.body_len = strlen(body);
        if (request.body_len > API_BODY_MAX) {
            crypto_wipe(body, request.body_len);
            free(body);
            return err_set(err, ERR_TOO_LARGE, "This is more than 4 MiB, the most that is taken.");
        }
    }
    rc = api_call(&request, answer, err);
    if (body != NULL)
        crypto_wipe(body, request.body_len);
    free(body);
    if (rc != 0)
        return -1;
    return answer->status >= 200 && answer->status <= 299 ? 0 : refused(answer, err);
}

int remote_json(const struct api_answer *answer, json_t **object, struct err *err)
{
    *object = json_loadb(answer->body.data, answer->body.len, JSON_REJECT_DUPLICATES, NULL);
    if (json_is_object(*object))
        return 0;
    json_decref(*object);
    *object = NULL;
    return err_set(err, ERR_REMOTE,
                   "The answer is not one of a Windlass dashboard. Is the address right?");
}
