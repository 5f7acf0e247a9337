/* Invariants
 * 1. copy is that of this process which writes, or 0.
 * 2. dead is a set only while a copy is being made.
 */
#include "gc/peak.h"

#include <stdatomic.h>
#include <stddef.h>
#include <string.h>

#include "base/text.h"
#include "gc/cycle.h"
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

static bool
is_dead(const struct wr_span *s, unsigned block)
{
    return wr_sweep_is_dead(dead, s, block);
}

static bool
is_writing(void)
{
    long pid = atomic_load(&copy);

    if (pid == 0)
        return false;
    if (wr_copy_goes_on(pid))
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

static void
write_down(const struct wr_cycle *c)
{
    const struct wr_ask ask = {.kind = WR_ASK_SNAPSHOT,
                               .flags = WR_SNAPSHOT_WHOLE};
    struct wr_text path;
    struct wr_copy how = {.ask = &ask, .path = path.buf, .is_gone = is_dead};
    long pid;

    make_path(&path);
    dead = c->dead;
    pid = wr_copy_send(&how, wr_snapshot_search);
    dead = NULL;
    if (pid <= 0)
        return;
    highest = c->live;
    atomic_store(&copy, pid);
}

void
wr_peak_look(const struct wr_cycle *c)
{
    if (folder[0] != '\0' && c->live > highest + highest / 8 && !is_writing())
        write_down(c);
}

bool
wr_peak_tick(void)
{
    return is_writing();
}

void
wr_peak_finish(void)
{
    const uint32_t never = 0;

    for (int i = 0; i < NAPS && is_writing(); i++)
        wr_os_wait(&never, 0, NAP_NS);
}

void
wr_peak_fork_child(void)
{
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
