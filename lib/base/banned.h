/* banned.h - functions that must not be used, turned into readable compile errors.
 *
 * The Makefile includes this file before every source file (-include), after the system headers
 * that declare these names. The reason is in the name of the replacement. (Idea: git's banned.h.)
 */
#ifndef WL_BASE_BANNED_H
#define WL_BASE_BANNED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* With _FORTIFY_SOURCE and clang these two are macros, which cannot be poisoned. */
#undef sprintf
#undef vsprintf

#pragma GCC poison strcpy strcat strncpy strncat sprintf vsprintf strtok gets
#pragma GCC poison atoi atol atoll gmtime localtime ctime asctime
/* rand and random are not here: headers of OpenSSL and libsodium use these names. */
#pragma GCC poison popen srand mktemp tmpnam tempnam

#endif
