/* The snapshot that this very process writes of itself. */
#include "unit.h"

#include <stdio.h>

#include "heap/heap.h"
#include "heap/mheap.h"
#include "leak/copy.h"
#include "leak/snapshot.h"
#include "region/snapshot.h"

static uintptr_t *volatile held;
static char dir[] = "/tmp/weir-test-XXXXXX", path[64];

static void
begin(void)
{
    ck_assert_ptr_nonnull(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/snapshot", dir);
}

static void
end(void)
{
    unlink(path);
    rmdir(dir);
}

static bool
write_snapshot(uint64_t flags)
{
    struct wr_ask ask = {.kind = WR_ASK_SNAPSHOT, .flags = flags};
    struct wr_copy c = {.ask = &ask, .path = path};
    bool done;

    wr_lock_take(&wr_mheap_lock);
    done = wr_snapshot_search(&c);
    wr_lock_give(&wr_mheap_lock);
    return done;
}

static struct wr_snapshot_header
read_header(void)
{
    struct wr_snapshot_header h = {.blocks = 0};
    FILE *in = fopen(path, "r");

    ck_assert_ptr_nonnull(in);
    ck_assert_uint_eq(fread(&h, sizeof h, 1, in), 1);
    fclose(in);
    ck_assert_uint_eq(h.reply.magic, WR_SNAPSHOT_MAGIC);
    ck_assert_uint_eq(h.reply.header_bytes, sizeof h);
    return h;
}

/* Blocks of this kind, of which each points at the next. */
static uintptr_t *
make_row(unsigned n, size_t bytes)
{
    uintptr_t *first = NULL;

    while (n-- > 0) {
        uintptr_t *p = wr_calloc(bytes);

        p[bytes / sizeof *p - 1] = (uintptr_t)first;
        first = p;
    }
    return first;
}

static void
free_row(uintptr_t *p, size_t bytes)
{
    while (p != NULL) {
        uintptr_t *next = (uintptr_t *)p[bytes / sizeof *p - 1];

        wr_free(p);
        p = next;
    }
}

START_TEST(each_block_and_each_pointer_is_counted)
{
    static const size_t size[] = {32, 512, 8192, 300000};
    struct wr_snapshot_header before, after;

    wr_free(wr_malloc(16)); /* there is a heap */
    ck_assert(write_snapshot(0));
    before = read_header();
    for (size_t i = 0; i < wr_countof(size); i++) {
        held = make_row(10, size[i]);
        ck_assert(write_snapshot(0));
        after = read_header();
        ck_assert_uint_eq(after.blocks - before.blocks, 10);
        ck_assert_uint_ge(after.bytes - before.bytes, 10 * size[i]);
        ck_assert_uint_eq(after.pointers - before.pointers, 9);
        ck_assert_uint_gt(after.root_pointers, before.root_pointers);
        free_row(held, size[i]);
        held = NULL;
    }
}
END_TEST

START_TEST(a_brief_one_has_blocks_and_no_pointers)
{
    struct wr_snapshot_header h;

    held = make_row(10, 64);
    ck_assert(write_snapshot(WR_SNAPSHOT_BRIEF));
    h = read_header();
    ck_assert_uint_ge(h.blocks, 10);
    ck_assert_uint_eq(h.pointers + h.root_pointers, 0);
    ck_assert_uint_eq(h.section[WR_SNAPSHOT_WORDS].bytes, 0);
    ck_assert_uint_gt(h.section[WR_SNAPSHOT_SPANS].bytes, 0);
    free_row(held, 64);
}
END_TEST

START_TEST(where_no_file_can_be_there_is_none)
{
    char part[80];

    snprintf(path, sizeof path, "%s/nowhere/snapshot", dir);
    ck_assert(!write_snapshot(0));
    snprintf(part, sizeof part, "%s~", path);
    ck_assert_int_ne(access(part, F_OK), 0);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("snapshot");
    TCase *t = tcase_create("snapshot");

    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, begin, end);
    if (!UNIT_SHADOW) /* it reads all memory there is */
        tcase_add_test(t, each_block_and_each_pointer_is_counted);
    tcase_add_test(t, a_brief_one_has_blocks_and_no_pointers);
    tcase_add_test(t, where_no_file_can_be_there_is_none);
    suite_add_tcase(suite, t);
    return unit_main(suite);
}
