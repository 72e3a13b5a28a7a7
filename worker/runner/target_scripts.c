/* target_scripts.c - takes the files of worker/runner/target/ into the program as they are. The
 * assembler reads them, so that there is no generated copy to go stale or to be read instead of the
 * script. (The Makefile names them as what this object depends on.) */
#include "worker/runner/target_scripts.h"

#define EMBED(name, file)                                                                          \
    __asm__(".section .rodata\n" #name ":\n.incbin \"" file "\"\n.byte 0\n.previous\n");           \
    extern const char name[]

EMBED(target_text_common, "worker/runner/target/common.sh");
EMBED(target_text_wrapper, "worker/runner/target/wrapper.sh");
EMBED(target_text_home, "worker/runner/target/home.sh");
EMBED(target_text_lock, "worker/runner/target/lock.sh");
EMBED(target_text_unlock, "worker/runner/target/unlock.sh");
EMBED(target_text_inspect, "worker/runner/target/inspect.sh");
EMBED(target_text_reset, "worker/runner/target/reset.sh");
EMBED(target_text_follow, "worker/runner/target/follow.sh");
EMBED(target_text_stop, "worker/runner/target/stop.sh");
EMBED(target_text_verify, "worker/runner/target/verify.sh");
EMBED(target_text_get, "worker/runner/target/get.sh");
EMBED(target_text_library, "recipes/lib.sh");
EMBED(target_text_check, "recipes/check/check.sh");

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
    case TARGET_LIBRARY:
        return target_text_library;
    case TARGET_CHECK:
        return target_text_check;
    }
    return "exit 1\n";
}
