/* Inside of include/weir/budget.h: the budgets there are, and around fork.
 *
 * One lock guards all of them (a leaf but for the region's): they are changed
 * once or twice a request, and each change goes up to the root.
 */
#ifndef WR_LIMIT_BUDGET_H
#define WR_LIMIT_BUDGET_H

#include <stdbool.h>

/* Listen to the heap; once. */
void wr_budget_start(void);
/* Around fork, where other threads may be in the middle of something. */
void wr_budget_fork_before(void);
void wr_budget_fork_after(void);

#endif
