/* Names of code made at run time, from any file that calls itself a map. */
#include <stdlib.h>
#include <string.h>

#include "analyse/perf_map.h"
#include "fuzz.h"

/* Where there is a name it has an end. */
static void
ask(const struct wr_perf_map *m, uint64_t address)
{
    const char *name = wr_perf_map_name(m, address);

    if (name != NULL && strlen(name) == 0)
        abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct wr_perf_map *m = wr_perf_map_parse((const char *)data, size);

    if (m == NULL)
        return 0;
    for (uint64_t address = 1; address != 0; address *= 2) {
        ask(m, address);
        ask(m, address - 1);
        ask(m, address + 0x123);
    }
    wr_perf_map_free(m);
    return 0;
}
