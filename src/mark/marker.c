/* A marker's life, and its helpers. Invariants: mark/marker.h. */
#include "mark/marker.h"

#include "base/base.h"
#include "mark/crew.h"
#include "mark/marks.h"
#include "mark/odd.h"
#include "os/os.h"
#include "os/pages.h"
#include "region/counters.h"

/* --- Its life ------------------------------------------------------------ */

/* The stack of one of so many. Where so much address space is not to be had,
 * less does. */
static bool
make_grey(struct wr_marker *m, unsigned markers)
{
    size_t wanted = wr_count_get(heap_inuse) / WR_MARKER_GREY_PART / markers +
                    WR_MARKER_GREY_STEP;

    m->grey_bytes = wr_align_up(wanted, WR_MARKER_GREY_STEP);
    m->grey = wr_os_reserve(m->grey_bytes);
    if (m->grey == NULL) {
        m->grey_bytes = WR_MARKER_GREY_STEP;
        m->grey = wr_os_reserve(m->grey_bytes);
    }
    m->limit = m->grey_bytes / sizeof *m->grey;
    return m->grey != NULL;
}

static struct wr_marker *
make(struct wr_marks *marks, struct wr_marks *kept)
{
    struct wr_marker *m = wr_os_map(sizeof *m);

    if (m == NULL)
        return NULL;
    m->marks = marks;
    m->together = marks->from_birth;
    m->kept = kept;
    m->markers = 1;
    m->pages.file = -1;
    m->low = marks->first << WR_WINDOW_SHIFT;
    m->span = marks->windows << WR_WINDOW_SHIFT;
    m->odd = wr_odd_in(m->low, m->span);
    wr_marker_learn_kinds(m);
    return m;
}

struct wr_marker *
wr_marker_new(struct wr_marks *marks, struct wr_marks *odd)
{
    struct wr_marker *m = make(marks, odd);

    if (m == NULL)
        return NULL;
    wr_os_pages_open(&m->pages);
    if (make_grey(m, 1))
        return m;
    wr_marker_free(m);
    return NULL;
}

struct wr_marker *
wr_marker_new_shallow(struct wr_marks *marks)
{
    struct wr_marker *m = make(marks, NULL);

    if (m == NULL)
        return NULL;
    m->shallow = true;
    wr_os_pages_open(&m->pages);
    return m;
}

void
wr_marker_go_alone(struct wr_marker *m)
{
    for (unsigned i = 1; i < WR_MARKERS_MOST && m->helper[i] != NULL; i++) {
        m->helper[i]->crew = NULL; /* it is the leader's */
        wr_marker_free(m->helper[i]);
        m->helper[i] = NULL;
    }
    wr_crew_free(m->crew);
    m->crew = NULL;
    m->together = m->pool != NULL || m->marks->from_birth;
    m->markers = 1;
}

void
wr_marker_free(struct wr_marker *m)
{
    if (m == NULL)
        return;
    wr_marker_go_alone(m);
    wr_os_pages_close(&m->pages);
    if (m->grey != NULL)
        wr_os_unmap(m->grey, m->grey_bytes);
    wr_os_unmap(m, sizeof *m);
}

void
wr_marker_ignore(struct wr_marker *m, uintptr_t from, uintptr_t end)
{
    m->ignored = from;
    m->ignored_bytes = end - from;
}

const struct wr_marked *
wr_marker_sums(const struct wr_marker *m)
{
    return &m->sums;
}

uint64_t
wr_marker_scanned(const struct wr_marker *m)
{
    uint64_t sum = __atomic_load_n(&m->sums.scanned, __ATOMIC_RELAXED);

    for (unsigned i = 1; i < m->markers; i++)
        sum += __atomic_load_n(&m->helper[i]->sums.scanned, __ATOMIC_RELAXED);
    return sum;
}

static void
exchange(size_t *a, size_t *b)
{
    size_t was = *a;

    *a = *b;
    *b = was;
}

void
wr_marker_exchange(struct wr_marker *a, struct wr_marker *b)
{
    struct wr_grey *grey = a->grey;

    a->grey = b->grey;
    b->grey = grey;
    exchange(&a->grey_bytes, &b->grey_bytes);
    exchange(&a->bottom, &b->bottom);
    exchange(&a->depth, &b->depth);
    exchange(&a->room, &b->room);
    exchange(&a->limit, &b->limit);
}

void
wr_marker_limit_grey(struct wr_marker *m, size_t blocks)
{
    m->limit = blocks;
    m->room = wr_min(m->room, blocks);
    for (unsigned i = 1; i < m->markers; i++)
        wr_marker_limit_grey(m->helper[i], blocks);
}

/* --- Together ------------------------------------------------------------ */

/* A chunk must find room. */
bool
wr_marker_can_take_chunks(struct wr_marker *m)
{
    return m->room > 0 || wr_marker_make_room(m);
}

struct wr_marker *
wr_marker_beside(const struct wr_marker *m, unsigned markers)
{
    struct wr_marker *h = make(m->marks, m->kept);

    if (h == NULL)
        return NULL;
    h->together = true;
    h->crew = m->crew;
    h->pool = m->pool;
    if (make_grey(h, markers) && wr_marker_can_take_chunks(h))
        return h;
    h->crew = NULL;
    wr_marker_free(h);
    return NULL;
}

/* What several write, or map, is there before they begin. */
static bool
prepare(struct wr_marker *m, unsigned n)
{
    m->crew = wr_crew_new(n);
    m->together = true;
    if (m->crew == NULL || !wr_marker_can_take_chunks(m) ||
        !wr_marks_make_all(m->marks) ||
        (m->kept != NULL && !wr_marks_make_all(m->kept)))
        return false;
    for (m->markers = 1; m->markers < n; m->markers++) {
        m->helper[m->markers] = wr_marker_beside(m, n);
        if (m->helper[m->markers] == NULL)
            return false;
        m->helper[m->markers]->number = m->markers;
    }
    return true;
}

bool
wr_marker_share(struct wr_marker *m, unsigned n)
{
    WR_ASSERT(m->crew == NULL && !m->shallow && n > 1 && n <= WR_MARKERS_MOST);
    if (prepare(m, n))
        return true;
    wr_marker_go_alone(m);
    return false;
}

void
wr_marker_help(struct wr_marker *leader, unsigned i)
{
    struct wr_marker *m = leader->helper[i];

    WR_ASSERT(i > 0 && i < leader->markers);
    wr_os_pages_open(&m->pages);
    while ((m->depth = wr_crew_next(m->crew, m->grey)) > 0) {
        wr_marker_blacken(m);
        wr_crew_rest(m->crew);
    }
    wr_os_pages_close(&m->pages);
}

void
wr_marker_dismiss(struct wr_marker *m)
{
    if (m->crew != NULL)
        wr_crew_dismiss(m->crew);
}

uint64_t
wr_marker_helped(const struct wr_marker *m)
{
    return m->helped;
}
