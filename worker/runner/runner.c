/* runner.c - `windlass-worker -x runner`: read what to do, give up what is not needed for it, do
 * it. */
#include "worker/runner/runner.h"

#include <signal.h>
#include <stdlib.h>
#include "lib/base/io.h"
#include "lib/base/log.h"
#include "lib/crypto/crypto.h"
#include "worker/runner/runner_private.h"

int runner_main(void)
{
    struct err err = {0};
    json_t *begin = NULL;
    int status = 1;
    struct runner *r = calloc(1, sizeof *r);
    (void)signal(SIGPIPE, SIG_IGN);
    if (r == NULL || crypto_start(&err) != 0)
        goto out;
    sandbox_enter();
    if (wire_read_begin(&begin, &err) != 0)
        goto out;
    if (runner_parse(r, begin, &err) != 0) {
        /* Its supervisor would start it again for ever; a verdict ends that. Nothing was touched.
         */
        wire_end(r, r->epoch > 1 ? "unknown" : "failed", err.user, "");
        goto out;
    }
    plan_run(r);
    status = r->gone ? 1 : 0;
out:
    if (err.code != ERR_NONE)
        log_err("runner", &err);
    if (r != NULL)
        runner_free(r);
    free(r);
    return status;
}
