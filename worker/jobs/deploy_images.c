/* deploy_images.c - reads the step results of a job back from its rows (deploy_images.h): they
 * outlive this process. */
#include "worker/jobs/deploy_images.h"

#include <string.h>
#include "db/jobs.h"
#include "lib/base/str.h"

#define PULL_STEP "pull"

/* One result; what a target made up and does not fit is left out. */
static void add_image(json_t *images, const char *text)
{
    char service[80], image[620];
    const char *tab = strchr(text, '\t'), *second = tab == NULL ? NULL : strchr(tab + 1, '\t');
    if (second == NULL || (size_t)(tab - text) >= sizeof service
        || (size_t)(second - tab - 1) >= sizeof image || second[1] == '\0')
        return;
    memcpy(service, text, (size_t)(tab - text));
    service[tab - text] = '\0';
    memcpy(image, tab + 1, (size_t)(second - tab - 1));
    image[second - tab - 1] = '\0';
    if (json_object_get(images, service) == NULL)
        json_object_set_new(images, service,
                            json_pack("{s:s, s:s}", "image", image, "digest", second + 1));
}

int deploy_images(struct worker *w, const struct run *run, json_t **images, struct err *err)
{
    json_t *steps = NULL, *step, *found = json_object(), *value;
    const char *key;
    size_t i;
    if (job_steps(w->db, run->hold.id, &steps, err) != 0) {
        json_decref(found);
        return -1;
    }
    json_array_foreach(steps, i, step)
    {
        if (!str_equal(json_string_value(json_object_get(step, "name")), PULL_STEP)
            || !str_equal(json_string_value(json_object_get(step, "state")), "ok"))
            continue;
        json_object_foreach(json_object_get(step, "results"), key,
                            value) if (str_starts(key, "image_") && json_is_string(value))
            add_image(found, json_string_value(value));
    }
    json_decref(steps);
    *images = found;
    return 0;
}

void deploy_images_pins(const json_t *images, struct buf *pins)
{
    const char *service;
    json_t *image;
    json_object_foreach((json_t *)(uintptr_t)images, service, image)
        buf_printf(pins, "%s\t%s\n", service, json_string_value(json_object_get(image, "digest")));
}
