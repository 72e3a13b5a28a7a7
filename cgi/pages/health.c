/* health.c - /healthz: for the machine that watches this machine. Public, so it says no more than
 * whether the two things that matter work. */
#include "cgi/http/ask.h"
#include "cgi/pages/pages.h"
#include "db/activity.h"

int health_show(struct request *req, struct response *res, struct err *err)
{
    struct err ignored = {0};
    json_t *answer = NULL;
    int64_t running = 0;
    bool database = req->db != NULL && activity_running_jobs(req->db, &running, &ignored) == 0;
    bool worker = ask(req, "ping", json_object(), &answer, &ignored) == 0;
    (void)err;
    return respond_json(res, database && worker ? 200 : 503,
                        json_pack("{s:s, s:s, s:s, s:s}", "status",
                                  database && worker ? "healthy" : "unhealthy", "version",
                                  WL_VERSION, "database", database ? "ok" : "failed", "worker",
                                  worker ? "ok" : "failed"));
}
