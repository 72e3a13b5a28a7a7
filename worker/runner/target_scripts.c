/* target_scripts.c - takes the files of worker/runner/target/ into the program as they are. The
 * assembler reads them, so that there is no generated copy to go stale or to be read instead of the
 * script. (The Makefile names them as what this object depends on.) */
#include "worker/runner/target_scripts.h"

#define EMBED(name, file)                                                                          \
    __asm__(".section .rodata\n" #name ":\n.incbin \"worker/runner/target/" file                   \
            "\"\n.byte 0\n.previous\n");                                                           \
    extern const char name[]

EMBED(target_text_common, "common.sh");
EMBED(target_text_wrapper, "wrapper.sh");
EMBED(target_text_home, "home.sh");
EMBED(target_text_lock, "lock.sh");
EMBED(target_text_unlock, "unlock.sh");
EMBED(target_text_inspect, "inspect.sh");
EMBED(target_text_reset, "reset.sh");
EMBED(target_text_follow, "follow.sh");
EMBED(target_text_stop, "stop.sh");
EMBED(target_text_verify, "verify.sh");
EMBED(target_text_get, "get.sh");

const char *target_script(enum target_script script)
{
    switch (script) {
    case TARGET_COMMON:
        return target_text_common;
    case TARGET_WRAPPER:
        return target_text_wrapper;
    case TARGET_HOME:
        return target_text_home;
    case TARGET_LOCK:
        return target_text_lock;
    case TARGET_UNLOCK:
        return target_text_unlock;
    case TARGET_INSPECT:
        return target_text_inspect;
    case TARGET_RESET:
        return target_text_reset;
    case TARGET_FOLLOW:
        return target_text_follow;
    case TARGET_STOP:
        return target_text_stop;
    case TARGET_VERIFY:
        return target_text_verify;
    case TARGET_GET:
        return target_text_get;
    }
    return "exit 1\n";
}
