/* Terminal: an output on which text from elsewhere cannot do harm.
 *
 *     FILE *out = wr_terminal_open();
 *     fputs(name, out);               names of a file that somebody sent
 *     wr_terminal_close(out);
 *
 * On a terminal, control characters other than tabs and ends of lines become
 * '?', so that a name in a profile cannot move the cursor, change the title
 * or pretend to be a prompt. Into a file or a pipe every byte goes as it is.
 * Threads: one.
 */
#ifndef WR_CMD_TERMINAL_H
#define WR_CMD_TERMINAL_H

#include <stdio.h>

/* stdout, or a stream in front of it. */
FILE *wr_terminal_open(void);
void wr_terminal_close(FILE *out);

#endif
