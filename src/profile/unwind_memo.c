/* Walking again.
 *
 * Invariants
 * 1. Frames [first, END) are one walk: each follows from the one before by
 *    its word and the words it read. The last is OUTERMOST, unless the stack
 *    had more frames than there is room for.
 * 2. While a walk is under way its new frames are [0, fresh), the innermost
 *    first, and those of the last walk that it may still meet lie behind
 *    them, in [next, END).
 * 3. sp grows from frame to frame, in both: so does it from the new frames
 *    to where the walk is.
 * 4. FP_LEADS is set where the walk further out depends on the frame's fp.
 *    Where it is not set, a frame stands whatever its fp is, and nobody
 *    takes the remembered one for it.
 * 5. Nothing is read outside [sp of the walk, end of the thread's stack).
 */
#include "profile/unwind_memo.h"

#include "base/base.h"
#include "profile/bucket.h"
#include "profile/module.h"
#include "profile/unwind_walk.h"

enum { END = WR_UNWIND_MEMO_FRAMES };

enum {
    FP_LEADS = 1, /* invariant 4 */
    /* What a frame asks for besides its return address: */
    ASKS_FP = 2,       /* that its callee still has saved the same fp */
    ASKS_MODULE = 4,   /* that its module is still there */
    ASKS_TOO_MUCH = 8, /* its callee is realigned */
    ASKS = ASKS_FP | ASKS_MODULE | ASKS_TOO_MUCH,
};

struct again {
    struct wr_unwind_memo *memo;
    struct wr_unwind_past *past; /* what it is compared with, and becomes */
    struct wr_unwind_walk walk;
    struct wr_unwind_ground ground;
    unsigned fresh, next;
};

/* ---- Weir's own frames ---- */

/* Goes that way, if it is the one that leads here. */
static inline bool
take_way(struct again *a, const struct wr_unwind_way *way)
{
    uintptr_t sp = a->walk.sp;
    unsigned last = way->steps - 1;

    if (way->steps == 0 || way->length > a->ground.stack.end - sp)
        return false;
    for (unsigned i = 0; i < last; i++)
        if (wr_regs_strip(wr_unwind_word_at(sp + way->ra_at[i])) != way->pc[i])
            return false;
    a->walk.at = wr_regs_strip(wr_unwind_word_at(sp + way->ra_at[last])) - 1;
    a->walk.sp = sp + way->length;
    if (way->fp_saved)
        a->walk.fp = wr_unwind_word_at(sp + way->fp_at);
    return true;
}

/* The walk took a step by this word. Notes it; false: the frame is not one
 * of fixed size that is there for ever, or there are too many. */
static bool
note_step(const struct again *a, struct wr_unwind_way *way, wr_unwind_word word,
          uintptr_t start)
{
    unsigned slot = wr_unwind_word_slot(word), i = way->steps;

    if (i == WR_UNWIND_WAY_STEPS || wr_unwind_word_module(word) != 0 ||
        wr_unwind_word_uses_fp(word))
        return false;
    way->ra_at[i] = (uint32_t)(wr_frame_ra_at(a->walk.sp, slot) - start);
    way->pc[i] = a->walk.at + 1;
    way->length = (uint32_t)(a->walk.sp - start);
    if (wr_unwind_word_saves_fp(word)) {
        way->fp_saved = true;
        way->fp_at = (uint32_t)(a->walk.sp - 8 * (uintptr_t)slot - start);
    }
    way->steps++;
    return true;
}

/* Walks to the first frame that is not Weir's. false: it can't be seen. */
static WR_COLD bool
find_way(struct again *a)
{
    struct wr_unwind_memo *m = a->memo;
    struct wr_unwind_way way = {0};
    uintptr_t start = a->walk.sp;
    bool noted = true;

    do {
        wr_unwind_word word = wr_unwind_known(&a->ground, a->walk.at);

        if (wr_unwind_word_kind(word) <= WR_UNWIND_FULL ||
            !wr_unwind_step(&a->walk, &a->ground, word))
            return false;
        noted = noted && note_step(a, &way, word, start);
    } while (wr_module_is_weir(a->walk.at));
    if (noted) {
        m->last_way = (m->last_way + 1) % WR_UNWIND_WAYS;
        m->way[m->last_way] = way;
    }
    return true;
}

static bool
leave_weir(struct again *a)
{
    struct wr_unwind_memo *m = a->memo;

    if (wr_likely(take_way(a, &m->way[m->last_way])))
        return true;
    for (unsigned i = 0; i < WR_UNWIND_WAYS; i++) {
        if (take_way(a, &m->way[i])) {
            m->last_way = i;
            return true;
        }
    }
    return find_way(a);
}

