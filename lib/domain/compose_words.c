/* compose_words.c - lists of words and the distance between two (compose_words.h). */
#include "lib/domain/compose_words.h"

#include <stddef.h>
#include <string.h>

#define WORD_MAX 40

static const char *const TOP[] = {"version", "name",    "services", "networks", "volumes",
                                  "configs", "secrets", "include",  "models",   NULL};

static const char *const SERVICE[] = {"annotations",
                                      "attach",
                                      "blkio_config",
                                      "build",
                                      "cap_add",
                                      "cap_drop",
                                      "cgroup",
                                      "cgroup_parent",
                                      "command",
                                      "configs",
                                      "container_name",
                                      "cpu_count",
                                      "cpu_percent",
                                      "cpu_period",
                                      "cpu_quota",
                                      "cpu_rt_period",
                                      "cpu_rt_runtime",
                                      "cpu_shares",
                                      "cpus",
                                      "cpuset",
                                      "credential_spec",
                                      "depends_on",
                                      "deploy",
                                      "develop",
                                      "device_cgroup_rules",
                                      "devices",
                                      "dns",
                                      "dns_opt",
                                      "dns_search",
                                      "domainname",
                                      "entrypoint",
                                      "env_file",
                                      "environment",
                                      "expose",
                                      "extends",
                                      "external_links",
                                      "extra_hosts",
                                      "gpus",
                                      "group_add",
                                      "healthcheck",
                                      "hostname",
                                      "image",
                                      "init",
                                      "ipc",
                                      "isolation",
                                      "label_file",
                                      "labels",
                                      "links",
                                      "logging",
                                      "mac_address",
                                      "mem_limit",
                                      "mem_reservation",
                                      "mem_swappiness",
                                      "memswap_limit",
                                      "models",
                                      "network_mode",
                                      "networks",
                                      "oom_kill_disable",
                                      "oom_score_adj",
                                      "pid",
                                      "pids_limit",
                                      "platform",
                                      "ports",
                                      "post_start",
                                      "pre_stop",
                                      "privileged",
                                      "profiles",
                                      "provider",
                                      "pull_policy",
                                      "read_only",
                                      "restart",
                                      "runtime",
                                      "scale",
                                      "secrets",
                                      "security_opt",
                                      "shm_size",
                                      "stdin_open",
                                      "stop_grace_period",
                                      "stop_signal",
                                      "storage_opt",
                                      "sysctls",
                                      "tmpfs",
                                      "tty",
                                      "ulimits",
                                      "use_api_socket",
                                      "user",
                                      "userns_mode",
                                      "uts",
                                      "volumes",
                                      "volumes_from",
                                      "working_dir",
                                      NULL};

static size_t smallest(size_t a, size_t b, size_t c)
{
    size_t least = a < b ? a : b;
    return least < c ? least : c;
}

/* Levenshtein's distance, two rows at a time. */
static size_t distance(const char *a, const char *b)
{
    size_t row[WORD_MAX + 1], la = strlen(a), lb = strlen(b);
    if (la > WORD_MAX || lb > WORD_MAX)
        return WORD_MAX;
    for (size_t j = 0; j <= lb; j++)
        row[j] = j;
    for (size_t i = 1; i <= la; i++) {
        size_t before = row[0];
        row[0] = i;
        for (size_t j = 1; j <= lb; j++) {
            size_t old = row[j];
            row[j] = smallest(row[j] + 1, row[j - 1] + 1, before + (a[i - 1] == b[j - 1] ? 0 : 1));
            before = old;
        }
    }
    return row[lb];
}

static bool is_in(const char *const *words, const char *word)
{
    for (; *words != NULL; words++)
        if (strcmp(*words, word) == 0)
            return true;
    return false;
}

static const char *close_word(const char *const *words, const char *word)
{
    const char *best = NULL;
    size_t least = strlen(word) <= 4 ? 2 : 3;
    for (; *words != NULL; words++) {
        size_t apart = distance(*words, word);
        if (apart < least) {
            least = apart;
            best = *words;
        }
    }
    return best;
}

bool compose_is_top_word(const char *word)
{
    return is_in(TOP, word);
}

bool compose_is_service_word(const char *word)
{
    return is_in(SERVICE, word);
}

const char *compose_close_top_word(const char *word)
{
    return close_word(TOP, word);
}

const char *compose_close_service_word(const char *word)
{
    return close_word(SERVICE, word);
}
