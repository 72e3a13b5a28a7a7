/* rollback_words.c - lists on the page of a rollback, as sentences (rollback_words.h). */
#include "cgi/pages/rollback_words.h"

#include <string.h>
#include "cgi/pages/row.h"
#include "lib/base/buf.h"
#include "lib/base/str.h"

json_t *rollback_code_text(const json_t *release)
{
    const json_t *images = json_object_get(release, "images"), *image;
    const char *service, *sha256 = row_text(release, "artefact_sha256");
    struct buf out;
    json_t *text;
    buf_init(&out, 4000);
    buf_add_str(&out, row_text(release, "version"));
    if (sha256[0] != '\0')
        buf_printf(&out, ", artefact %.12s", sha256);
    if (row_has(release, "git_commit"))
        buf_printf(&out, ", commit %.12s", row_text(release, "git_commit"));
    json_object_foreach((json_t *)(uintptr_t)images, service, image)
    {
        const char *digest = strstr(row_text(image, "digest"), "sha256:");
        buf_printf(&out, "; %.60s %.19s", service,
                   digest == NULL ? row_text(image, "digest") : digest);
    }
    text = json_string(buf_ok(&out) ? out.data : row_text(release, "version"));
    buf_deinit(&out);
    return text;
}

json_t *rollback_keys_text(const json_t *changes)
{
    struct buf out;
    const json_t *row;
    json_t *text;
    size_t i, count = json_array_size(changes);
    buf_init(&out, 4000);
    json_array_foreach(changes, i, row)
    {
        if (i == 8)
            break;
        buf_printf(&out, "%s%.128s %s", i > 0 ? ", " : "", row_text(row, "key"),
                   str_equal(row_text(row, "verb"), "about") ? "kept otherwise"
                                                             : row_text(row, "verb"));
    }
    if (count > 8)
        buf_printf(&out, " and %zu more", count - 8);
    text = json_string(out.len > 0 ? out.data : "");
    buf_deinit(&out);
    return text;
}

json_t *rollback_names_text(const json_t *servers)
{
    struct buf out;
    const json_t *server;
    json_t *text;
    size_t i;
    buf_init(&out, 8000);
    json_array_foreach(servers, i, server)
        buf_printf(&out, "%s%s", i > 0 ? ", " : "", row_text(server, "slug"));
    text = json_string(buf_ok(&out) && out.len > 0 ? out.data : "none");
    buf_deinit(&out);
    return text;
}
