/* The last search: what a program has lost when it ends.
 *
 *     wr_last_start(WR_LAST_SAY, finish);      once, before any other exit
 *                                              handler is there
 *     status = wr_last_search(status);         where a program ends otherwise
 *
 * exit() calls its handlers in reverse order, so the first that was registered
 * is the last to be called: after the program's own, after the destructors of
 * C++ and of every library. What these free is not leaked, and what they lose
 * is. Memory that a live pointer still leads to, say a global's, is not told,
 * whether anybody would have freed it or not.
 *
 * The exiting thread waits while Weir's thread searches, with every thread of
 * the program standing still and in the program itself: nobody needs it now.
 * Where that thread is not to be had the program ends without a search.
 * The list is a file beside the region, "<region>.lost".
 *
 * Threads: of several that end the program at once the first one searches.
 */
#ifndef WR_LEAK_LAST_H
#define WR_LEAK_LAST_H

#include <stdbool.h>

enum wr_last {
    WR_LAST_OFF,
    WR_LAST_LIST, /* leave the list */
    WR_LAST_SAY,  /* leave it when there is a leak, and say so on stderr */
    WR_LAST_FAIL  /* the same, and the program ends with WR_LAST_STATUS, if it
                     would have ended well */
};

#define WR_LAST_STATUS 3

/* last: to call after the search, at exit(). */
void wr_last_start(enum wr_last how, void (*last)(void));
enum wr_last wr_last_how(void);

/* Search, once. The status to end with, which is as given for most. */
int wr_last_search(int status);
/* On Weir's thread: is it this that it was woken for? Then it is done. */
void wr_last_answer(void);

/* Did the search find a leak? */
bool wr_last_found(void);

#endif