/* ---- comparing with the last walk ---- */

/* Where a frame's return address was read, and its fp if its callee saved
 * it. Not for `first`. */
static inline uintptr_t
ra_at(const struct wr_unwind_past *p, unsigned i)
{
    return wr_frame_ra_at(p->sp[i], wr_unwind_word_slot(p->word[i - 1]));
}

static inline uintptr_t
fp_at(const struct wr_unwind_past *p, unsigned i)
{
    return p->sp[i] - 8 * (uintptr_t)wr_unwind_word_slot(p->word[i - 1]);
}

static bool
module_stands(struct again *a, unsigned i)
{
    const struct wr_unwind_past *p = a->past;
    unsigned number = wr_unwind_word_module(p->word[i]);

    return number == 0 ||
           wr_unwind_still_true(&a->ground, p->pc[i] - 1, number);
}

static bool
gets_what_it_asks(struct again *a, unsigned i)
{
    const struct wr_unwind_past *p = a->past;

    if (p->flags[i] & ASKS_TOO_MUCH)
        return false;
    if ((p->flags[i] & ASKS_FP) && wr_unwind_word_at(fp_at(p, i)) != p->fp[i])
        return false;
    return module_stands(a, i);
}

/* The frame of the last walk that this one is at; END: none. Passes frames
 * further in, and new ones that lie where old ones did (invariant 3). */
static inline unsigned
meet(struct again *a)
{
    const struct wr_unwind_past *p = a->past;
    unsigned i = a->next;

    while (i < END && p->sp[i] < a->walk.sp)
        i++;
    a->next = i;
    if (i == END || p->sp[i] != a->walk.sp || p->pc[i] != a->walk.at + 1)
        return END;
    if ((p->flags[i] & FP_LEADS) && p->fp[i] != a->walk.fp)
        return END;
    return module_stands(a, i) ? i : END;
}

/* Frame i stands. The first one further out that does not. */
static inline unsigned
agree(struct again *a, unsigned i)
{
    const struct wr_unwind_past *p = a->past;

    while (++i < END && p->sp[i] <= a->ground.stack.end) {
        if (wr_regs_strip(wr_unwind_word_at(ra_at(p, i))) != p->pc[i])
            break;
        if (wr_unlikely(p->flags[i] & ASKS) && !gets_what_it_asks(a, i))
            break;
    }
    return i;
}

/* ---- making the new walk ---- */

/* The frame that the walk is at is new. */
static inline void
add(struct again *a, wr_unwind_word word)
{
    struct wr_unwind_past *p = a->past;
    unsigned i = a->fresh++;

    p->sp[i] = a->walk.sp;
    p->fp[i] = a->walk.fp;
    p->pc[i] = a->walk.at + 1;
    p->word[i] = word;
}

/* Frames [i, end) stand: they are added, but for the last, where the walk is
 * then. */
static void
take_over(struct again *a, unsigned i, unsigned end)
{
    struct wr_unwind_past *p = a->past;

    for (a->next = end; i + 1 < end; i++) {
        struct wr_unwind_walk caller = {p->pc[i + 1] - 1, p->sp[i + 1],
                                        a->walk.fp};
        wr_unwind_word word = p->word[i];

        if (wr_unwind_word_saves_fp(word))
            caller.fp = wr_unwind_word_at(fp_at(p, i + 1));
        add(a, word); /* may overwrite frame i */
        a->walk = caller;
    }
}

/* What a frame asks for after this callee. */
static inline uint8_t
flags_after(wr_unwind_word callee, wr_unwind_word word, bool fp_leads)
{
    uint8_t flags = fp_leads ? FP_LEADS : 0;

    if (fp_leads && wr_unwind_word_saves_fp(callee))
        flags |= ASKS_FP;
    if (wr_unwind_word_module(word) != 0)
        flags |= ASKS_MODULE;
    if (wr_unwind_word_kind(callee) == WR_UNWIND_REALIGNED)
        flags |= ASKS_TOO_MUCH;
    return flags;
}

/* The new frames move next to the old ones that stay, [i, END). Field by
 * field: a wider load would wait for the stores of add(). */
