/* Workloads that ask how much memory is held, when and for how long.
 *
 * Those that look on over time print lines of their own before the figures:
 *     at WHAT  live KIB rss KIB
 */
#include "load.h"

#include <stdio.h>
#include <string.h>

/* --- A cache over a day --------------------------------------------------- */

enum { ENTRIES = 400000, HOURS = 24, ROOM_EACH = 28 };

struct cache {
    struct slot *entry;
    size_t room, live; /* bytes: allowed, held */
    uint64_t state;
};

/* What is asked for drifts over the day: small at night, large at noon. */
static size_t
size_at(struct cache *c, int hour)
{
    int from_noon = hour < 12 ? 12 - hour : hour - 12;
    size_t middle = (size_t)64 << (6 - from_noon / 2);

    return middle / 2 + rnd_below(&c->state, middle);
}

static void
cache_evict(struct load *l, struct cache *c)
{
    struct slot *s = &c->entry[rnd_below(&c->state, ENTRIES)];

    if (s->p == NULL)
        return;
    l->sum += block_give(s->p, s->bytes);
    c->live -= s->bytes;
    s->p = NULL;
}

static void
cache_insert(struct load *l, struct cache *c, size_t bytes)
{
    struct slot *s = &c->entry[rnd_below(&c->state, ENTRIES)];

    while (c->live + bytes > c->room)
        cache_evict(l, c);
    if (s->p != NULL)
        c->live -= s->bytes;
    l->sum += slot_renew(s, bytes, c->state);
    block_touch(s->p, 4096, bytes - 1);
    c->live += bytes;
    l->ops++;
}

static void
run_cache_day(struct load *l)
{
    struct cache c = {own_map(ENTRIES * sizeof(struct slot)), 0, 0, 8};
    uint64_t hourly = l->wanted / HOURS + 1;

    c.room = (size_t)l->wanted * ROOM_EACH;
    for (int hour = 0; hour < HOURS; hour++) {
        for (uint64_t i = 0; i < hourly; i++)
            cache_insert(l, &c, size_at(&c, hour));
        if (hour % 4 == 3)
            printf("at hour-%d  live %zu rss %ld\n", hour + 1, c.live / 1024,
                   rss_kib());
    }
    l->sum += slots_empty(c.entry, ENTRIES);
}

/* --- Idle after freeing --------------------------------------------------- */

static void
look_while_idle(size_t live)
{
    static const long at_ms[] = {0, 1000, 5000, 10000};
    long now = 0;

    for (size_t i = 0; i < sizeof at_ms / sizeof *at_ms; i++) {
        sleep_ms(at_ms[i] - now);
        now = at_ms[i];
        printf("at idle-%lds  live %zu rss %ld\n", now / 1000, live / 1024,
               rss_kib());
    }
}

/* l->bytes of a hundred are kept, scattered. */
static void
run_idle(struct load *l)
{
    size_t n = (size_t)l->wanted, live = 0;
    struct slot *s = own_map(n * sizeof *s);
    uint64_t state = 9;

    for (size_t i = 0; i < n; i++) {
        slot_renew(&s[i], rnd_mix(&state), i);
        block_touch(s[i].p, 4096, s[i].bytes - 1);
        live += s[i].bytes;
    }
    printf("at full  live %zu rss %ld\n", live / 1024, rss_kib());
    for (size_t i = 0; i < n; i++) {
        if (rnd_below(&state, 100) < l->bytes)
            continue;
        live -= s[i].bytes;
        l->sum += slots_empty(&s[i], 1);
    }
    fflush(stdout);
    look_while_idle(live);
    l->sum += slots_empty(s, n);
    l->ops += n;
}

/* --- Large blocks -----------------------------------------------------------
 */

enum { LARGE_LIVE = 16, LARGE_LEAST = 64 << 10 };

/* Each size from 64 KiB to 4 MiB is as likely as its double. */
static size_t
large_size(uint64_t *state)
{
    size_t least = (size_t)LARGE_LEAST << rnd_below(state, 6);

    return least + (size_t)rnd_below(state, least);
}

