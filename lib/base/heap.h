/* heap.h - how the C library's heap is to behave in a process that lives long. */
#ifndef WL_BASE_HEAP_H
#define WL_BASE_HEAP_H

/* Memory that was freed goes back to the system. To be called once, before much is allocated. */
void heap_give_back(void);

#endif
