#include "region/gctrace.h"

#define US  UINT64_C(1000)
#define MS  UINT64_C(1000000)
#define MIB ((uint64_t)1 << 20)

/* n / 10^places, with so many places. */
static void
decimal(struct wr_text *t, uint64_t n, unsigned places)
{
    uint64_t unit = 1;

    for (unsigned i = 0; i < places; i++)
        unit *= 10;
    wr_text_uint(t, n / unit);
    if (places != 0)
        wr_text_str(t, ".");
    for (n %= unit; unit > 1; n %= unit) {
        unit /= 10;
        wr_text_uint(t, n / unit);
    }
}

static void
milliseconds(struct wr_text *t, uint64_t ns)
{
    uint64_t n = ns / US;
    unsigned places = 3;

    if (ns >= 10 * MS || n == 0) {
        wr_text_uint(t, ns / MS);
        return;
    }
    for (; n >= 100; n /= 10)
        places--;
    decimal(t, n, places);
}

/* before each: what stands between it and the one before. */
static void
times(struct wr_text *t, const char *before, const uint64_t *ns)
{
    for (size_t i = 0; before[i] != '\0'; i++) {
        if (i != 0)
            wr_text_bytes(t, &before[i], 1);
        milliseconds(t, ns[i]);
    }
}

static void
size(struct wr_text *t, uint64_t bytes, const char *after)
{
    wr_text_uint(t, bytes / MIB);
    wr_text_str(t, after);
}

void
wr_gctrace_line(struct wr_text *t, const struct wr_collection *c)
{
    uint64_t clock[] = {c->prepare_ns, c->mark_ns, c->end_ns};
    uint64_t cpu[] = {c->prepare_ns * c->processors, c->assist_ns,
                      c->background_ns, c->idle_ns, c->end_ns * c->processors};

    wr_text_init(t);
    wr_text_str(t, c->by_time ? "GC forced\ngc " : "gc ");
    wr_text_uint(t, c->number);
    wr_text_str(t, " @");
    decimal(t, c->since_ns / MS, 3);
    wr_text_str(t, "s ");
    wr_text_uint(t, c->share_millionths / 10000);
    wr_text_str(t, "%: ");
    times(t, " ++", clock);
    wr_text_str(t, " ms clock, ");
    times(t, " +//+", cpu);
    wr_text_str(t, " ms cpu, ");
    size(t, c->heap_start, "->");
    size(t, c->heap_end, "->");
    size(t, c->live, " MB, ");
    size(t, c->goal, " MB goal, ");
    size(t, c->stacks, " MB stacks, ");
    size(t, c->globals, " MB globals, ");
    wr_text_uint(t, c->processors);
    wr_text_str(t, c->forced ? " P (forced)\n" : " P\n");
}
