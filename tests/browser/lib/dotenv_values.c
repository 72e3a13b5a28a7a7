/* dotenv_values.c - what dotenv.h reads from texts, for a test in another language.
 *
 *     dotenv_values questions.json answers.json       status 0 when all were read
 *
 * In:  {"texts": ["A=1\n", ...], "write": [{"KEY": "value"}, ...]}
 * Out: {"texts": [{"errors": ["1:3 sentence", ...], "values": {"A": "1"},
 *                  "warnings": [{"key": "A", "readers": bits}, ...]}, ...],
 *       "write": [text for people, ...]}                    each list in the order of its questions
 */
#include <jansson.h>
#include <stdint.h>
#include <stdio.h>
#include "lib/base/buf.h"
#include "lib/domain/dotenv.h"
#include "lib/domain/envfile.h"

static json_t *answer(struct arena *arena, const json_t *text, struct err *err)
{
    struct dotenv file;
    json_t *errors, *values, *warnings;

    arena_reset(arena);
    if (dotenv_read(arena, json_string_value(text), json_string_length(text), NULL, &file, err)
        != 0)
        return NULL;
    errors = json_array();
    values = json_object();
    warnings = json_array();
    for (size_t i = 0; i < dotenv_errors(&file); i++)
        json_array_append_new(errors, json_sprintf("%d:%d %s", file.errors[i].line,
                                                   file.errors[i].column, file.errors[i].sentence));
    for (size_t i = 0; i < file.count; i++)
        if (file.entries[i].has_value)
            json_object_set_new(values, file.entries[i].key,
                                json_stringn(file.entries[i].value, file.entries[i].len));
    for (size_t i = 0; i < file.warning_count; i++)
        json_array_append_new(warnings, json_pack("{s:s, s:i}", "key", file.warnings[i].key,
                                                  "readers", (int)file.warnings[i].readers));
    return json_pack("{s:o, s:o, s:o}", "errors", errors, "values", values, "warnings", warnings);
}

static json_t *write_text(const json_t *rows, struct err *err)
{
    struct buf text;
    const char *key;
    const json_t *value;
    json_t *written = NULL;
    int rc = 0;

    buf_init(&text, DOTENV_TEXT_MAX);
    json_object_foreach((json_t *)(uintptr_t)rows, key, value) if (rc == 0) rc = envfile_add(
        &text, ENVFILE_PEOPLE, key, json_string_value(value), json_string_length(value), err);
    if (rc == 0)
        written = json_stringn(text.data, text.len);
    buf_deinit(&text);
    return written;
}

int main(int argc, char **argv)
{
    json_t *questions = argc == 3 ? json_load_file(argv[1], 0, NULL) : NULL, *texts = json_array(),
           *written = json_array();
    struct arena *arena = arena_new(DOTENV_ARENA(DOTENV_TEXT_MAX));
    struct err err = {0};
    const json_t *item;
    size_t i;
    int rc = questions == NULL || arena == NULL ? -1 : 0;

    json_array_foreach(json_object_get(questions, "texts"), i, item)
    {
        if (rc == 0)
            rc = json_array_append_new(texts, answer(arena, item, &err));
    }
    json_array_foreach(json_object_get(questions, "write"), i, item)
    {
        if (rc == 0)
            rc = json_array_append_new(written, write_text(item, &err));
    }
    if (rc == 0) {
        json_t *answers = json_pack("{s:o, s:o}", "texts", texts, "write", written);
        rc = json_dump_file(answers, argv[2], JSON_COMPACT);
        json_decref(answers);
    } else {
        (void)fprintf(stderr, "dotenv_values: %s\n", err.user);
    }
    json_decref(questions);
    arena_free(arena);
    return rc == 0 ? 0 : 1;
}