static inline void
settle(struct again *a, unsigned i)
{
    struct wr_unwind_past *p = a->past;
    uint64_t hash = i < END ? p->hash[i] : 0;
    unsigned count = i < END ? p->count[i] : 0;
    bool fp_leads = i < END && (p->flags[i] & FP_LEADS);

    for (unsigned k = a->fresh; k-- > 0;) {
        wr_unwind_word word = p->word[k];
        uintptr_t pc = p->pc[k];

        if (i < END)
            p->flags[i] = flags_after(word, p->word[i], fp_leads);
        fp_leads = wr_unwind_word_uses_fp(word) ||
                   (fp_leads && !wr_unwind_word_saves_fp(word));
        if (!wr_module_is_weir(pc - 1)) {
            hash = wr_stack_hash_add(hash, pc);
            p->program[END - ++count] = pc;
        }
        i--;
        p->sp[i] = p->sp[k];
        p->fp[i] = p->fp[k];
        p->pc[i] = pc;
        p->word[i] = word;
        p->flags[i] = fp_leads ? FP_LEADS : 0;
        p->hash[i] = hash;
        p->count[i] = (uint8_t)count;
    }
    p->first = i;
    p->number = 0;
}

/* Is the last walk known to its end (invariant 1)? */
static bool
is_whole(const struct wr_unwind_past *p)
{
    return wr_unwind_word_kind(p->word[END - 1]) == WR_UNWIND_OUTERMOST;
}

/* From the program's innermost frame. false: the stack needs another kind of
 * walk, and what was remembered is lost. */
static bool
walk_on(struct again *a)
{
    for (;;) {
        unsigned met = meet(a), end;
        wr_unwind_word word;

        if (met != END) {
            end = agree(a, met);
            if (end == END && is_whole(a->past)) {
                if (a->fresh != 0 || met != a->past->first)
                    settle(a, met);
                return true;
            }
            take_over(a, met, end);
        }
        word = wr_unwind_known(&a->ground, a->walk.at);
        add(a, word);
        if (a->fresh == END ||
            wr_unwind_word_kind(word) == WR_UNWIND_OUTERMOST) {
            settle(a, END);
            return true;
        }
        if (wr_unwind_word_kind(word) <= WR_UNWIND_FULL ||
            !wr_unwind_step(&a->walk, &a->ground, word))
            return false;
    }
}

/* ---- */

/* The walk that ended up like this one, most likely: by the program's
 * innermost frame. */
static struct wr_unwind_past *
choose(struct wr_unwind_memo *m, const struct wr_unwind_walk *walk)
{
    uint64_t hash = wr_stack_hash_add(walk->sp, walk->at);

    return &m->past[hash & m->mask];
}

static WR_COLD void
forget(struct wr_unwind_memo *m, uint64_t epoch)
{
    for (unsigned i = 0; i < WR_UNWIND_WAYS; i++)
        m->way[i].steps = 0;
    for (unsigned i = 0; i <= m->mask; i++)
        m->past[i].first = END;
    m->epoch = epoch;
}

/* May the walk from this stack pointer use the memo? Whoever uses it already
 * was interrupted by this walk; or, if further in than this one is, has been
 * left for good in the middle of its work. */
static bool
take(struct wr_unwind_memo *m, uintptr_t sp)
{
    uint64_t epoch =
        atomic_load_explicit(&wr_unwind_cache_epoch, memory_order_acquire);
    bool left = m->busy != 0 && m->busy < sp;

    if (m->busy != 0 && !left)
        return false;
    m->busy = sp;
    atomic_signal_fence(memory_order_seq_cst);
    if (wr_unlikely(left || m->epoch != epoch))
        forget(m, epoch);
    return true;
}

void
wr_unwind_seen_done(struct wr_unwind_memo *memo)
{
    atomic_signal_fence(memory_order_seq_cst);
    memo->busy = 0;
}

static void
show(struct wr_unwind_past *p, struct wr_unwind_seen *seen)
{
    seen->n = p->count[p->first];
    seen->pc = p->program + END - seen->n;
    seen->hash = p->hash[p->first];
    seen->number = &p->number;
    if (wr_unlikely(seen->n > WR_STACK_FRAMES)) {
        seen->n = WR_STACK_FRAMES;
        seen->hash = wr_stack_hash(seen->pc, seen->n);
    }
}

__attribute__((noinline)) bool
wr_unwind_again(struct wr_unwind_memo *memo, struct wr_unwind_seen *seen)
{
    struct again a;

    wr_regs_place(&a.walk.at, &a.walk.sp, &a.walk.fp);
    wr_unwind_stack_enter(&a.ground.stack, a.walk.sp);
    if (!a.ground.stack.own || !take(memo, a.walk.sp))
        return false;
    a.ground.trusted_start = a.ground.trusted_end = 0;
    a.ground.trusted_number = 0;
    a.memo = memo;
    if (leave_weir(&a)) {
        a.past = choose(memo, &a.walk);
        a.fresh = 0;
        a.next = a.past->first;
        if (walk_on(&a)) {
            show(a.past, seen);
            return true;
        }
        a.past->first = END;
    }
    wr_unwind_seen_done(memo);
    return false;
}
