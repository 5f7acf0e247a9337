#include "analyse/meters.h"

#include <inttypes.h>
#include "analyse/quote.h"
#include "analyse/units.h"

const char *
wr_meter_say(const struct wr_meter_line *m, char text[WR_METER_ROOM])
{
    uint64_t hits = m->sum[WEIR_METER_HITS];
    uint64_t asked = hits + m->sum[WEIR_METER_MISSES];
    char held[WR_VALUE_ROOM];
    int n = snprintf(text, WR_METER_ROOM,
                     "%.1f%% of %" PRIu64 " were there, %" PRIu64 " dropped, ",
                     asked ? 100.0 * (double)hits / (double)asked : 0, asked,
                     m->sum[WEIR_METER_DROPPED]);
    wr_value_format(held, sizeof held, (int64_t)m->sum[WEIR_METER_BYTES],
                    "bytes");
    if (m->kind == WEIR_METER_POOL)
        snprintf(text + n, WR_METER_ROOM - (size_t)n, "%" PRIu64 " idle",
                 m->sum[WEIR_METER_ITEMS]);
    else
        snprintf(text + n, WR_METER_ROOM - (size_t)n,
                 "%" PRIu64 " shrunk, holds %" PRIu64 " item%s of %s",
                 m->sum[WEIR_METER_SHRUNK], m->sum[WEIR_METER_ITEMS],
                 wr_plural(m->sum[WEIR_METER_ITEMS]), held);
    return text;
}

void
wr_meters_json(const struct wr_meter_line *line, size_t n, FILE *out)
{
    fputc('[', out);
    for (const struct wr_meter_line *m = line; m < line + n; m++) {
        fprintf(out, "%s{\"kind\":\"%s\",\"name\":", m > line ? ",\n" : "",
                wr_meter_kind_name(m->kind));
        wr_json_string(out, m->name);
        fprintf(out,
                ",\"hits\":%" PRIu64 ",\"misses\":%" PRIu64
                ",\"dropped\":%" PRIu64 ",\"expired\":%" PRIu64
                ",\"shrunk\":%" PRIu64 ",\"items\":%" PRIu64,
                m->sum[WEIR_METER_HITS], m->sum[WEIR_METER_MISSES],
                m->sum[WEIR_METER_DROPPED], m->sum[WEIR_METER_EXPIRED],
                m->sum[WEIR_METER_SHRUNK], m->sum[WEIR_METER_ITEMS]);
        if (m->kind == WEIR_METER_CACHE)
            fprintf(out, ",\"bytes\":%" PRIu64 "}", m->sum[WEIR_METER_BYTES]);
        else
            fputs(",\"bytes\":null}", out);
    }
    fputc(']', out);
}
