/* Invariants
 * 1. words[0 .. used) lie in committed memory, which is not of the program:
 *    it is found through wr_early_each only.
 */
#include "leak/early.h"

#include <string.h>

#include "base/base.h"
#include "heap/span.h"
#include "leak/roots.h"
#include "mark/odd.h"
#include "os/kept.h"
#include "os/os.h"

enum { STEP = 1 << 20, MOST = 64 << 20 }; /* bytes */

/* at: where the program has it; 0: the kernel keeps it. */
static struct {
    uintptr_t word, at;
} * words;
static size_t used, room;
static bool there, whole = true;

static void
keep(uintptr_t word, uintptr_t at)
{
    if (used == room) {
        if (words == NULL)
            words = wr_os_reserve(MOST);
        if (words == NULL || room * sizeof *words == MOST ||
            !wr_os_commit(words + room, STEP)) {
            whole = false;
            return;
        }
        room += STEP / sizeof *words;
    }
    words[used].word = word;
    words[used++].at = at;
}

/* To its end, too; and whatever its upper bits are: some programs use them. */
static inline bool
may_be_address(uintptr_t word)
{
    uintptr_t low = wr_window_first << WR_WINDOW_SHIFT;
    uintptr_t end = (wr_window_last + 1) << WR_WINDOW_SHIFT;

    return (word & wr_odd_address_bits(end)) - low <= end - low;
}

static void
keep_shared(const struct wr_root *part, void *unused)
{
    const uintptr_t *word = (const uintptr_t *)part->from;

    (void)unused;
    for (; (uintptr_t)(word + 1) <= part->end; word++)
        if (may_be_address(*word))
            keep(*word, part->at + ((uintptr_t)word - part->from));
}

/* Of a message nobody knows where its words begin. */
static void
keep_message(const void *from, size_t bytes, void *unused)
{
    const char *at = from;
    uintptr_t word;

    (void)unused;
    for (; bytes >= sizeof word; at++, bytes--) {
        memcpy(&word, at, sizeof word);
        if (may_be_address(word))
            keep(word, 0);
    }
}

void
wr_early_read(void)
{
    wr_early_forget();
    there = whole = true;
    if (wr_window_first > wr_window_last)
        return;
    if (!wr_os_kept(keep_message, NULL))
        whole = false;
    if (!wr_roots_shared(WR_EARLY_SHARED, keep_shared, NULL))
        whole = false;
}

bool
wr_early_there(void)
{
    return there;
}

bool
wr_early_whole(void)
{
    return whole;
}

void
wr_early_each(void (*visit)(const struct wr_root *part, void *arg), void *arg)
{
    for (size_t i = 0; i < used; i++) {
        struct wr_root part = {.from = (uintptr_t)&words[i].word,
                               .end = (uintptr_t)(&words[i].word + 1),
                               .kind = words[i].at != 0 ? WR_ROOT_MEMORY
                                                        : WR_ROOT_KEPT,
                               .at = words[i].at};

        visit(&part, arg);
    }
}

void
wr_early_forget(void)
{
    if (words != NULL)
        wr_os_unmap(words, MOST);
    words = NULL;
    used = room = 0;
    there = false;
}
