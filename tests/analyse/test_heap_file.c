/* Heaps that were written down, made by hand, whole and damaged. */
#include "analyse/heap_file.h"

#include "unit.h"

#include <stdlib.h>
#include <unistd.h>

#include "analyse/profile.h"
#include "analyse/snap.h"
#include "region/fake.h"

static struct fake fake;
static struct snap snap;
static struct wr_heap_file heap;
static char path[] = "/tmp/weir-heap-XXXXXX", why[200];

static struct wr_snapshot_header *
header(void)
{
    return (struct wr_snapshot_header *)snap.bytes;
}

static void
range(uint64_t from, const void *bytes, size_t n)
{
    struct wr_snapshot_range r = {from, from + n};

    snap_put(&snap, &r, sizeof r);
    snap_put(&snap, bytes, n);
    snap.used += -n & 7;
}

static void
table(enum wr_table_id id)
{
    const struct wr_table *t = &fake.header.table[id];

    range(t->offset, (const char *)&fake + t->offset, t->stride * t->used);
}

static void
begin_section(enum wr_snapshot_section_id id)
{
    snap.used = (snap.used + 7) & ~(size_t)7;
    header()->section[id].offset = snap.used;
}

static void
end_section(enum wr_snapshot_section_id id)
{
    struct wr_snapshot_section *s = &header()->section[id];

    s->bytes = snap.used - s->offset;
}

static const char maps[] = "00400000-00500000 r-xp 00000000 00:00 0 /fake\n";

/* Of the region's bucket 1 two blocks are in the file. */
static void
make(void)
{
    fake_init(&fake);
    fake.header.sample_rate = 1;
    fake.bucket[1].rate = 1;
    fake.bucket[1].frees = 9; /* the program went on */
    fake.bucket[1].free_bytes = 9 * 48;
    snap_begin(&snap);
    snap_span(&snap, 0x10000, 48, 8, 0x3);
    snap_root(&snap, 0x5000, 0x10000);
    snap_sample(&snap, 0x10000, 1);
    snap_sample(&snap, 0x10030, 1);
    snap_finish(&snap);
    begin_section(WR_SNAPSHOT_REGION);
    range(0, &fake.header, sizeof fake.header);
    table(WR_TABLE_THREADS);
    table(WR_TABLE_MODULES);
    table(WR_TABLE_BUCKETS);
    table(WR_TABLE_STACKS);
    end_section(WR_SNAPSHOT_REGION);
    begin_section(WR_SNAPSHOT_MAPS);
    snap_put(&snap, maps, sizeof maps - 1);
    end_section(WR_SNAPSHOT_MAPS);
}

static int
open_it(void)
{
    FILE *f = fopen(path, "w");

    ck_assert_ptr_nonnull(f);
    ck_assert_uint_eq(fwrite(snap.bytes, 1, snap.used, f), snap.used);
    fclose(f);
    why[0] = '\0';
    return wr_heap_file_open(&heap, path, why, sizeof why);
}

static void
setup(void)
{
    int fd = mkstemp(path);

    ck_assert_int_ge(fd, 0);
    close(fd);
    make();
}

static void
clean_up(void)
{
    unlink(path);
}

static int64_t
sum(const struct wr_profile *p, const char *type)
{
    int64_t all = 0;

    for (uint32_t t = 0; t < p->type_count; t++)
        if (strcmp(p->strings[p->types[t].type], type) == 0)
            for (uint32_t i = 0; i < p->sample_count; i++)
                all += p->values[i * p->type_count + t];
    return all;
}

START_TEST(it_is_known_by_its_first_bytes)
{
    ck_assert(!wr_heap_file_is(path));
    ck_assert_int_eq(open_it(), 0);
    ck_assert(wr_heap_file_is(path));
    ck_assert(!wr_heap_file_is("/nowhere/at/all"));
    wr_heap_file_close(&heap);
}
END_TEST

