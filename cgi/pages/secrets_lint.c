/* secrets_lint.c - hints about values, as text (secrets_lint.h). */
#include "cgi/pages/secrets_lint.h"

#include "cgi/pages/parts.h"
#include "cgi/pages/row.h"
#include "lib/base/str.h"
#include "lib/domain/secret_lint.h"

json_t *secrets_lint_model(unsigned bits, const char *key, const json_t *shared)
{
    json_t *list = json_array();
    const json_t *row;
    size_t count, i;
    const struct secret_lint_rule *rules = secret_lint_rules(&count);
    for (i = 0; i < count; i++)
        if ((bits & rules[i].bit) != 0)
            json_array_append_new(
                list, json_pack("{s:s, s:s}", "code", rules[i].code, "text", rules[i].sentence));
    json_array_foreach(shared, i, row) if (str_equal(row_text(row, "key"), key))
        json_array_append_new(
            list, json_pack("{s:s, s:o}", "code", "shared", "text",
                            part_text("The same value as in %s.", row_text(row, "slug"))));
    return list;
}
