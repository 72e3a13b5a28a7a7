/* arena.h - memory that dies together: a bump allocator with a maximum.
 *
 * One arena per request (or per step). Nothing in it is freed alone. Running out is an ordinary
 * error: the call returns NULL and `arena_overflowed` stays true, so a long sequence may be checked
 * once. In sanitizer builds each allocation is its own malloc, so that tools see every object. */
#ifndef WL_BASE_ARENA_H
#define WL_BASE_ARENA_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include "lib/base/attr.h"

struct arena;

/* A new arena that grows in blocks up to max_bytes. NULL when the system has no memory. Free with
 * arena_free. */
struct arena *arena_new(size_t max_bytes) MUST_USE;
void arena_free(struct arena *arena);

/* Forget all allocations and the overflow mark; keeps the first block for reuse. */
void arena_reset(struct arena *arena);

/* Zeroed, aligned for any type; NULL past the maximum. */
void *arena_alloc(struct arena *arena, size_t bytes) MUST_USE;
/* count * size, overflow-checked. */
void *arena_array(struct arena *arena, size_t count, size_t size) MUST_USE;
char *arena_strdup(struct arena *arena, const char *text) MUST_USE;
/* A NUL-terminated copy of `len` bytes. */
char *arena_memdup(struct arena *arena, const void *bytes, size_t len) MUST_USE;
char *arena_printf(struct arena *arena, const char *fmt, ...) PRINTF(2, 3) MUST_USE;

bool arena_overflowed(const struct arena *arena);
size_t arena_used(const struct arena *arena);
/* Whether the pointer came from this arena (json_arena.c needs to know what it may free). */
bool arena_owns(const struct arena *arena, const void *pointer);

#endif
