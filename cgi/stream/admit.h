/* admit.h - who may watch: the same checks as for a page (dispatch.h), then a viewer. */
#ifndef WL_CGI_STREAM_ADMIT_H
#define WL_CGI_STREAM_ADMIT_H

#include "cgi/stream/hub.h"

/* Takes the connection: a viewer of the hub's from now on, or answered with a refusal and closed.
 * Over the limits the answer is 503 with Retry-After, and the page then asks instead of watching.
 */
void admit(struct hub *hub, struct fcgi *fcgi);

#endif
