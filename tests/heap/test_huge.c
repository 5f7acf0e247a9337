/* Which parts of the heap ask for huge pages. */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "heap/actors.h"
#include "heap/huge.h"
#include "heap/mheap.h"
#include "os/os.h"

enum { BLOCK = 256 << 10, MANY = 2 * (256 << 20) / BLOCK };

static void *block[MANY];

/* Has the mapping of p this flag in /proc/self/smaps? */
static bool
has_flag(const void *p, const char *flag)
{
    FILE *f = fopen("/proc/self/smaps", "r");
    unsigned long from, to;
    bool here = false, has = false;
    char line[512];

    ck_assert_ptr_nonnull(f);
    while (fgets(line, sizeof line, f) != NULL)
        if (sscanf(line, "%lx-%lx ", &from, &to) == 2)
            here = from <= (uintptr_t)p && (uintptr_t)p < to;
        else if (here && strncmp(line, "VmFlags:", 8) == 0)
            has = strstr(line, flag) != NULL;
    fclose(f);
    return has;
}

/* Fails where the system has no huge pages at all. */
static bool
system_has_them(void)
{
    void *p = wr_os_map(4 << 20);
    bool has = p != NULL && wr_os_huge(p, 4 << 20, true);

    if (!has)
        puts("skip: this system knows no huge pages");
    wr_os_unmap(p, 4 << 20);
    return has;
}

static void
fill(void)
{
    become(0);
    for (int i = 0; i < MANY; i++)
        block[i] = wr_malloc(BLOCK);
}

static void
empty(void)
{
    for (int i = 0; i < MANY; i++)
        wr_free(block[i]);
    end_of_play();
}

START_TEST(a_heap_asks_for_them_from_a_size_on)
{
    if (!system_has_them())
        return;
    fill();
    ck_assert(!has_flag(block[0], " hg"));
    ck_assert(has_flag(block[MANY - 1], " hg"));
    empty();
}
END_TEST

/* Between the heap's pieces lie mappings of others, so that they can't be
 * joined; all of them ask for huge pages yet. */
START_TEST(eight_gigabytes_in_pieces_ask_for_them)
{
    enum { LARGE = 512 << 10, BLOCKS = 16 << 10, EACH = 32 };
    void *p = NULL;

    if (!system_has_them())
        return;
    become(0);
    for (int i = 0; i < BLOCKS; i++) {
        p = wr_malloc(LARGE);
        ck_assert_ptr_nonnull(p);
        if (i % EACH == 0)
            ck_assert_ptr_nonnull(wr_os_map(1 << 20));
    }
    ck_assert(has_flag(p, " hg"));
}
END_TEST

START_TEST(what_is_committed_for_large_blocks_goes_without)
{
    enum { LARGE = 40 << 20 };
    void *large;

    if (!system_has_them())
        return;
    fill();
    large = wr_malloc(LARGE);
    ck_assert(!has_flag((char *)large + LARGE - 1, " hg"));
    wr_free(large);
    empty();
}
END_TEST

START_TEST(where_pages_are_given_back_no_huge_ones_are_made)
{
    if (!system_has_them())
        return;
    fill();
    memset(block[MANY - 1], 1, BLOCK);
    wr_free(block[MANY - 1]);
    wr_mcache_flush(wr_self);
    ck_assert_uint_gt(wr_mheap_scavenge(SIZE_MAX), 0);
    ck_assert(!has_flag(block[MANY - 1], " hg"));
    ck_assert(has_flag(block[MANY - 1], " nh"));
    block[MANY - 1] = wr_malloc(BLOCK);
    empty();
}
END_TEST

/* More stretches than the table holds; all is dropped again. */
START_TEST(stretches_without_a_place_go_without)
{
    enum { N = 40, STEP = 4 << 20 };
    char *p;

    if (!system_has_them())
        return;
    p = wr_os_map((size_t)N * STEP);
    ck_assert_ptr_nonnull(p);
    for (int i = 0; i < N; i++)
        wr_huge_committed((uintptr_t)p + (size_t)i * STEP, STEP / 2, 1,
                          WR_HUGE_FROM);
    ck_assert(has_flag(p, " hg"));
    ck_assert(!has_flag(p + (size_t)(N - 1) * STEP, " hg"));
    /* The first two become one with what lies between. */
    wr_huge_committed((uintptr_t)p + STEP / 2, STEP / 2, 1, WR_HUGE_FROM);
    wr_huge_released((uintptr_t)p + STEP, 1);
    ck_assert(!has_flag(p, " hg"));
    wr_huge_committed((uintptr_t)p + STEP / 2, STEP / 2, 1, WR_HUGE_FROM);
    ck_assert(has_flag(p + STEP / 2, " hg"));
    wr_huge_released((uintptr_t)p, (size_t)N * STEP);
    for (int i = 0; i < N; i++)
        ck_assert(!has_flag(p + (size_t)i * STEP, " hg"));
    wr_os_unmap(p, (size_t)N * STEP);
}
END_TEST

static Suite *
suite(void)
{
    Suite *s = suite_create("heap/huge");
    TCase *t = tcase_create("huge");

    tcase_set_timeout(t, 60);
    tcase_add_test(t, a_heap_asks_for_them_from_a_size_on);
    tcase_add_test(t, eight_gigabytes_in_pieces_ask_for_them);
    tcase_add_test(t, what_is_committed_for_large_blocks_goes_without);
    tcase_add_test(t, where_pages_are_given_back_no_huge_ones_are_made);
    tcase_add_test(t, stretches_without_a_place_go_without);
    suite_add_tcase(s, t);
    return s;
}

int
main(void)
{
    return unit_main(suite());
}
