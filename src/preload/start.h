/* The start and the end of Weir in a program, and its fork. */
#ifndef WR_PRELOAD_START_H
#define WR_PRELOAD_START_H

#include <stdbool.h>

/* Has the constructor run? Before that there is a heap, and nothing else. */
extern bool wr_started;

/* The program ends now, through exit or _exit: the last counts are published
 * and the region says so. Does nothing in a vfork child. */
void wr_finish(void);

#endif
