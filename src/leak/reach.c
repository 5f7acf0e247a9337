/* What can be reached. */
#include "leak/reach.h"

#include "heap/span.h"
#include "leak/early.h"
#include "leak/known.h"
#include "leak/roots.h"
#include "mark/mark.h"
#include "mark/marks.h"

static void
scan_root(uintptr_t from, uintptr_t end, void *reach)
{
    struct wr_reach *r = reach;

    wr_marker_scan(r->marker, (void *)from, (void *)end);
    r->root_bytes += end - from;
}

static void
keep_odd(struct wr_span *s, unsigned block, void *reach)
{
    struct wr_reach *r = reach;

    if (!wr_marker_add(r->marker, s, block))
        return;
    r->odd_blocks++;
    r->odd_bytes += wr_span_block_bytes(s);
}

/* In what odd pointers keep there may be more of them. */
static bool
reach_rest(struct wr_reach *r)
{
    uint64_t before;

    if (!wr_marker_finish(r->marker))
        return false;
    do {
        before = r->odd_blocks;
        wr_marks_each(r->odd, keep_odd, r);
        if (!wr_marker_finish(r->marker))
            return false;
    } while (r->odd_blocks > before);
    return true;
}

bool
wr_reach_all(struct wr_reach *r, const struct wr_stop *s)
{
    if (!wr_roots_each(s, scan_root, r))
        return false;
    r->root_bytes += wr_known_mark(r->marker);
    return reach_rest(r);
}

bool
wr_reach_is_proved(void)
{
    return wr_early_whole() && wr_roots_unread() == 0;
}
