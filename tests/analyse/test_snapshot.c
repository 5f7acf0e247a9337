/* Snapshots are read as they were meant, and what is damaged is refused. */
#include "unit.h"

#include "analyse/net.h"
#include "analyse/snap.h"
#include "analyse/snapshot.h"

static struct snap snap;
static struct wr_snapshot s;
static char why[256];

static int
read_it(void)
{
    FILE *in = snap_file(&snap);
    int status = wr_snapshot_read(&s, in, why, sizeof why);

    fclose(in);
    return status;
}

/* Four blocks of 64 bytes, of which the third is free, and a large one. */
static void
make(void)
{
    snap_begin(&snap);
    snap_span(&snap, 0x10000, 64, 4, 0xb);
    snap_span(&snap, 0x20000, 8192, 1, 1);
    snap_pointer(&snap, 0x10000, 8, 0x10040);
    snap_pointer(&snap, 0x10000, 56, 0x20000);
    snap_pointer(&snap, 0x20000, 8184, 0x10000);
    snap_root(&snap, 0x5008, 0x20000);
    snap_sample(&snap, 0x10040, 7);
    snap_finish(&snap);
}

START_TEST(blocks_are_found_by_any_address_in_them)
{
    make();
    ck_assert_int_eq(read_it(), 0);
    ck_assert_uint_eq(s.nodes, 5);
    ck_assert_uint_eq(wr_snapshot_node(&s, 0x10000), 0);
    ck_assert_uint_eq(wr_snapshot_node(&s, 0x1007f), 1);
    ck_assert_uint_eq(wr_snapshot_node(&s, 0x100ff), 3);
    ck_assert_uint_eq(wr_snapshot_node(&s, 0x21fff), 4);
    ck_assert_uint_eq(wr_snapshot_node(&s, 0x10100), WR_SNAPSHOT_NONE);
    ck_assert_uint_eq(wr_snapshot_node(&s, 0xffff), WR_SNAPSHOT_NONE);
    ck_assert_uint_eq(wr_snapshot_node(&s, 0x22000), WR_SNAPSHOT_NONE);
    ck_assert(wr_snapshot_block(&s, 1).live);
    ck_assert(!wr_snapshot_block(&s, 2).live);
    ck_assert_uint_eq(wr_snapshot_block(&s, 1).sample->bucket, 7);
    ck_assert_ptr_null(wr_snapshot_block(&s, 0).sample);
    ck_assert_uint_eq(wr_snapshot_block(&s, 3).address, 0x100c0);
    wr_snapshot_fini(&s);
}
END_TEST

START_TEST(pointers_and_roots_are_what_was_written)
{
    struct wr_net net;

    make();
    ck_assert_int_eq(read_it(), 0);
    ck_assert_uint_eq(s.root_count, 1);
    ck_assert_uint_eq(s.roots[0].address, 0x5008);
    ck_assert_uint_eq(s.roots[0].node, 4);
    ck_assert_int_eq(wr_snapshot_net(&s, &net, 1, 1, why, sizeof why), 0);
    ck_assert_uint_eq(net.pointers, 3);
    ck_assert_uint_eq(net.first[1] - net.first[0], 2);
    ck_assert_uint_eq(net.target[0], 1);
    ck_assert_uint_eq(net.target[1], 4);
    ck_assert_uint_eq(net.target[net.first[4]], 0);
    ck_assert_int_eq(wr_snapshot_offset(&s, 0, 1), 8);
    ck_assert_int_eq(wr_snapshot_offset(&s, 0, 4), 56);
    ck_assert_int_eq(wr_snapshot_offset(&s, 4, 0), 8184);
    ck_assert_int_eq(wr_snapshot_offset(&s, 1, 0), -1);
    wr_net_fini(&net);
    wr_snapshot_fini(&s);
}
END_TEST

START_TEST(a_pointer_to_a_free_block_or_to_none_does_not_count)
{
    struct wr_net net;

    snap_begin(&snap);
    snap_span(&snap, 0x10000, 64, 4, 0x1);
    snap_pointer(&snap, 0x10000, 8, 0x10040);
    snap_pointer(&snap, 0x10000, 16, 0x90000);
    snap_root(&snap, 0x5008, 0x10040);
    snap_finish(&snap);
    ck_assert_int_eq(read_it(), 0);
    ck_assert_uint_eq(s.root_count, 0);
    ck_assert_int_eq(wr_snapshot_net(&s, &net, 0, 0, why, sizeof why), 0);
    ck_assert_uint_eq(net.pointers, 0);
    wr_net_fini(&net);
    wr_snapshot_fini(&s);
}
END_TEST

static struct wr_snapshot_header *
header(void)
{
    return (struct wr_snapshot_header *)(void *)snap.bytes;
}

static void
refused(const char *sentence)
{
    ck_assert_int_eq(read_it(), -1);
    ck_assert_msg(strstr(why, sentence) != NULL, "%s", why);
}

START_TEST(what_is_damaged_is_refused_with_a_sentence)
{
    make();
    header()->reply.magic++;
    refused("no snapshot");
    make();
    header()->reply.version++;
    refused("another version");
    make();
    snap.used = 40;
    refused("too short");
    make();
    header()->section[WR_SNAPSHOT_LIVE].bytes += 4096;
    refused("cut off");
    make();
    header()->section[WR_SNAPSHOT_LIVE].bytes = 0;
    refused("cut off");
    make();
    header()->section[WR_SNAPSHOT_WORDS].offset++;
    refused("cut off");
    make();
    header()->root_pointers = UINT64_C(1) << 40;
    refused("damaged");
    snap_begin(&snap);
    snap_span(&snap, 0x20000, 64, 4, 1);
    snap_span(&snap, 0x10000, 64, 4, 1);
    snap_finish(&snap);
    refused("damaged");
    snap_begin(&snap);
    snap_span(&snap, 0x20000, 0, 4, 1);
    snap_finish(&snap);
    refused("damaged");
}
END_TEST

/* Any byte may be wrong: nothing is read that is not there, and what was read
 * can be used. */
START_TEST(no_wrong_byte_does_harm)
{
    uint64_t chance = unit_seed("damage");

    for (unsigned round = 0; round < 3000; round++) {
        struct wr_net net;

        make();
        for (unsigned n = 1 + (unsigned)unit_below(&chance, 3); n > 0; n--)
            snap.bytes[unit_below(&chance, snap.used)] =
                (uint8_t)unit_chance(&chance);
        if (read_it() != 0)
            continue;
        for (uint32_t i = 0; i < s.nodes && i < 100; i++) {
            (void)wr_snapshot_block(&s, i);
            (void)wr_snapshot_offset(&s, i, 0);
        }
        if (wr_snapshot_net(&s, &net, 2, 2, why, sizeof why) == 0) {
            ck_assert_uint_le(net.pointers, net.room);
            wr_net_fini(&net);
        }
        wr_snapshot_fini(&s);
    }
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("snapshot");
    TCase *t = tcase_create("snapshot");

    tcase_set_timeout(t, 60);
    tcase_add_test(t, blocks_are_found_by_any_address_in_them);
    tcase_add_test(t, pointers_and_roots_are_what_was_written);
    tcase_add_test(t, a_pointer_to_a_free_block_or_to_none_does_not_count);
    tcase_add_test(t, what_is_damaged_is_refused_with_a_sentence);
    tcase_add_test(t, no_wrong_byte_does_harm);
    suite_add_tcase(suite, t);
    return unit_main(suite);
}
