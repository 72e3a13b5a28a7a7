/* fcgi.h - one FastCGI request over one accepted connection. fcgi.c is the only file that knows
 * libfcgi.
 *
 * We accept connections ourselves (fcgi_accept_fd) and lend them to libfcgi: so every read and
 * write has a deadline, a signal ends the wait for work, and one process may poll many. */
#ifndef WL_CGI_HTTP_FCGI_H
#define WL_CGI_HTTP_FCGI_H

#include <stdbool.h>
#include "cgi/http/transport.h"
#include "lib/base/attr.h"
#include "lib/base/err.h"

struct fcgi;

/* Once per process, after the last fork. Ignores SIGPIPE. */
int fcgi_start(struct err *err) MUST_USE;
/* Accept a waiting connection of the listener (which should be non-blocking): the descriptor with
 * send and receive deadlines set, or -1 when there is none just now. */
int fcgi_accept_fd(int listener, int deadline_ms) MUST_USE;
/* Read the request's head from the connection, which is owned from here on (closed on failure
 * too). NULL when it was no FastCGI request or memory ran out. */
struct fcgi *fcgi_begin(int connection) MUST_USE;
struct transport *fcgi_transport(struct fcgi *fcgi);
/* Push out what was written. -1: the reader is gone. */
int fcgi_flush(struct fcgi *fcgi);
/* The connection, to poll; readable at end of file means that the reader went away. */
int fcgi_fd(const struct fcgi *fcgi);
/* End the request and close. NULL is fine. */
void fcgi_end(struct fcgi *fcgi);

#endif
