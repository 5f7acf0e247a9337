/* Invariants
 * 1. copy is that of this process which writes, or 0.
 * 2. dead is a set only while a copy is being made.
 * 3. wish goes from NONE to FILLING, WANTED and back by who makes it, but from
 *    WANTED to TAKEN by Weir's thread; wished and wished_copy are that one's
 *    while it is WANTED.
 */
#include <weir/gc.h>

#include "gc/peak.h"

#include <stdatomic.h>
#include <stddef.h>
#include <string.h>

#include "base/base.h"
#include "base/text.h"
#include "gc/cycle.h"
#include "gc/gc.h"
#include "gc/sweep.h"
#include "leak/copy.h"
#include "leak/snapshot.h"
#include "os/os.h"
#include "os/process.h"
#include "region/ask.h"
#include "region/layout.h"
#include "region/snapshot.h"

enum { NAP_NS = 10000000, NAPS = 3000 };

static char folder[WR_PATH_MAX]; /* "": none; constant after start */
static uint64_t highest;         /* bytes alive, of the last that was begun */
static _Atomic long copy;
static const struct wr_marks *dead;

enum { NONE, FILLING, WANTED, TAKEN };
static _Atomic uint32_t wish; /* of weir_gc_snapshot */
static char wished[WR_PATH_MAX];
static long wished_copy;

static bool
is_dead(const struct wr_span *s, unsigned block)
{
    return wr_sweep_is_dead(dead, s, block);
}

static bool
is_writing(void)
{
    long pid = atomic_load(&copy);
    bool done;

    if (pid == 0)
        return false;
    if (wr_copy_goes_on(pid, &done))
        return true;
    atomic_store(&copy, 0);
    return false;
}

static void
make_path(struct wr_text *path)
{
    wr_text_init(path);
    wr_text_str(path, folder);
    wr_text_str(path, "/");
    wr_text_uint(path, wr_os_home());
    wr_text_str(path, WR_SNAPSHOT_FILE_SUFFIX);
}

/* The pid of the copy that writes; negative: there is none. */
static long
write_down(const struct wr_cycle *c, const char *path)
{
    const struct wr_ask ask = {.kind = WR_ASK_SNAPSHOT,
                               .flags = WR_SNAPSHOT_WHOLE};
    struct wr_copy how = {.ask = &ask, .path = path, .is_gone = is_dead};
    long pid;

    dead = c->dead;
    pid = wr_copy_send(&how, wr_snapshot_search);
    dead = NULL;
    return pid;
}

static void
write_peak(const struct wr_cycle *c)
{
    struct wr_text path;
    long pid;

    make_path(&path);
    pid = write_down(c, path.buf);
    if (pid <= 0)
        return;
    highest = c->live;
    atomic_store(&copy, pid);
}

void
wr_peak_look(const struct wr_cycle *c)
{
    if (atomic_load(&wish) == WANTED) {
        wished_copy = write_down(c, wished);
        atomic_store(&wish, TAKEN);
    }
    if (folder[0] != '\0' && c->live > highest + highest / 8 && !is_writing())
        write_peak(c);
}

bool
wr_peak_tick(void)
{
    return is_writing();
}

static void
nap(void)
{
    const uint32_t never = 0;

    wr_os_wait(&never, 0, NAP_NS);
}

void
wr_peak_finish(void)
{
    for (int i = 0; i < NAPS && is_writing(); i++)
        nap();
}

/* It was wanted, and a cycle has ended since. */
static weir_err
wait_for_wished(void)
{
    uint32_t now = WANTED;
    bool done = false;

    if (atomic_compare_exchange_strong(&wish, &now, FILLING) ||
        wished_copy <= 0)
        return WEIR_ENOTSUP;
    while (wr_copy_goes_on(wished_copy, &done))
        nap();
    return done ? WEIR_OK : WEIR_ENOTSUP;
}

WR_EXPORT weir_err
weir_gc_snapshot(const char *path)
{
    uint32_t now = NONE;
    weir_err err;

    if (path == NULL || *path == '\0' || strlen(path) >= sizeof wished)
        return WEIR_EINVAL;
    if (!atomic_compare_exchange_strong(&wish, &now, FILLING))
        return WEIR_EBUSY;
    memcpy(wished, path, strlen(path) + 1);
    atomic_store(&wish, WANTED);
    (void)wr_gc_collect();
    err = wait_for_wished();
    atomic_store(&wish, NONE);
    return err;
}

void
wr_peak_fork_child(void)
{
    if (atomic_load(&wish) != NONE)
        atomic_store(&wish, NONE);
    if (folder[0] == '\0')
        return;
    highest = 0;
    atomic_store(&copy, 0);
}

void
wr_peak_start(const char *path)
{
    if (path != NULL && strlen(path) < sizeof folder)
        memcpy(folder, path, strlen(path) + 1);
}
