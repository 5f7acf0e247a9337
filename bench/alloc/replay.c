/* A real program's calls of malloc, again.
 *
 * The trace is read into a table before the time starts, without malloc. The
 * threads' calls are made by one thread, in the order in which they were
 * recorded. A block's first eight bytes and last one are written when it is
 * born or moved, and a byte of each page; they are read when it goes. A short
 * trace is played several times, each on what the last one left behind.
 */
#include "load.h"

#include "record/trace.h"

static void
mark(struct slot *s, void *p, size_t bytes, uint64_t tag)
{
    *s = (struct slot){p, bytes};
    if (bytes >= 8) {
        block_touch(p, 4096, bytes - 1);
        block_tag(p, bytes, tag);
    } else if (p == NULL) {
        load_die("no memory for %zu bytes", bytes);
    }
}

static uint64_t
check(const struct slot *s)
{
    return s->bytes >= 8 ? block_check(s->p, s->bytes) : 0;
}

static void *
born(const struct wr_step *s)
{
    if (s->kind == WR_STEP_CALLOC)
        return calloc(1, s->bytes);
    if (s->kind == WR_STEP_ALIGNED)
        return aligned_alloc((size_t)1 << s->align_log2, s->bytes);
    return malloc(s->bytes);
}

static void
play(struct load *l, struct slot *slots, const struct wr_step *s, uint64_t tag)
{
    struct slot *one = &slots[s->slot];

    if (s->kind == WR_STEP_FREE) {
        l->sum += check(one);
        free(one->p);
        *one = (struct slot){NULL, 0};
    } else if (s->kind == WR_STEP_REALLOC) {
        size_t kept = one->bytes < s->bytes ? one->bytes : s->bytes;
        void *p = realloc(one->p, s->bytes);

        if (p != NULL && kept >= 8)
            l->sum += *(uint64_t *)p;
        mark(one, p, s->bytes, tag);
        l->ops++;
    } else {
        mark(one, born(s), s->bytes, tag);
        l->ops++;
    }
}

static void
free_rest(struct load *l, struct slot *slots, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        if (slots[i].p != NULL)
            l->sum += check(&slots[i]);
        free(slots[i].p);
        slots[i] = (struct slot){NULL, 0};
    }
}

void
run_replay(struct load *l)
{
    struct wr_trace t;
    struct slot *slots;
    char why[200];

    if (wr_trace_open(&t, l->file, why, sizeof why) != 0)
        load_die("%s: %s", l->file, why);
    own_note(t.steps * sizeof *t.step);
    slots = own_map(((size_t)t.slots + 1) * sizeof *slots);
    load_begin();
    do {
        for (size_t i = 0; i < t.steps; i++)
            play(l, slots, &t.step[i], i);
        free_rest(l, slots, t.slots);
    } while (t.steps > 0 && l->ops < l->wanted);
}
