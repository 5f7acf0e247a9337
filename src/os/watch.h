/* Which pages of memory are written: the kernel notes it, at the price of a
 * fault, below a microsecond, for the first write to a page since it was last
 * asked.
 *
 *     struct wr_os_watch w;
 *     if (wr_os_watch_open(&w)) {
 *         for (uintptr_t at = from; at < end;) {
 *             struct wr_os_stretch s[16];
 *             size_t n = wr_os_watch_take(&w, &at, end, s, 16);
 *             ... s[0 .. n) were written ...
 *         }
 *         wr_os_watch_drop(&w, from, end);
 *         wr_os_watch_close(&w);
 *     }
 *
 * Memory is watched from when it is first asked about, and counts as written
 * then. A write is told once: it was either visible to who asked when take
 * returned, or is told by the next take. Who writes does not matter: any thread
 * of the process, or the kernel for one. Not seen is what devices write into
 * pages they had been given before.
 *
 * A forked child's memory is not watched; nor is it after exec. The system may
 * refuse (Linux before 6.7; containers often): then open says so.
 *
 * Private memory only, whole pages. What is mapped there anew, or moved there,
 * counts as written. As os.h: callable from anywhere, no allocation, no lock,
 * errno is kept. Threads: one at a time for each watch. The descriptors are the
 * calling thread's, closed on exec.
 */
#ifndef WR_OS_WATCH_H
#define WR_OS_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct wr_os_watch {
    int faults, pages; /* descriptors */
};

struct wr_os_stretch {
    uintptr_t from, end;
};

bool wr_os_watch_open(struct wr_os_watch *w);
/* Of [*at, end) the first stretches, at most `room`, that were written since
 * they were asked about: how many. *at becomes the end of what was asked about:
 * perhaps before `end`. So little is asked at once that it takes some 100
 * microseconds at most. SIZE_MAX: it cannot be known any more. */
size_t wr_os_watch_take(struct wr_os_watch *w, uintptr_t *at, uintptr_t end,
                        struct wr_os_stretch *out, size_t room);

/* Memory that others map and unmap: what they have mapped as one they may move
 * as one, but not where only a part of it is watched. So it begins and ends in
 * one step.
 *
 *     wr_os_watch_begin(&w, from, end)       false: it cannot be watched
 *     ... wr_os_watch_take_begun(&w, &at, end, s, 16);
 *     wr_os_watch_rest(&w, from, end);
 *     wr_os_watch_close(&w);                 the end
 */
bool wr_os_watch_begin(struct wr_os_watch *w, uintptr_t from, uintptr_t end);
/* Without what nobody ever touched. SIZE_MAX: also where something was mapped
 * there since. */
size_t wr_os_watch_take_begun(struct wr_os_watch *w, uintptr_t *at,
                              uintptr_t end, struct wr_os_stretch *out,
                              size_t room);
/* Nothing of it will be asked about again: close has less to do. */
void wr_os_watch_rest(struct wr_os_watch *w, uintptr_t from, uintptr_t end);

/* [from, end) is not watched any more: before close, which else holds up
 * everybody who maps memory for as long as there is of it. */
void wr_os_watch_drop(struct wr_os_watch *w, uintptr_t from, uintptr_t end);
void wr_os_watch_close(struct wr_os_watch *w);

#endif
