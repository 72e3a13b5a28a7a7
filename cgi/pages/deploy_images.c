/* deploy_images.c - images and warnings of a Compose deploy (deploy_images.h). */
#include "cgi/pages/deploy_images.h"

#include "cgi/pages/parts.h"
#include "cgi/pages/row.h"
#include "lib/base/str.h"
#include "lib/domain/compose.h"
#include "lib/domain/images.h"

static const json_t *settings_of(const struct deploy_view *view)
{
    return view->settings != NULL ? view->settings : json_object_get(view->environment, "settings");
}

static bool is_of_one_image(const struct deploy_view *view)
{
    return row_text(settings_of(view), "image")[0] != '\0';
}

/* Whether the version is a tag of the image that the settings name, or fills a variable of the
 * Compose file. */
static bool is_version_used(const struct deploy_view *view)
{
    const json_t *settings = settings_of(view);
    if (is_of_one_image(view) || recipe_takes_ref(view->recipe))
        return true;
    const char *variable = row_text(settings, "version_variable");
    return variable[0] != '\0' && compose_uses(row_text(settings, "compose"), variable);
}

json_t *deploy_images_tag(const struct deploy_view *view)
{
    const char *live = row_text(view->card, "live_version");
    const char *branch = row_text(settings_of(view), "branch");
    if (recipe_takes_ref(view->recipe) && branch[0] != '\0')
        return json_string(branch);
    if (!is_version_used(view))
        return part_text("r%lld", (long long)row_int(view->environment, "next_release"));
    return json_string(live[0] != '\0' ? live : "latest");
}

int deploy_images_services(const struct deploy_view *view, json_t **services, struct err *err)
{
    return images_of_settings(settings_of(view), view->version, services, err);
}

void deploy_images_changes(const json_t *services, const json_t *live, json_t *changes)
{
    const json_t *service, *images = json_object_get(live, "images");
    size_t i;
    json_array_foreach(services, i, service)
    {
        const char *name = row_text(service, "name"), *after = row_text(service, "reference");
        const char *before = row_text(json_object_get(images, name), "image");
        json_array_append_new(changes, json_pack("{s:o, s:s, s:s, s:b}", "name",
                                                 part_text("Image of %.80s", name), "before",
                                                 before, "after", after, "is_changed",
                                                 (int)!str_equal(before, after)));
    }
}

static void warn(const struct deploy_view *view, json_t *warnings, json_t *text)
{
    json_array_append_new(
        warnings,
        json_pack("{s:o, s:o, s:s}", "text", text, "href",
                  part_text("/apps/%s/%s/settings#w-settings-%s", row_text(view->card, "app_slug"),
                            row_text(view->card, "slug"),
                            is_of_one_image(view) ? "image" : "compose"),
                  "action", "Settings"));
}

static void warn_of(const struct deploy_view *view, const json_t *service, json_t *warnings)
{
    const char *name = row_text(service, "name");
    const json_t *port;
    size_t i;
    if (row_is(service, "is_moving"))
        warn(
            view, warnings,
            part_text("%.60s runs %.200s, a tag that can be another image tomorrow. What is pulled "
                      "is pinned by its digest, but nobody can say from the tag what runs.",
                      name, row_text(service, "reference")));
    json_array_foreach(json_object_get(service, "open_ports"), i, port)
        warn(view, warnings,
             part_text("%.60s publishes %.60s on all addresses, past the TLS of a web server in "
                       "front. 127.0.0.1:%.60s keeps it to the server itself.",
                       name, json_string_value(port), json_string_value(port)));
}

void deploy_images_warn(const struct deploy_view *view, const json_t *services, json_t *warnings)
{
    const json_t *service;
    size_t i;
    if (json_array_size(services) > 0 && !is_version_used(view))
        warn(view, warnings,
             json_string("The Compose file does not use the version: all images are as the file "
                         "names them, and the version is a label."));
    json_array_foreach(services, i, service) warn_of(view, service, warnings);
}
