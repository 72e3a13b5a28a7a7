/* json_arena.c - the allocator hooks of jansson.
 *
 * jansson has one process-wide pair of hooks and no context argument, hence the one static pointer
 * here. A block is told apart by arena_owns: memory of the arena is never freed alone, everything
 * else came from malloc. */
#include "cgi/http/json_arena.h"

#include <jansson.h>
#include <stdlib.h>

static struct arena *current;

static void *json_arena_malloc(size_t bytes)
{
    return current != NULL ? arena_alloc(current, bytes) : malloc(bytes);
}

static void json_arena_free(void *pointer)
{
    if (pointer == NULL || (current != NULL && arena_owns(current, pointer)))
        return;
    free(pointer);
}

void json_arena_install(void)
{
    json_set_alloc_funcs(json_arena_malloc, json_arena_free);
}

void json_arena_enter(struct arena *arena)
{
    current = arena;
}

void json_arena_leave(void)
{
    current = NULL;
}
