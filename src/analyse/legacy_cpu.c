/* gperftools' CPU profiles: words of the machine that wrote them, then its
 * /proc/self/maps as text.
 *
 *     0 3 0 PERIOD 0          heading, the period in microseconds
 *     COUNT DEPTH PC...       stacks, leaf first
 *     0 1 0                   the end
 *
 * Invariants:
 * 1. Words are of 8 bytes or of 4, little end first, as the heading shows.
 * 2. Addresses behind the leaf are return addresses: they are taken back into
 *    the call. The leaf is where the signal came.
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include "analyse/legacy.h"
#include "analyse/store.h"

#define HEADING    5  /* words */
#define STRIPPED   2  /* frames of the signal's handler, at most */
#define ALIKE_PART 32 /* one sample of so many may lack such a frame */

static const char handler_frames[] =
    "ProfileData::Add|ProfileData::prof_handler|CpuProfiler::prof_handler|"
    "__pthread_sighandler|__restore";

struct stack {
    uint64_t count;
    uint64_t *pc;
    uint32_t depth;
};

struct cpu {
    const unsigned char *bytes;
    size_t length, at; /* in bytes */
    unsigned word;     /* 8 or 4 */
    struct stack *stacks;
    uint64_t *pcs; /* of all stacks */
    uint32_t count;
};

/* --- Words --------------------------------------------------------------- */

static bool
take_word(struct cpu *c, uint64_t *value)
{
    if (c->length - c->at < c->word)
        return false;
    *value = 0;
    for (unsigned i = 0; i < c->word; i++)
        *value |= (uint64_t)c->bytes[c->at + i] << 8 * i;
    c->at += c->word;
    return true;
}

static bool
take_heading(struct cpu *c, uint64_t *period)
{
    static const uint64_t wanted[HEADING] = {0, 3, 0, 0, 0};
    for (c->word = 8; c->word >= 4; c->word -= 4) {
        uint64_t got[HEADING];
        unsigned n = 0;
        c->at = 0;
        while (n < HEADING && take_word(c, &got[n]) &&
               (n == 3 ? got[n] > 0 : got[n] == wanted[n]))
            n++;
        *period = n == HEADING ? got[3] : 0;
        if (n == HEADING)
            return *period < INT64_MAX / 1000;
    }
    return false;
}

/* --- Stacks -------------------------------------------------------------- */

static bool
take_stack(struct cpu *c, uint64_t **free_pc, bool *end)
{
    uint64_t count, depth;
    if (!take_word(c, &count) || !take_word(c, &depth) ||
        depth > (c->length - c->at) / c->word)
        return false;
    struct stack *s = &c->stacks[c->count];
    *s = (struct stack){count, *free_pc, (uint32_t)depth};
    for (uint64_t i = 0; i < depth; i++) {
        take_word(c, &s->pc[i]);
        s->pc[i] -= i > 0;
    }
    *end = count == 0 && depth == 1 && s->pc[0] == 0;
    *free_pc += depth;
    c->count += !*end;
    return true;
}

static void
remove_second(struct stack *s)
{
    s->pc[1] = s->pc[0];
    s->pc++;
    s->depth--;
}

/* The second address that most stacks have: a candidate, to be counted. */
static uint64_t
common_second(const struct cpu *c)
{
    uint64_t candidate = 0;
    uint32_t lead = 0;
    for (uint32_t i = 0; i < c->count; i++) {
        uint64_t pc = c->stacks[i].depth > 1 ? c->stacks[i].pc[1] : 0;
        if (lead == 0)
            candidate = pc;
        if (pc == candidate)
            lead++;
        else
            lead--;
    }
    return candidate;
}

static bool
has_second(const struct stack *s, uint64_t pc)
{
    return s->depth > 1 && s->pc[1] == pc;
}

/* What nearly every stack has behind the leaf is the signal's handler. */
static void
strip_handler(struct cpu *c)
{
    uint64_t pc = common_second(c);
    uint32_t having = 0;
    for (uint32_t i = 0; i < c->count; i++)
        having += has_second(&c->stacks[i], pc);
    for (uint32_t i = 0;
         having && having >= c->count - c->count / ALIKE_PART && i < c->count;
         i++)
        if (has_second(&c->stacks[i], pc))
            remove_second(&c->stacks[i]);
}

