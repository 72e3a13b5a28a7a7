/* heap.c - glibc raises its threshold for memory of its own (mmap) to the largest block that was
 * ever freed, and then keeps twice as much at the top of the heap. One page of some hundred KB is
 * enough: from then on the memory of each request lies between what stays, such as pages of the
 * database, and can never be given back (measured: 9 MB instead of 5 in each process that serves
 * pages, after a round of all pages). Fixed thresholds keep the two apart; a large page costs a few
 * system calls more, which its time does not show. */
#include "lib/base/heap.h"

#include <malloc.h>

#define LARGE_BYTES (64 * 1024) /* a request's second block, a buffer for an answer */

void heap_give_back(void)
{
    (void)mallopt(M_MMAP_THRESHOLD, LARGE_BYTES);
    (void)mallopt(M_TRIM_THRESHOLD, LARGE_BYTES);
}
