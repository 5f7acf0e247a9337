/* A reader's way through a snapshot of who points at whom, however damaged.
 *
 * The input is a list of wounds to an honest one (tests/analyse/snap.h):
 *     2 bytes   how many bytes of it are missing at the end
 *     then, as often as wanted, 10 bytes: offset (2), the word put there (8),
 *     both lowest byte first.
 * What is read must hold together: nodes within their number, each found at
 * its own address.
 */
#include <stdlib.h>

#include "fuzz.h"
#include "wound.h"
#include "analyse/net.h"
#include "analyse/snap.h"
#include "analyse/snapshot.h"

/* What was read is kept here, so that reading is not left out. */
static volatile uint64_t seen;

static void
make(struct snap *s)
{
    snap_begin(s);
    snap_span(s, 0x10000, 64, 8, 0x7f);
    snap_span(s, 0x20000, 8192, 1, 1);
    for (uint64_t i = 0; i < 5; i++)
        snap_pointer(s, 0x10000 + i * 64, 8, 0x10040 + i * 64);
    snap_pointer(s, 0x20000, 4000, 0x10000);
    snap_root(s, 0x5008, 0x10000);
    snap_root(s, 0x5010, 0x20000);
    snap_sample(s, 0x10040, 1);
    snap_finish(s);
}

/* A word may say that there are billions. */
static void
read_all(const struct wr_snapshot *s)
{
    struct wr_net net;
    char why[100] = "";

    for (uint32_t n = 0; n < s->nodes && n < 1000; n++) {
        struct wr_snapshot_block b = wr_snapshot_block(s, n);

        if (b.bytes == 0 || wr_snapshot_node(s, b.address) != n)
            abort();
        seen += wr_snapshot_offset(s, n, 0) >= 0;
    }
    for (uint32_t i = 0; i < s->root_count; i++)
        if (s->roots[i].node >= s->nodes)
            abort();
    if (wr_snapshot_net(s, &net, 1, 0, why, sizeof why) == 0)
        wr_net_fini(&net);
    else if (strlen(why) == 0)
        abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct snap honest;
    struct wr_snapshot s;
    char why[100] = "";
    FILE *in;

    if (size < 2)
        return 0;
    make(&honest);
    wound((uint8_t *)honest.bytes, honest.used, data + 2, size - 2);
    honest.used -= (size_t)little_endian(data, 2) % honest.used;
    in = snap_file(&honest); /* the reader maps it */
    if (in == NULL)
        return 0;
    if (wr_snapshot_read(&s, in, why, sizeof why) == 0) {
        read_all(&s);
        wr_snapshot_fini(&s);
    } else if (strlen(why) == 0) {
        abort();
    }
    fclose(in);
    return 0;
}
