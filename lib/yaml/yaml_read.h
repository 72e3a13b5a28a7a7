/* yaml_read.h - YAML 1.1 (the dialect of Compose files) as JSON, with a place in the text for every
 * mistake and for the keys that later checks may want to name.
 *
 * The only folder that includes libyaml's header. All scalars become JSON strings as they are
 * written ("yes" stays "yes"); an empty plain scalar, `~` and `null` become JSON null. Aliases
 * share the anchored value (one reference each, so an "alias bomb" costs nothing), merge keys
 * (`<<`) are resolved. Limits: one document, YAML_DEPTH_MAX levels, YAML_NODES_MAX nodes; the
 * caller limits the text's size. Source: https://yaml.org/spec/1.1/ and libyaml's yaml.h. */
#ifndef WL_YAML_YAML_READ_H
#define WL_YAML_YAML_READ_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include "lib/base/attr.h"
#include "lib/base/err.h"

#define YAML_DEPTH_MAX 40
#define YAML_NODES_MAX 20000
#define YAML_MARKED    3 /* levels of keys that have a place */

struct yaml_text {
    json_t *value; /* new reference; JSON null for an empty document */
    json_t *marks; /* object: "services.web.image" -> [line, column], both from 1, of the key */
};

/* ERR_INPUT whose sentence begins with "Line L, column C: ". A key that stands twice in one mapping
 * is a mistake too: engines differ in which of the two they take. */
int yaml_read(const char *text, size_t len, struct yaml_text *yaml, struct err *err) MUST_USE;
void yaml_text_free(struct yaml_text *yaml);
/* The place of a key; false (0, 0) when it has none. `path` as in marks. */
bool yaml_place(const struct yaml_text *yaml, const char *path, int *line, int *column);

#endif
