/* pause.c - rendezvous by files (pause.h). */
#include "worker/ask/pause.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "lib/base/clock.h"

#define LOOK_MS  10
#define LOOKS    2000 /* 20 s: the child's alarm comes first */
#define PATH_LEN 1024

void ask_pause(const char *point)
{
    const char *folder = getenv("WL_FAILPOINTS");
    char armed[PATH_LEN], hit[PATH_LEN + 8];
    int n;

    if (folder == NULL || folder[0] == '\0')
        return;
    n = snprintf(armed, sizeof armed, "%s/ask.%s", folder, point);
    if (n < 0 || (size_t)n >= sizeof armed)
        return;
    (void)snprintf(hit, sizeof hit, "%s.hit", armed);
    if (rename(armed, hit) != 0)
        return;
    for (int i = 0; i < LOOKS && access(hit, F_OK) == 0; i++)
        clock_sleep_ms(LOOK_MS);
}
