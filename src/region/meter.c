/* Reading meters. Stands alone, as region/read.c does. */
#include "region/meter.h"

#include <string.h>

static void
copy(const struct wr_meter *m, struct wr_meter_line *out)
{
    memcpy(out->name, m->name, sizeof out->name);
    out->name[sizeof out->name - 1] = '\0';
    for (size_t i = 0; i < WR_METER_SUMS; i++) {
        out->sum[i] = atomic_load_explicit(&m->sum[i], memory_order_relaxed);
        /* What one thread took off may be there before what another added. */
        if (out->sum[i] > INT64_MAX)
            out->sum[i] = 0;
    }
}

static size_t
read_kind(const struct wr_region_view *v, enum weir_meter_kind kind,
          struct wr_meter_line *out)
{
    const struct wr_table *t = &v->table[WR_TABLE_METERS];
    uint64_t used = wr_view_used(v, WR_TABLE_METERS);
    size_t n = 0;

    for (uint64_t i = 0; i < used && i < WR_METERS; i++) {
        const struct wr_meter *m =
            (const void *)(v->base + t->offset + i * t->stride);

        if (m->kind != (uint64_t)kind)
            continue;
        out[n].kind = kind;
        copy(m, &out[n++]);
    }
    return n;
}

size_t
wr_meters_read(const struct wr_region_view *v,
               struct wr_meter_line out[WR_METERS])
{
    size_t n = read_kind(v, WEIR_METER_POOL, out);

    return n + read_kind(v, WEIR_METER_CACHE, out + n);
}

const char *
wr_meter_kind_name(enum weir_meter_kind kind)
{
    return kind == WEIR_METER_POOL ? "pool" : "cache";
}
