/* Invariants
 * 1. Nothing here allocates, locks or trusts p.
 */
#include "heap/misuse.h"

#include "base/die.h"
#include "heap/heap.h"
#include "heap/span.h"
#include "region/event.h"

static void
add_size(struct wr_text *t, const struct wr_span *s)
{
    wr_text_uint(t, wr_span_block_bytes(s));
    wr_text_str(t, s->class_id != 0 ? "-byte block" : "-byte large block");
}

static void
describe_small(struct wr_text *t, struct wr_span *s, const void *p)
{
    bool exact;
    unsigned block = wr_span_block_of(s, p, &exact);
    uintptr_t start = s->base + (uintptr_t)block * s->block_bytes;

    if (block >= s->blocks) {
        wr_text_str(t, "it lies behind the last block of a span of ");
        wr_text_uint(t, s->block_bytes);
        wr_text_str(t, "-byte blocks");
    } else if (!exact) {
        wr_text_str(t, "it lies ");
        wr_text_uint(t, (uintptr_t)p - start);
        wr_text_str(t, " bytes inside a ");
        add_size(t, s);
        wr_text_str(t, " at ");
        wr_text_hex(t, start);
    } else {
        wr_text_str(t, "double free of a ");
        add_size(t, s);
    }
}

static void
describe(struct wr_text *t, const void *p)
{
    struct wr_span *s = wr_span_of(p);

    if (s == NULL) {
        wr_text_str(t, "not a block of this heap");
    } else if (wr_span_state(s) == WR_SPAN_SMALL) {
        describe_small(t, s, p);
    } else if (wr_span_state(s) == WR_SPAN_LARGE && (uintptr_t)p != s->base) {
        wr_text_str(t, "it lies ");
        wr_text_uint(t, (uintptr_t)p - s->base);
        wr_text_str(t, " bytes inside a ");
        add_size(t, s);
        wr_text_str(t, " at ");
        wr_text_hex(t, s->base);
    } else {
        wr_text_str(t, "it lies in free memory of the heap: a double free, "
                       "or never a block");
    }
}

_Noreturn void
wr_misuse(const char *call, const void *p)
{
    struct wr_text t;

    wr_text_init(&t);
    wr_text_str(&t, "weir: ");
    wr_text_str(&t, call);
    wr_text_str(&t, "(");
    wr_text_hex(&t, (uintptr_t)p);
    wr_text_str(&t, "): ");
    describe(&t, p);
    if (wr_events.explain != NULL)
        wr_events.explain(&t, p);
    wr_die(&t);
}

void
wr_misuse_twice(const void *p, unsigned class_id)
{
    if (wr_events.freed_again == NULL || !wr_events.freed_again(class_id))
        wr_misuse("free", p);
}
