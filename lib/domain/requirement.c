/* requirement.c - an `.env.example` as a list of what is needed. */
#include "lib/domain/requirement.h"

#include <string.h>
#include "lib/domain/secret_lint.h"

/* Where the last paragraph of the comment begins: a blank line ends what was said about others. */
static const char *last_paragraph(const char *comment)
{
    const char *begin = comment;
    for (const char *line = comment; *line != '\0';) {
        size_t len = strcspn(line, "\n");
        bool is_blank = strspn(line, " \t") == len;
        line += len + (line[len] == '\n' ? 1 : 0);
        if (is_blank)
            begin = line;
    }
    return begin;
}

/* The words of a comment without its signs: "#", "# ---" and the spaces around. */
static const char *description_of(struct arena *arena, const char *comment)
{
    const char *line = last_paragraph(comment);
    char *text = arena_alloc(arena, strlen(line) + 1);
    size_t n = 0;
    if (text == NULL)
        return "";
    while (*line != '\0') {
        size_t end = strcspn(line, "\n"), first = strspn(line, " \t#-="), last = end;
        while (last > first && strchr(" \t-=#", line[last - 1]) != NULL)
            last--;
        if (first < last) {
            if (n > 0)
                text[n++] = '\n';
            memcpy(text + n, line + first, last - first);
            n += last - first;
        }
        line += end + (line[end] == '\n' ? 1 : 0);
    }
    text[n] = '\0';
    return text;
}

static void fill_in(struct arena *arena, const struct dotenv_entry *entry, struct requirement *item)
{
    bool is_open = entry->len == 0 || secret_lint_is_placeholder(entry->value, entry->len);
    item->key = entry->key;
    item->description = description_of(arena, entry->comment);
    item->example = is_open ? "" : entry->value;
    item->line = entry->line;
    item->is_secret = secret_lint_is_secret_name(entry->key);
    item->is_required = is_open && strcasestr(item->description, "optional") == NULL;
}

int requirement_read(struct arena *arena, const char *bytes, size_t len,
                     struct requirement_list *list, struct err *err)
{
    static const struct dotenv_options options = {.is_form = true, .is_lenient = true};
    struct dotenv file;
    *list = (struct requirement_list){.count = 0};
    if (dotenv_read(arena, bytes, len, &options, &file, err) != 0)
        return -1;
    list->items = arena_array(arena, file.count, sizeof *list->items);
    list->errors = file.errors;
    list->error_count = dotenv_errors(&file);
    for (size_t i = 0; i < file.count && list->items != NULL; i++)
        if (file.entries[i].has_value || file.entries[i].is_alone)
            fill_in(arena, file.entries + i, list->items + list->count++);
    if (arena_overflowed(arena))
        return err_set(err, ERR_NO_MEMORY, "There is not enough memory to read this text.");
    return 0;
}