static void
run_large(struct load *l)
{
    struct slot s[LARGE_LIVE] = {{NULL, 0}};
    uint64_t state = 10;

    for (uint64_t i = 0; i < l->wanted; i++) {
        struct slot *one = &s[rnd_below(&state, LARGE_LIVE)];

        l->sum += slot_renew(one, large_size(&state), i);
        block_touch(one->p, 4096, one->bytes - 1);
    }
    l->sum += slots_empty(s, LARGE_LIVE);
    l->ops += l->wanted;
}

/* Grows by half from 64 KiB to 32 MiB; the content goes along. */
static void
grow_large(struct load *l, struct slot *s, uint64_t tag)
{
    size_t bytes = s->bytes + s->bytes / 2;
    void *p = realloc(s->p, bytes);

    if (p == NULL)
        load_die("no memory for %zu bytes", bytes);
    l->sum += ((unsigned char *)p)[s->bytes - 1];
    block_touch(p, s->bytes, bytes - 1);
    s->p = block_tag(p, bytes, tag);
    s->bytes = bytes;
    l->ops++;
}

static void
run_large_grow(struct load *l)
{
    struct slot s[4];

    while (l->ops < l->wanted) {
        for (int k = 0; k < 4; k++)
            s[k] = (struct slot){block_take(LARGE_LEAST, l->ops), LARGE_LEAST};
        while (s[0].bytes < (32 << 20))
            for (int k = 0; k < 4; k++)
                grow_large(l, &s[k], l->ops);
        l->sum += slots_empty(s, 4);
    }
}

/* A table of which little is used: who clears it, touches it. */
static void
run_calloc_fresh(struct load *l)
{
    size_t n = (size_t)l->wanted, bytes = 1 << 20;
    struct slot *s = own_map(n * sizeof *s);

    for (size_t i = 0; i < n; i++) {
        unsigned char *p = calloc(1, bytes);

        if (p == NULL)
            load_die("no memory for %zu bytes", bytes);
        l->sum += p[bytes / 2];
        s[i] = (struct slot){block_tag(p, bytes, i), bytes};
    }
    l->sum += slots_empty(s, n);
    l->ops += n;
}

/* --- Huge pages
 * --------------------------------------------------------------- */

enum { HUGE_BLOCK = 256 << 10 };

static void
run_huge(struct load *l)
{
    size_t n = (size_t)l->wanted;
    struct slot *s;
    long free_kib = proc_kib("../meminfo", "MemAvailable:");

    if (free_kib < (long)(n * HUGE_BLOCK / 1024 * 2))
        load_skip("not twice the memory that this takes is available");
    s = own_map(n * sizeof *s);
    for (size_t i = 0; i < n; i++) {
        slot_renew(&s[i], HUGE_BLOCK, i);
        block_touch(s[i].p, 4096, HUGE_BLOCK - 1);
    }
    printf("at touched  live %zu rss %ld huge %ld\n", n * HUGE_BLOCK / 1024,
           rss_kib(), proc_kib("smaps_rollup", "AnonHugePages:"));
    l->sum += slots_empty(s, n);
    l->ops += n;
}

/* A program that hardly allocates. */
static void
run_small(struct load *l)
{
    l->sum += block_give(block_take(100, 1), 100);
    l->ops++;
}

const struct workload memory_workloads[] = {
    {"cache-day", "memory", run_cache_day, 2400000, 0, 1, "sizes drift"},
    {"large", "memory", run_large, 4000, 0, 1, "64 KiB to 4 MiB, used"},
    {"large-grow", "memory", run_large_grow, 400, 0, 1, "realloc to 32 MiB"},
    {"calloc-fresh", "memory", run_calloc_fresh, 256, 0, 1, "hardly used"},
    {"idle-95", "idle", run_idle, 600000, 5, 1, "270 MB, 95% freed, idle"},
    {"idle-all", "idle", run_idle, 600000, 0, 1, "270 MB, all freed, idle"},
    {"huge", "huge", run_huge, 4096, 0, 1, "1 GiB: in huge pages?"},
    {"small", "small", run_small, 1, 0, 1, "a program that hardly allocates"},
    {NULL, NULL, NULL, 0, 0, 0, NULL},
};
