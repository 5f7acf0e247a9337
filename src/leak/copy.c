/* Copies. */
#include "leak/copy.h"

#include <stdatomic.h>
#include <string.h>

#include "base/base.h"
#include "base/text.h"
#include "heap/heap.h"
#include "leak/early.h"
#include "leak/reach.h"
#include "leak/roots.h"
#include "os/kept.h"
#include "os/os.h"
#include "os/process.h"
#include "region/counters.h"
#include "region/layout.h"
#include "region/region.h"
#include "world/background.h"
#include "world/stop.h"

#define PATIENCE_NS UINT64_C(1000000000)  /* for threads to stand still */
#define LOOK_NS     UINT64_C(5000000)     /* between looks at the copy */
#define START_BYTES ((uint64_t)128 << 20) /* left for a copy to begin, */
#define KEEP_BYTES  ((uint64_t)64 << 20)  /* and to go on */
/* Of the heap, to be searched in place unless that was asked for: seconds. */
#define IN_PLACE_MOST ((uint64_t)2 << 30)
#define MOMENT_NS     UINT64_C(100000)
#define MOMENTS       1000 /* that a copy waits to hear of the stop's end */

/* What the copy is told after it was made. NULL: no memory for it. */
static struct outside {
    _Atomic uint64_t stop_ns; /* 0: the program stands still yet */
} * outside;

/* ---- the answer ---- */

/* How long the program stood still; who is as quick as a copy of little memory
 * waits for its end. */
static uint64_t
stop_ns(const struct wr_copy *c)
{
    uint64_t ns = 0;
    uint32_t never = 0;

    if (c->where != WR_WHERE_COPY)
        return wr_os_monotonic() - c->stop->began_ns;
    for (int i = 0; outside != NULL && i < MOMENTS; i++) {
        ns = atomic_load(&outside->stop_ns);
        if (ns != 0)
            return ns;
        wr_os_wait(&never, 0, MOMENT_NS);
    }
    return c->began_ns - c->stop->began_ns;
}

void
wr_copy_reply(struct wr_reply *a, const struct wr_copy *c)
{
    const struct wr_stop *s = c->stop;

    a->pid = wr_os_home();
    a->ticket = c->ask->ticket;
    a->taken_ns = wr_os_realtime();
    a->trust = wr_reach_is_proved() ? WR_TRUST_PROVED : WR_TRUST_UNSEEN;
    a->where = c->where;
    a->search_ns = wr_os_monotonic() - c->began_ns;
    a->unread_bytes = wr_roots_unread();
    if (s == NULL)
        return;
    a->threads = (uint32_t)s->count;
    a->silent = (uint32_t)(s->count - s->answered);
    a->stop_ns = stop_ns(c);
    if (a->silent > 0)
        a->trust = WR_TRUST_SILENT;
}

bool
wr_copy_write(const struct wr_copy *c, const struct wr_copy_part *part,
              size_t parts)
{
    struct wr_text name;
    size_t bytes = 0, at = 0;
    bool whole = true;
    int fd;

    for (size_t i = 0; i < parts; i++)
        bytes += part[i].bytes;
    wr_text_init(&name);
    wr_text_str(&name, c->path);
    wr_text_str(&name, "~");
    wr_os_remove(name.buf); /* of a search that was killed */
    fd = wr_os_new_file(name.buf, bytes);
    if (fd < 0)
        return false;
    for (size_t i = 0; i < parts && whole; at += part[i++].bytes)
        whole = wr_os_write_at(fd, part[i].at, part[i].bytes, at);
    wr_os_close(fd);
    if (whole && wr_os_rename(name.buf, c->path))
        return true;
    wr_os_remove(name.buf);
    return false;
}

/* ---- standing still ---- */

/* Everything stands still after it, with nobody in the heap, whose locks are
 * taken first: who has one must be able to give it back. false: not to be
 * had. c->stop may be NULL all the same. */
static bool
stand_still(struct wr_copy *c)
{
    wr_os_kept_prepare();
    while (!wr_background_enter())
        if (!wr_background_pause(LOOK_NS))
            return false;
    wr_stop_prepare();
    wr_heap_fork_before();
    c->stop = wr_stop_begin(wr_background_tid(), PATIENCE_NS);
    c->began_ns = wr_os_monotonic();
    if (c->stop != NULL)
        wr_early_read();
    return true;
}

static void
go_on(struct wr_copy *c)
{
    wr_stop_end(c->stop);
    wr_early_forget();
    wr_heap_fork_after(false);
    wr_background_leave();
}

static bool
answer_path(struct wr_text *path, const char *suffix)
{
    wr_text_init(path);
    if (suffix == NULL)
        return true;
    wr_text_str(path, wr_region_path());
    wr_text_str(path, suffix);
    return wr_region != NULL && *wr_region_path() != '\0';
}

/* ---- dangers ---- */

/* What a search takes of memory, at most: the marks and grey blocks of
 * mark/mark.h, and its answer. */
static uint64_t
search_bytes(void)
{
    return wr_count_get(heap_inuse) / 24 + (8 << 20);
}

