/* arena.c - the bump allocator. Blocks double in size up to what the maximum still allows; the
 * maximum counts the bytes handed out, so that it means the same in every build. In sanitizer
 * builds (WL_SANITIZE) each allocation is a block of its own: address sanitizer then sees the edges
 * of every object. */
#include "lib/base/arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef WL_SANITIZE
#define ONE_BLOCK_PER_ALLOCATION true
#else
#define ONE_BLOCK_PER_ALLOCATION false
#endif

#define FIRST_BLOCK ((size_t)32 * 1024)
#define ALIGNMENT   alignof(max_align_t)

struct block {
    struct block *next; /* older */
    size_t cap, used;
    alignas(max_align_t) unsigned char data[];
};

struct arena {
    struct block *newest;
    size_t max, used;
    bool overflowed;
};

struct arena *arena_new(size_t max_bytes)
{
    struct arena *arena = calloc(1, sizeof *arena);

    if (arena != NULL)
        arena->max = max_bytes;
    return arena;
}

static void free_blocks(struct block *from, const struct block *until)
{
    while (from != until) {
        struct block *next = from->next;

        free(from);
        from = next;
    }
}

void arena_free(struct arena *arena)
{
    if (arena == NULL)
        return;
    free_blocks(arena->newest, NULL);
    free(arena);
}

void arena_reset(struct arena *arena)
{
    struct block *first = arena->newest;

    while (first != NULL && first->next != NULL)
        first = first->next;
    if (ONE_BLOCK_PER_ALLOCATION)
        first = NULL;
    free_blocks(arena->newest, first);
    if (first != NULL)
        first->used = 0;
    arena->newest = first;
    arena->used = 0;
    arena->overflowed = false;
}

static struct block *add_block(struct arena *arena, size_t bytes)
{
    size_t cap = arena->newest != NULL ? arena->newest->cap : FIRST_BLOCK / 2;
    struct block *block;

    cap = cap > SIZE_MAX / 4 ? cap : cap * 2;
    if (cap > arena->max - arena->used)
        cap = arena->max - arena->used; /* the caller has checked that `bytes` still fits */
    if (cap < bytes || ONE_BLOCK_PER_ALLOCATION)
        cap = bytes;
    block = malloc(sizeof *block + cap);
    if (block == NULL)
        return NULL;
    block->next = arena->newest;
    block->cap = cap;
    block->used = 0;
    arena->newest = block;
    return block;
}

void *arena_alloc(struct arena *arena, size_t bytes)
{
    size_t want = bytes == 0 ? 1 : bytes;
    size_t rounded;
    struct block *block = arena->newest;
    void *result;

    if (want > SIZE_MAX / 2)
        goto refused;
    rounded = (want + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (rounded > arena->max - arena->used)
        goto refused;
    if (ONE_BLOCK_PER_ALLOCATION)
        block = add_block(arena, want);
    else if (block == NULL || rounded > block->cap - block->used)
        block = add_block(arena, rounded);
    if (block == NULL)
        goto refused;
    result = block->data + block->used;
    block->used += ONE_BLOCK_PER_ALLOCATION ? want : rounded;
    arena->used += rounded;
    memset(result, 0, want);
    return result;
refused:
    arena->overflowed = true;
    return NULL;
}

void *arena_array(struct arena *arena, size_t count, size_t size)
{
    size_t bytes;

    if (__builtin_mul_overflow(count, size, &bytes)) {
        arena->overflowed = true;
        return NULL;
    }
    return arena_alloc(arena, bytes);
}

char *arena_memdup(struct arena *arena, const void *bytes, size_t len)
{
    char *copy;

    if (len == SIZE_MAX) {
        arena->overflowed = true;
        return NULL;
    }
    copy = arena_alloc(arena, len + 1);
    if (copy != NULL && len > 0)
        memcpy(copy, bytes, len);
    return copy;
}

char *arena_strdup(struct arena *arena, const char *text)
{
    return arena_memdup(arena, text, strlen(text));
}

char *arena_printf(struct arena *arena, const char *fmt, ...)
{
    va_list ap, again;
    char *text = NULL;
    int n;

    va_start(ap, fmt);
    va_copy(again, ap);
    n = vsnprintf(NULL, 0, fmt, ap);
    if (n >= 0)
        text = arena_alloc(arena, (size_t)n + 1);
    else
        arena->overflowed = true;
    if (text != NULL)
        (void)vsnprintf(text, (size_t)n + 1, fmt, again);
    va_end(again);
    va_end(ap);
    return text;
}

bool arena_overflowed(const struct arena *arena)
{
    return arena->overflowed;
}

size_t arena_used(const struct arena *arena)
{
    return arena->used;
}

bool arena_owns(const struct arena *arena, const void *pointer)
{
    uintptr_t at = (uintptr_t)pointer;

    for (const struct block *block = arena->newest; block != NULL; block = block->next) {
        uintptr_t start = (uintptr_t)block->data;

        if (at >= start && at - start < block->used)
            return true;
    }
    return false;
}
