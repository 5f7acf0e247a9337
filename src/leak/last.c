/* The last search. What was found is written before the errand is done. */
#include "leak/last.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/base.h"
#include "base/text.h"
#include "leak/copy.h"
#include "leak/errand.h"
#include "leak/search.h"
#include "leak/stack.h"
#include "os/os.h"
#include "region/ask.h"
#include "region/region.h"
#include "world/thread.h"

static void search(void);

static enum wr_last how;
static void (*after)(void);
static struct wr_errand errand = {.work = search};
static struct wr_leaks_count found;

/* ---- on Weir's thread ---- */

static bool
find(const struct wr_copy *c)
{
    struct wr_leaks_header *h = wr_os_map(WR_LEAK_ROOM);
    bool written = false;

    if (h == NULL || !wr_errand_begun(&errand))
        return false;
    wr_leak_find(c, h);
    found.blocks = h->direct.blocks + h->indirect.blocks;
    found.bytes = h->direct.bytes + h->indirect.bytes;
    written = (how != WR_LAST_LIST && found.blocks == 0) || wr_leak_write(c, h);
    wr_os_unmap(h, WR_LEAK_ROOM);
    return written;
}

static void
search(void)
{
    struct wr_ask ask = {.kind = WR_ASK_LEAKS};

    if (!wr_copy_do_without(&ask, WR_LEAKS_LAST_SUFFIX, find))
        wr_copy_refuse(&ask, WR_LEAKS_LAST_SUFFIX, WR_WHERE_WANTED);
}

void
wr_last_answer(void)
{
    wr_errand_answer(&errand);
}

/* ---- on the thread that ends the program ---- */

static void
say(void)
{
    struct wr_text t;

    wr_text_init(&t);
    wr_text_str(&t, "weir: process ");
    wr_text_uint(&t, wr_os_pid());
    wr_text_str(&t, " has lost ");
    wr_text_uint(&t, found.bytes);
    wr_text_str(&t, " bytes in ");
    wr_text_uint(&t, found.blocks);
    wr_text_str(&t, found.blocks == 1 ? " block" : " blocks");
    wr_text_str(&t, ": weir leaks ");
    wr_text_uint(&t, wr_os_pid());
    wr_text_str(&t, " says where\n");
    wr_os_write(STDERR_FILENO, t.buf, t.len);
}

/* From below that frame, which returns to libc. false: it was not done. */
static bool
have_searched(uintptr_t frame, uintptr_t libc)
{
    bool ends = wr_stack_ends(frame, libc);
    bool done = wr_errand_send(&errand);

    if (ends)
        wr_stack_ends_not();
    return done;
}

static int
end_from(uintptr_t frame, uintptr_t libc, int status)
{
    if (how == WR_LAST_OFF || !wr_os_at_home() || !wr_world_region() ||
        *wr_region_path() == '\0' || !have_searched(frame, libc) ||
        !wr_last_found())
        return status;
    if (how >= WR_LAST_SAY)
        say();
    return how == WR_LAST_FAIL && status == 0 ? WR_LAST_STATUS : status;
}

#define HERE ((uintptr_t)__builtin_frame_address(0))
#define LIBC ((uintptr_t)__builtin_return_address(0)) /* in its handlers */

int
wr_last_search(int status)
{
    return end_from(HERE, 0, status);
}

bool
wr_last_found(void)
{
    return found.blocks > 0;
}

/* exit() may be called again by a handler: it goes on where it was, with the
 * new status, and writes out what is buffered. */
static void
leave(int status, void *unused)
{
    int wanted = end_from(HERE, LIBC, status);

    (void)unused;
    after();
    if (wanted != status)
        exit(wanted);
}

static void
leave_quickly(void)
{
    (void)end_from(HERE, LIBC, 0);
    after();
}

enum wr_last
wr_last_how(void)
{
    return how;
}

/* on_exit knows no library whose unloading would call the handler. */
void
wr_last_start(enum wr_last h, void (*last)(void))
{
    if (h == WR_LAST_OFF || on_exit(leave, NULL) != 0)
        return;
    (void)at_quick_exit(leave_quickly);
    after = last;
    how = h;
}
