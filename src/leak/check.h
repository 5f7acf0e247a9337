/* The search that the program asks for itself (include/weir/leak.h).
 *
 * Weir's thread lets it run in a copy, which hands the result over in memory
 * that both have; where there can be no copy, in the program itself.
 */
#ifndef WR_LEAK_CHECK_H
#define WR_LEAK_CHECK_H

/* On Weir's thread: was one asked for? Then it is done. */
void wr_check_answer(void);
void wr_check_fork_child(void);

#endif
