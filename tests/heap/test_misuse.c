/* Programs that misuse the heap are stopped with a sentence, whoever frees
 * what in which order. */
#include "unit.h"

#include "base/text.h"
#include "heap/actors.h"
#include "region/event.h"

enum { SIZE = 64 };

static struct unit_end end;
static char *block, *neighbour;

/* Run the play in a child; it must be stopped, over this call. */
static void
stopped(void (*play)(void *), const char *call, const char *why)
{
    char start[40];

    end = unit_end_of(play, NULL);
    snprintf(start, sizeof start, "weir: %s(0x", call);
    ck_assert_msg(end.signal == SIGABRT, "not stopped: status %d signal %d",
                  end.status, end.signal);
    ck_assert_msg(strncmp(end.said, start, strlen(start)) == 0, "said: %s",
                  end.said);
    ck_assert_msg(strstr(end.said, why) != NULL, "said: %s", end.said);
    ck_assert_ptr_eq(strchr(end.said, '\n'), strrchr(end.said, '\n'));
}

/* Two blocks of one span of actor 0, so that it stays when one is freed. */
static void
allocate(void)
{
    become(0);
    block = wr_malloc(SIZE);
    neighbour = wr_malloc(SIZE);
}

static void
free_as(unsigned i)
{
    (void)become(i);
    wr_free(block);
}

#define DOUBLE_FREE "double free of a 64-byte block"

/* ---- double frees ---- */

static void
owner_twice(void *arg)
{
    (void)arg;
    allocate();
    free_as(0);
    free_as(0);
}

static void
owner_then_other(void *arg)
{
    (void)arg;
    allocate();
    free_as(0);
    free_as(1);
}

static void
other_then_owner(void *arg)
{
    (void)arg;
    allocate();
    free_as(1);
    free_as(0);
}

static void
other_twice(void *arg)
{
    (void)arg;
    allocate();
    free_as(1);
    free_as(1);
}

static void
two_others(void *arg)
{
    (void)arg;
    allocate();
    free_as(1);
    free_as(2);
}

START_TEST(a_double_free_is_found_whoever_frees)
{
    stopped(owner_twice, "free", DOUBLE_FREE);
    stopped(owner_then_other, "free", DOUBLE_FREE);
    stopped(other_then_owner, "free", DOUBLE_FREE);
    stopped(other_twice, "free", DOUBLE_FREE);
    stopped(two_others, "free", DOUBLE_FREE);
}
END_TEST

/* A span with no block left but `block` and another, and FULL. */
static void
allocate_full_span(void)
{
    enum { BLOCKS = 512 };

    become(0);
    for (int i = 0; i < BLOCKS; i++)
        block = wr_malloc(SIZE);
    (void)wr_malloc(SIZE);
}

static void
in_a_full_span(void *arg)
{
    (void)arg;
    allocate_full_span();
    free_as(0);
    free_as(0);
}

static void
in_a_queued_span(void *arg)
{
    (void)arg;
    allocate_full_span();
    free_as(1);
    free_as(2);
}

static void
in_a_left_span(void *arg)
{
    (void)arg;
    allocate();
    leave(0);
    free_as(1);
    free_as(1);
}

static void
freed_then_left(void *arg)
{
    (void)arg;
    allocate();
    free_as(0);
    leave(0);
    free_as(1);
}

static void
freed_by_another_then_left(void *arg)
{
    (void)arg;
    allocate();
    free_as(1);
    leave(0);
    free_as(1);
}

static void
freed_then_taken_over(void *arg)
{
    (void)arg;
    allocate();
    leave(0);
    become(1);
    (void)wr_malloc(SIZE);
    free_as(1);
    free_as(1);
}

START_TEST(a_double_free_is_found_wherever_the_span_is)
{
    stopped(in_a_full_span, "free", DOUBLE_FREE);
    stopped(in_a_queued_span, "free", DOUBLE_FREE);
    stopped(in_a_left_span, "free", DOUBLE_FREE);
    stopped(freed_then_left, "free", DOUBLE_FREE);
    stopped(freed_by_another_then_left, "free", DOUBLE_FREE);
    stopped(freed_then_taken_over, "free", DOUBLE_FREE);
}
END_TEST

