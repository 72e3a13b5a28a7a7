/* windlass-worker: claims jobs and supervises them; with -x, one of the processes that work for it
 * (runner, mask, ask, fetch). All settings are environment variables (docs/architecture.md). */
#include <stdio.h>
#include <string.h>
#include "lib/base/heap.h"
#include "lib/base/log.h"
#include "lib/base/proc.h"
#include "lib/crypto/crypto.h"
#include "worker/ask/ask.h"
#include "worker/jobs/fetch.h"
#include "worker/mask/mask.h"
#include "worker/runner/runner.h"
#include "worker/supervisor.h"

static const struct {
    const char *name;
    int (*run)(void);
} PARTS[] = {
    {"runner", runner_main}, {"mask", mask_main}, {"ask", ask_child_main}, {"fetch", fetch_main}};

static int run_part(const char *name)
{
    for (size_t i = 0; i < COUNT_OF(PARTS); i++) {
        if (strcmp(name, PARTS[i].name) == 0) {
            char program[32];
            snprintf(program, sizeof program, "worker-%s", name);
            log_init(program, LOG_LEVEL_INFO);
            return PARTS[i].run();
        }
    }
    fprintf(stderr, "windlass-worker: there is no part named %s\n", name);
    return 2;
}

int main(int argc, char **argv)
{
    struct err err = {0};
    struct worker_config config;

    heap_give_back();
    log_init("worker", LOG_LEVEL_INFO);
    if (crypto_start(&err) != 0) {
        log_err("start", &err);
        return 1;
    }
    if (argc == 3 && strcmp(argv[1], "-x") == 0)
        return run_part(argv[2]);
    if (argc == 2 && strcmp(argv[1], "--version") == 0) {
        puts("windlass-worker " WL_VERSION);
        return 0;
    }
    if (argc != 1) {
        fputs("usage: WL_VAR=/folder windlass-worker\n", stderr);
        return 2;
    }
    proc_harden();
    if (worker_config_load(&config, &err) != 0) {
        log_err("start", &err);
        return 1;
    }
    log_init("worker", config.level);
    if (supervisor_main(&config, &err) != 0) {
        log_err("start", &err);
        return 1;
    }
    LOG_INFO("stopped", "jobs that were running go on at the next start");
    return 0;
}