/* The leaf may be there twice: from the signal and from the unwinder. */
static void
strip_double_leaves(struct cpu *c)
{
    for (uint32_t i = 0; i < c->count; i++)
        if (has_second(&c->stacks[i], c->stacks[i].pc[0] - 1))
            remove_second(&c->stacks[i]);
}

static bool
take_stacks(struct cpu *c)
{
    size_t words = (c->length - c->at) / c->word;
    c->stacks = calloc(words / 2 + 1, sizeof *c->stacks);
    c->pcs = calloc(words + 1, sizeof *c->pcs);
    uint64_t *free_pc = c->pcs;
    bool end = false, good = c->stacks && c->pcs;
    while (good && !end && c->at < c->length)
        good = take_stack(c, &free_pc, &end);
    for (int i = 0; good && i < STRIPPED; i++)
        strip_handler(c);
    if (good)
        strip_double_leaves(c);
    return good;
}

/* --- The whole ----------------------------------------------------------- */

static void
take_maps(struct wr_profile *p, const struct cpu *c)
{
    size_t n = c->length - c->at;
    char *text = malloc(n + 1), *line = text, *end;
    if (!text) {
        p->failed = true;
        return;
    }
    memcpy(text, c->bytes + c->at, n);
    text[n] = '\0';
    for (; *line; line = end) {
        size_t length = strcspn(line, "\n");
        end = line + length + (line[length] == '\n');
        line[length] = '\0';
        wr_legacy_mapping(p, line);
    }
    free(text);
}

static void
add_stack(struct wr_profile *p, const struct stack *s, uint32_t *frames)
{
    int64_t values[2] = {(int64_t)s->count,
                         (int64_t)(s->count * (uint64_t)p->period)};
    for (uint32_t i = 0; i < s->depth; i++)
        frames[i] = wr_profile_location(p, wr_legacy_mapping_of(p, s->pc[i]),
                                        s->pc[i], NULL, 0);
    if (!p->failed)
        wr_profile_new_sample(p, frames, s->depth, values, NULL, 0);
}

static bool
fill(struct wr_profile *p, const struct cpu *c, uint64_t period)
{
    uint32_t deepest = 0;
    for (uint32_t i = 0; i < c->count; i++)
        if (c->stacks[i].depth > deepest)
            deepest = c->stacks[i].depth;
    uint32_t *frames = calloc((size_t)deepest + 1, sizeof *frames);
    wr_profile_add_type(p, "samples", "count");
    wr_profile_add_type(p, "cpu", "nanoseconds");
    if (!frames || p->failed)
        p->failed = true;
    else
        p->period_type = p->types[1];
    p->period = (int64_t)period * 1000;
    p->drop_frames = wr_profile_string(p, handler_frames);
    take_maps(p, c);
    for (uint32_t i = 0; !p->failed && i < c->count; i++)
        add_stack(p, &c->stacks[i], frames);
    free(frames);
    return !p->failed;
}

bool
wr_legacy_cpu_recognise(const void *bytes, size_t length)
{
    struct cpu c = {.bytes = bytes, .length = length};
    uint64_t period;
    return take_heading(&c, &period);
}

int
wr_legacy_cpu_decode(struct wr_profile **out, const void *bytes, size_t length,
                     char *why, size_t n)
{
    struct cpu c = {.bytes = bytes, .length = length};
    uint64_t period = 0;
    struct wr_profile *p = wr_profile_new();
    take_heading(&c, &period);
    bool whole = take_stacks(&c), memory = p && c.stacks && c.pcs;
    if (memory && whole)
        memory = fill(p, &c, period);
    free(c.stacks);
    free(c.pcs);
    if (memory && whole) {
        *out = p;
        return 0;
    }
    wr_profile_free(p);
    return memory ? wr_profile_fail(why, n, "the CPU profile is cut short")
                  : wr_profile_fail(why, n, "out of memory");
}
