/* Marks. */
#include "leak/earlier.h"

#include "base/base.h"
#include "base/text.h"
#include "heap/heap.h"
#include "heap/span.h"
#include "leak/copy.h"
#include "mark/marks.h"
#include "os/os.h"
#include "region/leaks.h"
#include "region/region.h"

struct list {
    struct wr_leaks_mark *head; /* room for `room` addresses behind it */
    uint64_t room;
};

static uint64_t *
addresses(struct wr_leaks_mark *m)
{
    return (uint64_t *)(m + 1);
}

static void
mark_path(struct wr_text *path)
{
    wr_text_init(path);
    wr_text_str(path, wr_region_path());
    wr_text_str(path, WR_LEAKS_MARK_SUFFIX);
}

static size_t
list_bytes(uint64_t blocks)
{
    return sizeof(struct wr_leaks_mark) + blocks * sizeof(uint64_t);
}

/* ---- reading ---- */

static bool
is_mark(const struct wr_leaks_mark *m)
{
    return m->magic == WR_LEAKS_MARK_MAGIC && m->pid == wr_os_home() &&
           m->blocks <= UINT32_MAX;
}

/* What is there as a block now. */
static void
add_all(struct wr_marks *set, const uint64_t *address, uint64_t n)
{
    for (uint64_t i = 0; i < n; i++) {
        size_t bytes;
        bool live = false;
        void *p = (void *)(uintptr_t)address[i];
        struct wr_span *s;

        if (wr_block_of(p, &bytes, &live) != p || !live)
            continue;
        s = wr_span_of(p);
        (void)wr_marks_add(set, s,
                           (unsigned)(((uintptr_t)p - s->base) / bytes));
    }
}

uint64_t
wr_earlier_read(struct wr_marks *set)
{
    struct wr_leaks_mark head, *m;
    struct wr_text path;
    uint64_t when = 0;

    mark_path(&path);
    if (wr_os_read_file(path.buf, (char *)&head, sizeof head) != sizeof head ||
        !is_mark(&head))
        return 0;
    m = wr_os_map(list_bytes(head.blocks));
    if (m == NULL)
        return 0;
    if (wr_os_read_file(path.buf, (char *)m, list_bytes(head.blocks)) ==
        (long)list_bytes(head.blocks)) {
        add_all(set, addresses(m), head.blocks);
        when = head.set_ns;
    }
    wr_os_unmap(m, list_bytes(head.blocks));
    return when;
}

/* ---- writing ---- */

static void
note(struct wr_span *s, unsigned block, void *list)
{
    struct list *l = list;

    if (l->head->blocks < l->room)
        addresses(l->head)[l->head->blocks++] =
            s->base + block * wr_span_block_bytes(s);
}

bool
wr_earlier_write(const struct wr_copy *c, const struct wr_marks *one,
                 const struct wr_marks *other, uint64_t blocks)
{
    struct list l = {wr_os_map(list_bytes(blocks)), blocks};
    struct wr_copy mark = *c;
    struct wr_text path;
    bool written;

    if (l.head == NULL)
        return false;
    *l.head = (struct wr_leaks_mark){.magic = WR_LEAKS_MARK_MAGIC,
                                     .pid = wr_os_home(),
                                     .set_ns = wr_os_realtime()};
    wr_marks_each(one, note, &l);
    wr_marks_each(other, note, &l);
    mark_path(&path);
    mark.path = path.buf;
    written = wr_copy_write(
        &mark, &(struct wr_copy_part){l.head, list_bytes(l.head->blocks)}, 1);
    wr_os_unmap(l.head, list_bytes(blocks));
    return written;
}
