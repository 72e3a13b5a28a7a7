/* secrets_file.c - reading a .env for `windlass secrets` (secrets_file.h). */
#include "cli/secrets_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "lib/base/arena.h"
#include "lib/domain/dotenv.h"

static int read_all(int fd, const char *path, struct buf *out, struct err *err)
{
    for (;;) {
        char *room = buf_reserve(out, 65536);
        ssize_t n;

        if (room == NULL) /* near the maximum: byte by byte up to it */
            room = buf_reserve(out, 1);
        if (room == NULL)
            return err_set(err, ERR_TOO_LARGE, "%s is larger than %zu bytes.", path, out->max);
        n = read(fd, room, out->max - out->len < 65536 ? 1 : 65536);
        if (n == -1 && errno == EINTR)
            continue;
        if (n < 0)
            return err_set(err, ERR_INPUT, "%s cannot be read: %s.", path, strerror(errno));
        if (n == 0)
            return 0;
        out->len += (size_t)n;
        out->data[out->len] = '\0';
    }
}

int secrets_file_read(const char *path, struct buf *out, struct err *err)
{
    bool is_stdin = strcmp(path, "-") == 0;
    int fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    int rc;

    if (fd == -1)
        return err_set(err, ERR_INPUT, "%s cannot be read: %s.", path, strerror(errno));
    rc = read_all(fd, is_stdin ? "standard input" : path, out, err);
    if (!is_stdin)
        close(fd);
    return rc;
}

static int tell_mistakes(const struct dotenv *file, struct err *err)
{
    for (size_t i = 0; i < dotenv_errors(file); i++)
        fprintf(stderr, "  line %d, column %d: %s\n", file->errors[i].line, file->errors[i].column,
                file->errors[i].sentence);
    return err_set(err, ERR_INPUT, "The file has %zu mistake%s. Nothing was sent.",
                   file->error_count, file->error_count == 1 ? "" : "s");
}

/* The comment without the lines in which `pull` names what it could not write ("#- KEY: ..."). */
static json_t *comment_of(const char *comment)
{
    struct buf kept;
    json_t *text;

    buf_init(&kept, SECRETS_FILE_MAX);
    for (const char *line = comment; *line != '\0';) {
        size_t len = strcspn(line, "\n");

        len += line[len] == '\n' ? 1 : 0;
        if (strncmp(line, "#- ", 3) != 0)
            buf_add(&kept, line, len);
        line += len;
    }
    text = buf_ok(&kept) ? json_stringn(kept.data, kept.len) : NULL;
    buf_deinit(&kept);
    return text;
}

static void take_entries(const struct dotenv *file, json_t **entries, json_t **tail)
{
    int failed = 0;

    *entries = json_array();
    *tail = comment_of(file->tail);
    for (size_t i = 0; i < file->count; i++) {
        const struct dotenv_entry *e = &file->entries[i];

        failed |= json_array_append_new(*entries, json_pack("{s:s, s:s%, s:o}", "key", e->key,
                                                            "value", e->value, e->len, "comment",
                                                            comment_of(e->comment)));
    }
    if (failed == 0 && *tail != NULL)
        return;
    json_decref(*entries);
    json_decref(*tail);
    *entries = *tail = NULL;
}

int secrets_file_parse(const struct buf *text, json_t **entries, json_t **tail, struct err *err)
{
    struct arena *arena = arena_new(DOTENV_ARENA(text->len));
    struct dotenv file;
    int rc = -1;

    if (arena == NULL)
        return err_set(err, ERR_NO_MEMORY, "Not enough memory for this file.");
    if (dotenv_read(arena, text->data, text->len, NULL, &file, err) != 0)
        goto out;
    if (file.error_count > 0) {
        (void)tell_mistakes(&file, err);
        goto out;
    }
    take_entries(&file, entries, tail);
    rc = *entries != NULL ? 0 : err_set(err, ERR_NO_MEMORY, "Not enough memory for this file.");
out:
    arena_free(arena);
    return rc;
}