static void
the_only_block(void *arg)
{
    (void)arg;
    become(0);
    block = wr_malloc(SIZE);
    free_as(0);
    free_as(0);
}

static void
the_only_block_of_a_span_gone(void *arg)
{
    (void)arg;
    become(0);
    block = wr_malloc(SIZE);
    free_as(0);
    (void)wr_heap_trim();
    free_as(0);
}

static void
large_twice(void *arg)
{
    (void)arg;
    become(0);
    block = wr_malloc(100000);
    wr_free(block);
    wr_free(block);
}

static void
large_by_two(void *arg)
{
    (void)arg;
    become(0);
    block = wr_malloc(100000);
    (void)wr_malloc(100000);
    free_as(0);
    free_as(1);
}

static void
large_shrunk_away(void *arg)
{
    char *p;

    (void)arg;
    become(0);
    p = wr_malloc(1000000);
    ck_assert_ptr_eq(wr_realloc(p, 100000), p);
    wr_free(p + 500000);
}

START_TEST(a_double_free_is_found_when_the_memory_is_free_again)
{
    stopped(the_only_block, "free", "double free");
    stopped(the_only_block_of_a_span_gone, "free", "");
    stopped(large_twice, "free", "");
    stopped(large_by_two, "free", "double free");
    stopped(large_shrunk_away, "free", "not a block of this heap");
}
END_TEST

/* ---- sampled blocks ---- */

static unsigned sampled, unsampled;

static int64_t
always(struct wr_mcache *mc)
{
    (void)mc;
    return 0;
}

static uint32_t
note_sample(struct wr_mcache *mc, void *p, size_t bytes)
{
    (void)mc;
    (void)p;
    (void)bytes;
    sampled++;
    return 1;
}

static void
note_free(uint32_t tag, void *p, size_t bytes)
{
    (void)p;
    (void)tag;
    (void)bytes;
    unsampled++;
}

static void
sample_all(void)
{
    wr_events.next_sample = always;
    wr_events.sampled = note_sample;
    wr_events.sample_freed = note_free;
}

static void
sampled_twice(void *free_first)
{
    (void)free_first;
    sample_all();
    allocate();
    ck_assert_uint_eq(sampled, 2);
    free_as(0);
    ck_assert_uint_eq(unsampled, 1);
    free_as(0);
}

static void
sampled_by_two(void *arg)
{
    (void)arg;
    sample_all();
    allocate();
    free_as(1);
    ck_assert_uint_eq(unsampled, 1);
    free_as(2);
}

START_TEST(a_double_free_of_a_sampled_block_is_found)
{
    stopped(sampled_twice, "free", DOUBLE_FREE);
    stopped(sampled_by_two, "free", DOUBLE_FREE);
}
END_TEST

/* ---- pointers that are no blocks ---- */

static void
inside_a_block(void *arg)
{
    (void)arg;
    allocate();
    wr_free(block + 7);
}

static void
inside_a_foreign_block(void *arg)
{
    (void)arg;
    allocate();
    become(1);
    wr_free(block + 16);
}

static void
inside_a_large_block(void *arg)
{
    (void)arg;
    become(0);
    block = wr_malloc(100000);
    wr_free(block + 8192);
}

START_TEST(a_pointer_inside_a_block_is_told_from_its_start)
{
    stopped(inside_a_block, "free", "it lies 7 bytes inside a 64-byte block");
    stopped(inside_a_foreign_block, "free",
            "it lies 16 bytes inside a 64-byte block");
    stopped(inside_a_large_block, "free",
            "it lies 8192 bytes inside a 106496-byte large block at 0x");
}
END_TEST

/* 32768 is 409 blocks of 80, and 48 bytes; the first block is the span's. */
enum { BEHIND = 409 * 80 };

static void
behind_the_last_block(void *arg)
{
    uintptr_t p;

    (void)arg;
    become(0);
    p = (uintptr_t)wr_malloc(80);
    wr_free((void *)(p + BEHIND));
}

static void
behind_it_as_another(void *arg)
{
    uintptr_t p;

    (void)arg;
    become(0);
    p = (uintptr_t)wr_malloc(80);
    become(1);
    wr_free((void *)(p + BEHIND));
}

