/* images.c - names of images, and digests that belong to them (images.h). */
#include "lib/domain/images.h"

#include <stdio.h>
#include <string.h>
#include "lib/base/str.h"
#include "lib/domain/compose.h"

#define REFERENCE_MAX 512
#define SHA256_HEX    64

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text == NULL ? "" : text;
}

/* A recipe of one image: that is all there is, published by no file. */
static json_t *one_image(const char *image, const char *version)
{
    char reference[400];
    (void)snprintf(reference, sizeof reference, "%s:%s", image, version);
    return json_pack("[{s:s, s:s, s:s, s:b, s:b, s:[]}]", "name", "web", "image", image,
                     "reference", reference, "is_complete", 1, "is_moving",
                     (int)compose_is_moving(reference), "open_ports");
}

int images_of_settings(const json_t *settings, const char *version, json_t **services,
                       struct err *err)
{
    const char *text = text_of(settings, "compose"), *image = text_of(settings, "image");
    const char *variable = text_of(settings, "version_variable");
    json_t *variables;
    int rc;
    if (text[0] == '\0') {
        *services = image[0] == '\0' ? json_array() : one_image(image, version);
        return *services != NULL ? 0 : err_set(err, ERR_NO_MEMORY, "No memory is left.");
    }
    variables = json_object();
    if (variable[0] != '\0')
        json_object_set_new(variables, variable, json_string(version));
    rc = compose_services(text, variables, services, err);
    json_decref(variables);
    return rc;
}

bool images_repository(const char *reference, char *dst, size_t size)
{
    char *at, *slash, *colon;
    if (!str_copy(dst, size, reference))
        return false;
    at = strchr(dst, '@');
    if (at != NULL)
        *at = '\0';
    slash = strrchr(dst, '/');
    colon = strchr(slash == NULL ? dst : slash, ':');
    if (colon != NULL)
        *colon = '\0';
    if (str_starts(dst, "docker.io/"))
        memmove(dst, dst + strlen("docker.io/"), strlen(dst + strlen("docker.io/")) + 1);
    if (str_starts(dst, "library/"))
        memmove(dst, dst + strlen("library/"), strlen(dst + strlen("library/")) + 1);
    return dst[0] != '\0';
}

bool images_is_digest_of(const char *digest, const char *reference)
{
    char wanted[REFERENCE_MAX], has[REFERENCE_MAX];
    const char *hash = strstr(digest, "@sha256:");
    if (hash == NULL || !images_repository(reference, wanted, sizeof wanted)
        || !images_repository(digest, has, sizeof has) || strcmp(wanted, has) != 0
        || strncmp(digest, has, strlen(has)) != 0 || digest + strlen(has) != hash)
        return false;
    hash += strlen("@sha256:");
    return strlen(hash) == SHA256_HEX && strspn(hash, "0123456789abcdef") == SHA256_HEX;
}
