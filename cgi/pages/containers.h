/* containers.h - the containers of an environment as a job last saw them: a page asks no server. */
#ifndef WL_CGI_PAGES_CONTAINERS_H
#define WL_CGI_PAGES_CONTAINERS_H

#include <jansson.h>
#include "cgi/http/request.h"
#include "lib/base/attr.h"

/* {containers: [{service, container, server, status, restarts, is_restarted, image, image_short,
 *  ports: [{text, is_open}], has_ports}], has_containers, has_servers (more than one), seen,
 * job_href} from the newest look of job_read_looks; has_containers is false for recipes without
 * containers. */
int containers_model(struct request *req, const char *environment_id, json_t **model,
                     struct err *err) MUST_USE;

#endif
