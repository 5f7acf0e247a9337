/* The program's guide (region/guide.h). Nothing in it changes while it runs.
 */
#ifndef WR_LEAK_GUIDE_H
#define WR_LEAK_GUIDE_H

#include "region/guide.h"

extern struct wr_guide wr_guide;

/* The region has a path. */
void wr_guide_start(void);

#endif
