/* Which pages of a range hold anything: those that nobody ever touched need not
 * be read, and should not, since reading makes some of them.
 *
 *     struct wr_os_pages pages;           large: not on a small stack
 *     wr_os_pages_open(&pages);
 *     for (; from < end; from = stop)
 *         if (wr_os_pages_next(&pages, from, end, &stop) == WR_PAGES_HERE)
 *             read(from, stop);
 *     wr_os_pages_close(&pages);
 *
 * As os.h: callable from anywhere, no allocation, no lock, errno is kept. The
 * pages are those of the calling process, as of when they are asked about.
 */
#ifndef WR_OS_PAGES_H
#define WR_OS_PAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum wr_os_held {
    WR_PAGES_NONE, /* nothing: it reads as zero or as its file, or not at all */
    WR_PAGES_HERE, /* in memory */
    WR_PAGES_AWAY  /* swapped out; of files: not in memory. Perhaps not to be
                      read: only wr_os_peek may try */
};

struct wr_os_pages {
    int file;       /* -1: the system does not show them */
    uintptr_t from; /* the page that entry[0] tells of */
    size_t known;   /* entries */
    uint64_t entry[2048];
};

void wr_os_pages_open(struct wr_os_pages *p);
void wr_os_pages_close(struct wr_os_pages *p);

/* Of private memory: how the first bytes of [from, end) are held; all up to
 * *stop are so. Where the system does not say: all HERE. */
enum wr_os_held wr_os_pages_next(struct wr_os_pages *p, uintptr_t from,
                                 uintptr_t end, uintptr_t *stop);
/* The same of a mapped file or of shared memory: HERE or AWAY. */
enum wr_os_held wr_os_file_pages_next(uintptr_t from, uintptr_t end,
                                      uintptr_t *stop);

/* Is anything in the whole system swapped out? Else shared memory that is AWAY
 * was never written. */
bool wr_os_swaps(void);

#endif
