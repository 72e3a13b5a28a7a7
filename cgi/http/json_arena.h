/* json_arena.h - jansson allocates from the request's arena: building and printing a model costs no
 * malloc and needs no care about who frees.
 *
 * While an arena is current, new JSON values live in it and die with it, whatever their reference
 * counts say. Values made before (by malloc) may be used and released meanwhile. Values made in an
 * arena must not be used or released after json_arena_leave: drop them before, or just forget
 * them. One arena at a time, one thread. */
#ifndef WL_CGI_HTTP_JSON_ARENA_H
#define WL_CGI_HTTP_JSON_ARENA_H

#include "lib/base/arena.h"

/* Once at start, before any JSON value is made. */
void json_arena_install(void);
void json_arena_enter(struct arena *arena);
void json_arena_leave(void);

#endif