/* What there must be left for a copy: as much as it can take, all the program
 * has once more; or what it can take until it is noticed. */
static uint64_t
copy_bytes(uint64_t margin)
{
    struct wr_os_usage now;

    wr_os_usage(&now, true);
    return search_bytes() + wr_min(margin, now.rss);
}

static bool
is_short(uint64_t bytes)
{
    return wr_os_memory_left(bytes) < bytes;
}

/* May the program be searched in place? The search must not take what is left,
 * and unless somebody wants it so all must stand still, and not for too long.
 */
static bool
may_be_in_place(const struct wr_copy *c)
{
    return c->stop != NULL && !is_short(search_bytes()) &&
           (c->where == WR_WHERE_WANTED ||
            (c->stop->answered == c->stop->count &&
             wr_count_get(heap_inuse) <= IN_PLACE_MOST));
}

/* ---- the search ---- */

/* The copy's pid; negative: it is not to be had. */
static long
copy_and_search(struct wr_copy *c, bool (*search)(const struct wr_copy *c))
{
    long copy = -1;

    if (!stand_still(c))
        return -1;
    if (c->stop != NULL)
        copy = wr_os_copy();
    if (copy == 0) {
        wr_os_be_nice();
        c->began_ns = wr_os_monotonic();
        wr_os_end(search(c) ? 0 : 1);
    }
    go_on(c);
    if (c->stop != NULL && outside != NULL)
        atomic_store(&outside->stop_ns, c->stop->ended_ns - c->stop->began_ns);
    return copy;
}

/* How the copy ended, killed when memory is short or the thread has to stop. */
static int
wait_for(long copy, bool *told_to_stop)
{
    uint64_t keep = copy_bytes(KEEP_BYTES);
    int status;

    while ((status = wr_os_copy_ended(copy)) == -2) {
        if (!wr_background_pause(LOOK_NS))
            *told_to_stop = true;
        if (*told_to_stop || is_short(keep))
            wr_os_copy_kill(copy);
    }
    return status;
}

/* false: c->where says where else to search, if anywhere. */
static bool
try_copy(struct wr_copy *c, bool (*search)(const struct wr_copy *c))
{
    bool told_to_stop = false;
    int status = -1;
    long copy;

    if (is_short(copy_bytes(START_BYTES))) {
        c->where = WR_WHERE_MEMORY;
        return false;
    }
    outside = wr_os_map_shared(sizeof *outside);
    copy = copy_and_search(c, search);
    if (copy > 0)
        status = wait_for(copy, &told_to_stop);
    if (outside != NULL)
        wr_os_unmap(outside, sizeof *outside);
    outside = NULL;
    if (copy < 0)
        c->where = WR_WHERE_FORBIDDEN;
    else if (status == -1 && !told_to_stop)
        c->where = WR_WHERE_MEMORY;
    return copy > 0 && status == 0;
}

long
wr_copy_send(struct wr_copy *c, bool (*search)(const struct wr_copy *c))
{
    return is_short(copy_bytes(START_BYTES)) ? -1 : copy_and_search(c, search);
}

bool
wr_copy_goes_on(long copy, bool *done)
{
    int status = wr_os_copy_ended(copy);

    *done = status == 0;
    if (status != -2)
        return false;
    if (is_short(copy_bytes(KEEP_BYTES)))
        wr_os_copy_kill(copy);
    return true;
}

static bool
in_place(struct wr_copy *c, bool (*search)(const struct wr_copy *c))
{
    bool done;

    if (!stand_still(c))
        return false;
    done = may_be_in_place(c) && search(c);
    go_on(c);
    return done;
}

enum wr_where
wr_copy_run(const struct wr_ask *ask, const char *suffix,
            bool (*search)(const struct wr_copy *c), bool *done)
{
    struct wr_text path;
    struct wr_copy c = {.ask = ask, .path = path.buf};

    *done = false;
    if (!answer_path(&path, suffix))
        return c.where;
    if ((ask->flags & WR_ASK_IN_PLACE) != 0)
        c.where = WR_WHERE_WANTED;
    else
        *done = try_copy(&c, search);
    if (c.where != WR_WHERE_COPY && (ask->flags & WR_ASK_ONLY_COPY) == 0)
        *done = in_place(&c, search);
    return c.where;
}

bool
wr_copy_do_without(const struct wr_ask *ask, const char *suffix,
                   bool (*search)(const struct wr_copy *c))
{
    struct wr_text path;
    struct wr_copy c = {.ask = ask, .path = path.buf, .where = WR_WHERE_WANTED};

    return answer_path(&path, suffix) && in_place(&c, search);
}

void
wr_copy_refuse(const struct wr_ask *ask, const char *suffix,
               enum wr_where where)
{
    struct wr_text path;
    struct wr_reply head = {.pid = wr_os_home(),
                            .trust = WR_TRUST_REFUSED,
                            .where = where,
                            .ticket = ask->ticket};
    struct wr_copy c = {.ask = ask, .path = path.buf};

    if (answer_path(&path, suffix))
        (void)wr_copy_write(&c, &(struct wr_copy_part){&head, sizeof head}, 1);
}
