/* failpoint.c - rendezvous by files (failpoint.h). The file system is the only state, so a
 * supervisor that was killed at a point leaves nothing that the next one would have to know. */
#include "worker/failpoint.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "worker/run.h"

#define LOOK_MS 20
#define HOLD_MS 60000 /* longer than any look of the test, also on a busy machine */

bool failpoint_holds(const struct worker *w, struct turn *turn, const char *step, const char *point)
{
    const char *env = json_string_value(json_object_get(turn->run->job, "env_slug"));
    char armed[WORKER_PATH_MAX], hit[WORKER_PATH_MAX + 8];
    struct stat st;

    if (w->config.failpoints[0] == '\0' || env == NULL)
        return false;
    int n = snprintf(armed, sizeof armed, "%s/%s.%s.%s", w->config.failpoints, env, step, point);
    if (n < 0 || (size_t)n >= sizeof armed)
        return false;
    (void)snprintf(hit, sizeof hit, "%s.hit", armed);
    (void)rename(armed, hit); /* its change time is now */
    if (stat(hit, &st) != 0)
        return false;
    if (clock_now_ms() - (int64_t)st.st_ctime * 1000 > HOLD_MS && unlink(hit) == 0) {
        LOG_WARN("failpoint", "job=%s nobody came to %s", turn->run->hold.id, armed);
        return false;
    }
    turn->wake_at = clock_mono_ms() + LOOK_MS;
    return true;
}
