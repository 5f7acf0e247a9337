/* A reader's way through a region file, however damaged.
 *
 * The input is a list of wounds to an honest region (tests/region/fake.h), so
 * that a few bytes reach every check and inputs outlive changes of layout:
 *     2 bytes   how many bytes of it are missing at the end
 *     then, as often as wanted, 10 bytes: offset (2), the word put there (8),
 *     both lowest byte first.
 * A first round of wounds is dealt before the region is opened, and the same
 * ones again after, which is what a hostile writer could do meanwhile.
 */
#include <stdio.h>
#include <stdlib.h>

#include "fuzz.h"
#include "wound.h"
#include <weir/memstats.h>

#include "region/collector.h"
#include "region/fake.h"
#include "region/ledger.h"
#include "region/meter.h"
#include "region/past.h"
#include "region/read.h"

/* What was read is kept here, so that reading is not left out. */
static volatile uint64_t seen;

static void
read_stack(const struct wr_region_view *v, uint32_t number)
{
    const struct wr_stack *s = wr_view_stack(v, number);

    for (uint32_t i = 0; s != NULL && i < s->frames; i++)
        if (wr_view_module_at(v, s->pc[i], s->unloads, NULL) != NULL)
            seen += s->pc[i];
}

static void
read_entries(const struct wr_region_view *v)
{
    struct wr_bucket_counts counts;
    struct wr_capture capture;

    for (uint64_t i = 0; i < wr_view_used(v, WR_TABLE_BUCKETS); i++) {
        const struct wr_bucket *b = wr_view_bucket(v, i);

        wr_bucket_read(b, &counts);
        if (counts.frees > counts.allocs ||
            wr_sample_weight(b->size, b->rate) < 1)
            abort();
        read_stack(v, b->stack);
    }
    for (uint64_t i = 0; i < wr_view_used(v, WR_TABLE_MODULES); i++)
        if (wr_view_module(v, i) != NULL)
            seen += strlen(wr_view_module(v, i)->path);
    for (uint64_t i = 0; i < wr_view_used(v, WR_TABLE_THREADS); i++) {
        if (wr_slot_capture(wr_view_thread(v, i), &capture))
            seen += capture.pc[0] + capture.pc[capture.frames / 2];
        read_stack(v, wr_view_thread(v, i)->create_stack);
    }
    for (uint32_t number = 0; number < 2 * FAKE_WORDS; number++)
        read_stack(v, number);
}

static void
read_history(const struct wr_region_view *v)
{
    static struct wr_point point[WR_HISTORY_MOST];
    static struct wr_mark mark[WR_MARK_SLOTS];
    static struct wr_bucket_counts counts[FAKE_BUCKETS];
    size_t n = wr_history_read(v, WR_HISTORY_SECONDS, point, WR_HISTORY_MOST);

    n += wr_history_read(v, WR_HISTORY_MINUTES, point, WR_HISTORY_MOST);
    for (size_t i = wr_history_marks(v, mark, WR_MARK_SLOTS); i-- > 0;)
        n += strlen(mark[i].text) + strlen(wr_mark_name(mark[i].kind));
    if (wr_past_values(v, point[0].uptime_ns, counts, FAKE_BUCKETS) == 0)
        n += counts[1].allocs;
    seen += n;
}

static void
read_ledger(const struct wr_region_view *v)
{
    struct wr_live_sample s;

    for (uint64_t i = 0; i < wr_view_used(v, WR_TABLE_LEDGER); i++)
        if (wr_ledger_read(v, i, &s)) {
            if (s.address == 0)
                abort();
            seen += s.born_ns + s.bucket + s.tid;
        }
}

static void
read_meters(const struct wr_region_view *v)
{
    struct wr_meter_line line[WR_METERS];
    size_t n = wr_meters_read(v, line);

    if (n > WR_METERS)
        abort();
    for (size_t i = 0; i < n; i++)
        seen += strlen(line[i].name) + line[i].sum[WEIR_METER_ITEMS];
}

static void
read_collector(const struct wr_region_view *v)
{
    const struct wr_collector *c = wr_view_collector(v);
    struct weir_memstats m = {0};
    struct wr_point p = {0};

    wr_collector_memstats(c, &m);
    wr_collector_point(c, &p);
    if (c != NULL && m.num_forced_gc > m.num_gc)
        abort();
    if (c != NULL)
        seen += strlen(wr_collector_way_name(c->way)) + p.gc_goal;
}

static void
read_all(const struct wr_region_view *v)
{
    struct wr_totals totals;

    read_entries(v);
    read_history(v);
    read_ledger(v);
    read_meters(v);
    read_collector(v);
    wr_view_totals(v, &totals);
    if (totals.frees > totals.mallocs || totals.free_bytes > totals.alloc_bytes)
        abort();
    seen += totals.alloc_bytes;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct fake whole;
    struct wr_region_view view;
    char why[100] = "";
    size_t bytes = sizeof whole;
    uint8_t *region;

    if (size < 2)
        return 0;
    bytes -= (size_t)little_endian(data, 2) % bytes;
    region = malloc(bytes); /* just so long: a byte beyond is found out */
    if (region == NULL)
        return 0;
    fake_init(&whole);
    fake_point(&whole, 7, &(struct wr_point){.uptime_ns = 1, .allocs = 2});
    whole.header.table[WR_TABLE_METERS].used = 4;
    whole.header.table[WR_TABLE_COLLECTOR].used = 1;
    whole.header.table[WR_TABLE_LEDGER].used = 4;
    whole.ledger[0].address = 16;
    whole.meter[0].kind = WEIR_METER_POOL;
    whole.meter[1].kind = WEIR_METER_CACHE;
    fake_mark(&whole, 3, &(struct wr_mark){.kind = 3, .text = "x"});
    memcpy(region, &whole, bytes);
    wound(region, bytes, data + 2, size - 2);
    if (wr_view_over(&view, region, bytes, why, sizeof why) == 0) {
        read_all(&view);
        seen += strlen(view.header->exe);
        wound(region, bytes, data + 2, size - 2);
        read_all(&view);
        wr_region_close(&view);
    } else if (strlen(why) == 0) {
        abort();
    }
    free(region);
    return 0;
}