START_TEST(it_has_its_region_and_mappings_with_it)
{
    char line[100];
    FILE *in;

    ck_assert_int_eq(open_it(), 0);
    ck_assert_str_eq(heap.region.header->exe, "/usr/bin/fake");
    ck_assert_uint_eq(wr_view_used(&heap.region, WR_TABLE_MODULES),
                      FAKE_MODULES);
    in = wr_heap_file_maps(&heap);
    ck_assert_ptr_nonnull(in);
    ck_assert_ptr_nonnull(fgets(line, sizeof line, in));
    ck_assert_str_eq(line, maps);
    fclose(in);
    wr_heap_file_close(&heap);
}
END_TEST

START_TEST(its_profile_has_what_was_alive_and_no_more)
{
    struct wr_profile *p;

    ck_assert_int_eq(open_it(), 0);
    ck_assert_int_eq(wr_profile_from_heap_file(&p, &heap, why, sizeof why), 0);
    ck_assert_int_eq(sum(p, "inuse_objects"), 2);
    ck_assert_int_eq(sum(p, "inuse_space"), 2 * 48);
    ck_assert_int_ge(sum(p, "alloc_objects"), 10);
    wr_profile_free(p);
    wr_heap_file_close(&heap);
}
END_TEST

/* There are four blocks, each a sample, and there was room to tell of two. */
START_TEST(where_not_all_samples_could_be_told_each_stands_for_some)
{
    struct wr_profile *p;

    fake.header.counters.ledger_full = 1;
    header()->blocks = 4;
    memcpy(snap.bytes + header()->section[WR_SNAPSHOT_REGION].offset +
               sizeof(struct wr_snapshot_range),
           &fake.header, sizeof fake.header);
    ck_assert_int_eq(open_it(), 0);
    ck_assert_int_eq(wr_profile_from_heap_file(&p, &heap, why, sizeof why), 0);
    ck_assert_int_eq(sum(p, "inuse_objects"), 4);
    wr_profile_free(p);
    wr_heap_file_close(&heap);
}
END_TEST

START_TEST(without_its_region_it_is_refused_with_a_sentence)
{
    header()->section[WR_SNAPSHOT_REGION].bytes = 0;
    ck_assert_int_ne(open_it(), 0);
    ck_assert_str_ne(why, "");
    make();
    header()->section[WR_SNAPSHOT_REGION].bytes = 100;
    ck_assert_int_ne(open_it(), 0);
    ck_assert_str_ne(why, "");
}
END_TEST

/* Any byte may be wrong, and the end missing: nothing is read that is not
 * there. */
START_TEST(no_wrong_byte_does_harm)
{
    uint64_t chance = unit_seed("damage");

    for (unsigned round = 0; round < 2000; round++) {
        struct wr_profile *p;
        FILE *in;

        make();
        for (unsigned n = 1 + (unsigned)unit_below(&chance, 3); n > 0; n--)
            snap.bytes[unit_below(&chance, snap.used)] =
                (uint8_t)unit_chance(&chance);
        if (round % 4 == 0)
            snap.used -= unit_below(&chance, snap.used);
        if (open_it() != 0) {
            ck_assert_str_ne(why, "");
            continue;
        }
        in = wr_heap_file_maps(&heap);
        if (in != NULL)
            fclose(in);
        if (wr_profile_from_heap_file(&p, &heap, why, sizeof why) == 0)
            wr_profile_free(p);
        wr_heap_file_close(&heap);
    }
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("heap_file");
    TCase *t = tcase_create("heap_file");

    tcase_add_checked_fixture(t, setup, clean_up);
    tcase_set_timeout(t, 60);
    tcase_add_test(t, it_is_known_by_its_first_bytes);
    tcase_add_test(t, it_has_its_region_and_mappings_with_it);
    tcase_add_test(t, its_profile_has_what_was_alive_and_no_more);
    tcase_add_test(t, where_not_all_samples_could_be_told_each_stands_for_some);
    tcase_add_test(t, without_its_region_it_is_refused_with_a_sentence);
    tcase_add_test(t, no_wrong_byte_does_harm);
    suite_add_tcase(s, t);
    return unit_main(s);
}
