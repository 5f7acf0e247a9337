/* Files of benchmarks, and all three tables made of them. */
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include "analyse/bench_table.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct wr_bench_table_options options = {0.05, 0.95};
    struct wr_benches benches = {0};
    struct wr_bench_tables tables;
    FILE *in = size ? fmemopen((void *)data, size, "r") : NULL;
    FILE *out = fopen("/dev/null", "w");

    if (in && out) {
        wr_benches_read(&benches, in, "fuzz", "fuzz", out);
        rewind(in);
        wr_benches_read(&benches, in, "again", "again", out);
        if (wr_bench_tables_make(&tables, &benches, &options) == 0) {
            wr_bench_tables_print(&tables, out);
            wr_bench_tables_print_csv(&tables, out, out);
            wr_bench_tables_print_json(&tables, out);
        }
        wr_bench_tables_fini(&tables);
        wr_benches_fini(&benches);
    }
    if (in)
        fclose(in);
    if (out)
        fclose(out);
    return 0;
}