START_TEST(what_lies_behind_the_last_block_of_a_span_is_no_block)
{
    static const char why[] =
        "it lies behind the last block of a span of 80-byte blocks";

    stopped(behind_the_last_block, "free", why);
    stopped(behind_it_as_another, "free", why);
}
END_TEST

static void
never_allocated(void *arg)
{
    (void)arg;
    allocate();
    wr_free(block + 4096);
}

static void
on_the_stack(void *arg)
{
    (void)arg;
    wr_free(&arg);
}

static void
free_address(void *p)
{
    wr_free(*(void **)p);
}

START_TEST(what_never_was_a_block_is_refused)
{
    static const uintptr_t address[] = {8, 4096, (uintptr_t)1 << 47,
                                        (uintptr_t)1 << 48, UINTPTR_MAX};

    stopped(never_allocated, "free", DOUBLE_FREE);
    stopped(on_the_stack, "free", "not a block of this heap");
    for (unsigned i = 0; i < wr_countof(address); i++) {
        void *p = (void *)address[i];

        end = unit_end_of(free_address, &p);
        ck_assert_int_eq(end.signal, SIGABRT);
        ck_assert_ptr_nonnull(strstr(end.said, "not a block of this heap"));
    }
}
END_TEST

/* ---- other calls ---- */

static void
realloc_freed(void *arg)
{
    (void)arg;
    allocate();
    wr_free(block);
    (void)wr_realloc(block, 100);
}

static void
realloc_freed_by_another(void *arg)
{
    (void)arg;
    allocate();
    free_as(1);
    become(0);
    (void)wr_realloc(block, 100);
}

static void
realloc_inside(void *arg)
{
    (void)arg;
    allocate();
    (void)wr_realloc(block + 8, 100);
}

static void
realloc_inside_large(void *arg)
{
    (void)arg;
    block = wr_malloc(100000);
    (void)wr_realloc(block + 8192, 100);
}

static void
size_of_freed(void *arg)
{
    (void)arg;
    allocate();
    wr_free(block);
    (void)wr_usable_size(block);
}

START_TEST(realloc_and_usable_size_ask_for_live_blocks_too)
{
    stopped(realloc_freed, "realloc", DOUBLE_FREE);
    stopped(realloc_freed_by_another, "realloc", DOUBLE_FREE);
    stopped(realloc_inside, "realloc", "it lies 8 bytes inside");
    stopped(realloc_inside_large, "realloc", "it lies 8192 bytes inside");
    stopped(size_of_freed, "malloc_usable_size", "");
}
END_TEST

static void
add_more(struct wr_text *t, const void *p)
{
    ck_assert_ptr_eq(p, block);
    wr_text_str(t, ", as the test says");
}

static void
free_the_freed(void *arg)
{
    (void)arg;
    wr_events.explain = add_more;
    wr_free(block);
}

START_TEST(the_sentence_names_the_address_and_what_others_know)
{
    char address[40];

    allocate();
    wr_free(block);
    snprintf(address, sizeof address, "weir: free(%p): ", (void *)block);
    stopped(free_the_freed, "free", ", as the test says\n");
    ck_assert_int_eq(strncmp(end.said, address, strlen(address)), 0);
}
END_TEST

static Suite *
suite(void)
{
    Suite *s = suite_create("heap/misuse");
    TCase *t = tcase_create("misuse");

    tcase_set_timeout(t, 60);
    tcase_add_test(t, a_double_free_is_found_whoever_frees);
    tcase_add_test(t, a_double_free_is_found_wherever_the_span_is);
    tcase_add_test(t, a_double_free_is_found_when_the_memory_is_free_again);
    tcase_add_test(t, a_double_free_of_a_sampled_block_is_found);
    tcase_add_test(t, a_pointer_inside_a_block_is_told_from_its_start);
    tcase_add_test(t, what_lies_behind_the_last_block_of_a_span_is_no_block);
    tcase_add_test(t, what_never_was_a_block_is_refused);
    tcase_add_test(t, realloc_and_usable_size_ask_for_live_blocks_too);
    tcase_add_test(t, the_sentence_names_the_address_and_what_others_know);
    suite_add_tcase(s, t);
    return s;
}

int
main(void)
{
    return unit_main(suite());
}
