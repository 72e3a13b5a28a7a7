/* conf.h - the nginx configuration of `windlass up`, and the page nginx shows when the programs
 * behind it are away.
 *
 * nginx runs as our own process, in the foreground, with every path inside the data folder: it
 * touches no file of a system-wide nginx. docs: nginx.conf.example is the same for a real machine.
 */
#ifndef WL_CLI_UP_CONF_H
#define WL_CLI_UP_CONF_H

#include "cli/place.h"
#include "lib/base/attr.h"
#include "lib/base/buf.h"
#include "lib/base/err.h"

struct conf {
    const struct place *place;
    const char *listen; /* "127.0.0.1:8080", "[::1]:8080" */
    int64_t upload_max; /* bytes */
};

/* The text, for tests. Paths were checked by layout_check. */
void conf_text(const struct conf *conf, struct buf *out);
/* Write var/run/nginx/{nginx.conf,pages/away.html,pages/large.html} and the temporary folders,
 * owned by uid:gid (0: us). */
int conf_write(const struct conf *conf, uid_t uid, gid_t gid, struct err *err) MUST_USE;

/* Only the two pages, into a folder that exists: for an nginx of the machine. */
int conf_write_pages(const char *folder, struct err *err) MUST_USE;

#endif
