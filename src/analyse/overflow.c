/* Stack overflows. */
#include "analyse/overflow.h"

#include <string.h>
#include "analyse/frame.h"
#include "analyse/profile.h"
#include "analyse/units.h"
#include "region/read.h"

#define PERIOD_MOST 64
#define HEAD_MOST   64

/* The address of a frame, 0 where it is not known. */
static uint64_t
frame(const struct wr_overflow *o, uint64_t i)
{
    uint64_t last = o->frames - o->last_count;
    if (i < o->first_count)
        return o->first[i];
    return i >= last && i < o->frames ? o->last[i - last] : 0;
}

/* Do the first frames repeat from `head` on, twice at least? */
static bool
repeats(const struct wr_overflow *o, uint32_t head, uint32_t period)
{
    if (head + 3 * period > o->first_count)
        return false;
    for (uint32_t i = head; i + period < o->first_count; i++)
        if (o->first[i] != o->first[i + period])
            return false;
    return true;
}

static bool
find_period(struct wr_overflow_fold *f)
{
    for (f->head = 0; f->head < HEAD_MOST; f->head++)
        for (f->period = 1; f->period <= PERIOD_MOST; f->period++)
            if (repeats(&f->is, f->head, f->period))
                return true;
    f->head = f->period = 0;
    return false;
}

void
wr_overflow_find_cycle(struct wr_overflow_fold *f)
{
    const struct wr_overflow *o = &f->is;
    f->repeats = f->tail = 0;
    if (o->frames <= o->first_count || !find_period(f))
        return;
    /* Of the last frames, those at the outer end which do not fit. */
    f->tail = o->frames - o->last_count;
    for (uint32_t shift = 0; shift < f->period; shift++) {
        uint64_t i = o->frames - o->last_count, begin = i;
        while (i < o->frames &&
               frame(o, i) ==
                   o->first[f->head + (i - begin + shift) % f->period])
            i++;
        if (i > f->tail)
            f->tail = i;
    }
    f->repeats = (f->tail - f->head) / f->period;
}

bool
wr_overflow_fold(struct wr_overflow_fold *f, const struct wr_region_view *view)
{
    if (wr_view_used(view, WR_TABLE_OVERFLOW) == 0)
        return false;
    memcpy(&f->is, view->base + view->table[WR_TABLE_OVERFLOW].offset,
           sizeof f->is);
    struct wr_overflow *o = &f->is;
    o->name[sizeof o->name - 1] = '\0';
    if (o->when_ns == 0 || o->first_count > WR_OVERFLOW_FIRST ||
        o->last_count > WR_OVERFLOW_LAST ||
        o->frames < (uint64_t)o->first_count + o->last_count)
        return false;
    f->head = f->period = 0;
    wr_overflow_find_cycle(f);
    return true;
}

/* --- Text ---------------------------------------------------------------- */

void
wr_overflow_print(const struct wr_overflow_fold *f, const struct wr_profile *p,
                  FILE *out)
{
    const struct wr_overflow *o = &f->is;
    char used[WR_VALUE_ROOM], limit[WR_VALUE_ROOM] = "no limit";
    wr_value_format(used, sizeof used, (int64_t)o->used, "bytes");
    if (o->limit <= INT64_MAX)
        wr_value_format(limit, sizeof limit, (int64_t)o->limit, "bytes");
    fprintf(out,
            "  stack overflow: thread %u (%s%s) used %s of its stack, of %s, "
            "in %llu frames\n",
            o->tid, o->name, o->main_thread ? ", the main one" : "", used,
            limit, (unsigned long long)o->frames);
    if (f->period == 0) {
        wr_frames_print(p, 0, 6, out);
        if (o->frames > o->first_count)
            fputs("      ...\n", out);
        if (o->last_count)
            wr_frames_print(p, 2, 6, out);
        return;
    }
    if (f->head)
        wr_frames_print(p, 0, 6, out);
    fprintf(out, "    %llu times:\n", (unsigned long long)f->repeats);
    wr_frames_print(p, 1, 6, out);
    fputs("    called from:\n", out);
    wr_frames_print(p, 2, 6, out);
}
