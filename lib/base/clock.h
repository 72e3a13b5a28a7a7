/* clock.h - wall time for records, monotonic time for deadlines. Both in milliseconds.
 *
 * Never compare the two. Deadlines are clock_mono_ms() + budget; stored times are clock_now_ms(),
 * UTC. */
#ifndef WL_BASE_CLOCK_H
#define WL_BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

#define CLOCK_TEXT_SIZE 32

int64_t clock_now_ms(void);
int64_t clock_mono_ms(void);
/* Boot id of this machine (36 characters) or "unknown"; a lease of another boot is void. */
const char *clock_boot_id(void);
/* RFC 3339, UTC, milliseconds: 2026-11-21T00:19:45.123Z. Returns dst. */
const char *clock_rfc3339(char dst[CLOCK_TEXT_SIZE], int64_t unix_ms);
/* Milliseconds left until a monotonic deadline, at least 0, at most INT_MAX: for poll(). */
int clock_left_ms(int64_t mono_deadline);
void clock_sleep_ms(int ms);

#endif
