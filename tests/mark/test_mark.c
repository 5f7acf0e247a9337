/* What can be reached is marked, and nothing else. */
#include "unit.h"

#include "heap/heap.h"
#include "heap/mcache.h"
#include "heap/mheap.h"
#include "mark/mark.h"
#include "mark/marks.h"
#include "os/os.h"

enum { ROOTS = 8 };

static uintptr_t root[ROOTS];
static struct wr_marks *marks, *ends;
static struct wr_marker *marker;

static void
new_marker(void)
{
    marks = wr_marks_new();
    ends = wr_marks_new();
    ck_assert(marks != NULL && ends != NULL);
    marker = wr_marker_new(marks, ends);
    ck_assert_ptr_nonnull(marker);
}

static void
end(void)
{
    wr_marker_free(marker);
    wr_marks_free(marks);
    wr_marks_free(ends);
}

static void
anew(void)
{
    end();
    new_marker();
}

static void
begin(void)
{
    memset(root, 0, sizeof root);
    wr_free(wr_malloc(16)); /* there is a heap */
    new_marker();
}

static void
mark_from_roots(void)
{
    wr_lock_take(&wr_mheap_lock);
    wr_marker_scan(marker, root, root + ROOTS);
    ck_assert(wr_marker_finish(marker));
    wr_lock_give(&wr_mheap_lock);
}

static bool
marked(const void *p)
{
    return wr_marks_has_at(marks, (uintptr_t)p);
}

static uintptr_t *
block(size_t bytes)
{
    uintptr_t *p = wr_calloc(bytes);

    ck_assert_ptr_nonnull(p);
    return p;
}

/* --- What points at a block ---------------------------------------------- */

START_TEST(any_address_inside_a_block_keeps_it)
{
    static const size_t size[] = {16, 48, 100, 1000, 5000, 32768, 100000};

    for (size_t i = 0; i < wr_countof(size); i++) {
        char *first = (char *)block(size[i]), *last = (char *)block(size[i]);
        char *low_bits = (char *)block(size[i]), *lost = (char *)block(size[i]);

        root[0] = (uintptr_t)first;
        root[1] = (uintptr_t)last + size[i] - 1;
        root[2] = (uintptr_t)low_bits | 3;
        anew();
        mark_from_roots();
        ck_assert_msg(marked(first), "%zu", size[i]);
        ck_assert_msg(marked(last), "%zu", size[i]);
        ck_assert_msg(marked(low_bits), "%zu", size[i]);
        ck_assert_msg(!marked(lost), "%zu", size[i]);
        ck_assert_uint_eq(wr_marker_sums(marker)->blocks, 3);
        wr_free(first);
        wr_free(last);
        wr_free(low_bits);
        wr_free(lost);
    }
}
END_TEST

START_TEST(words_that_point_at_no_block_mark_nothing)
{
    void *freed = block(64), *stays = block(64), *large = block(1 << 20);

    wr_free(freed);
    wr_free(large);
    root[0] = (uintptr_t)freed;
    root[1] = (uintptr_t)large;
    root[2] = (uintptr_t)&root;
    root[3] = UINTPTR_MAX;
    root[4] = 1;
    root[5] = (uintptr_t)stays | (uintptr_t)1 << 63;
    root[6] = (uintptr_t)large + (1 << 20);
    mark_from_roots();
    ck_assert_uint_eq(wr_marker_sums(marker)->blocks, 0);
    wr_free(stays);
}
END_TEST

START_TEST(a_word_that_is_not_aligned_is_no_pointer)
{
    char *holder = (char *)block(64);
    void *held = block(64);

    memcpy(holder + 4, &held, sizeof held);
    root[0] = (uintptr_t)holder;
    mark_from_roots();
    ck_assert(marked(holder) && !marked(held));
    wr_free(holder);
    wr_free(held);
}
END_TEST

START_TEST(the_last_word_of_a_block_and_of_the_roots_counts)
{
    size_t bytes = 300000, words = bytes / sizeof(uintptr_t);
    uintptr_t *large = block(bytes), *small = block(32), *leaf = block(16);

    large[words - 1] = (uintptr_t)small;
    small[3] = (uintptr_t)leaf;
    root[ROOTS - 1] = (uintptr_t)large;
    mark_from_roots();
    ck_assert(marked(large) && marked(small) && marked(leaf));
    wr_free(large);
    wr_free(small);
    wr_free(leaf);
}
END_TEST

START_TEST(a_register_is_a_root)
{
    uintptr_t *holder = block(16), *held = block(16);

    holder[1] = (uintptr_t)held;
    wr_lock_take(&wr_mheap_lock);
    wr_marker_word(marker, (uintptr_t)holder);
    ck_assert(wr_marker_finish(marker));
    wr_lock_give(&wr_mheap_lock);
    ck_assert(marked(holder) && marked(held));
    wr_free(holder);
    wr_free(held);
}
END_TEST

START_TEST(a_block_added_by_hand_brings_what_it_holds)
{
    uintptr_t *holder = block(16), *held = block(16);

    holder[0] = (uintptr_t)held;
    wr_lock_take(&wr_mheap_lock);
    unsigned number;
    bool exact;
    struct wr_span *s = wr_span_of(holder);
    number = wr_span_block_of(s, holder, &exact);
    ck_assert(wr_marker_add(marker, s, number));
    ck_assert(!wr_marker_add(marker, s, number));
    ck_assert(wr_marker_finish(marker));
    wr_lock_give(&wr_mheap_lock);
    ck_assert(marked(holder) && marked(held));
    wr_free(holder);
    wr_free(held);
}
END_TEST

/* --- What ends where a word points ---------------------------------------- */

static bool
ended(const void *p)
{
    return wr_marks_has_at(ends, (uintptr_t)p);
}

START_TEST(a_pointer_behind_a_block_tells_of_it_when_nothing_lives_there)
{
    static const size_t size[] = {16, 48, 1024, 32768, 100000, 1 << 20};

    for (size_t i = 0; i < wr_countof(size); i++) {
        char *p = (char *)block(size[i]);
        struct wr_span *s = wr_span_of(p);
        size_t bytes = wr_span_block_bytes(s);
        void *next = wr_span_of(p + bytes) == s ? p + bytes : NULL;

        if (next != NULL) /* whoever it is: it lives no more */
            wr_block_set(s, 1 + (unsigned)((uintptr_t)p - s->base) / bytes,
                         WR_BLOCK_NONE);
        anew();
        root[0] = (uintptr_t)p + bytes;
        mark_from_roots();
        ck_assert_msg(!marked(p) && ended(p), "%zu", size[i]);
        anew();
        root[0] = (uintptr_t)p + bytes + 1;
        mark_from_roots();
        ck_assert_msg(!ended(p), "%zu", size[i]);
        root[0] = 0;
    }
}
END_TEST

START_TEST(a_pointer_to_a_living_block_is_none_behind_the_one_before)
{
    enum { MANY = 300 };
    char *p[MANY];
    unsigned neighbours = 0;

    for (int i = 0; i < MANY; i++)
        p[i] = (char *)block(64);
    for (int i = 0; i + 1 < MANY; i++) {
        if (p[i] + 64 != p[i + 1])
            continue;
        anew();
        root[0] = (uintptr_t)p[i + 1];
        mark_from_roots();
        ck_assert(marked(p[i + 1]) && !marked(p[i]) && !ended(p[i]));
        neighbours++;
    }
    ck_assert_uint_gt(neighbours, MANY / 2);
    for (int i = 0; i < MANY; i++)
        wr_free(p[i]);
}
END_TEST

/* --- Sets ------------------------------------------------------------------
 */

enum { MANY = 2000 };

static struct {
    uintptr_t base[MANY];
    size_t n;
} seen;

static void
see(struct wr_span *s, unsigned number, void *unused)
{
    (void)unused;
    ck_assert_uint_lt(seen.n, MANY);
    seen.base[seen.n++] = s->base + number * wr_span_block_bytes(s);
}

static unsigned
number_of(uintptr_t base)
{
    struct wr_span *s = wr_span_of((void *)base);

    return (unsigned)((base - s->base) / wr_span_block_bytes(s));
}

static bool
add(uintptr_t base)
{
    return wr_marks_add(marks, wr_span_of((void *)base), number_of(base));
}

static int
by_address(const void *a, const void *b)
{
    uintptr_t x = *(const uintptr_t *)a, y = *(const uintptr_t *)b;

    return x < y ? -1 : x > y;
}

/* As mark.c writes it down: by a marker of a number that there is not. */
START_TEST(a_page_that_another_marker_is_meeting_is_looked_at_block_by_block)
{
    enum { MEETING = 0x180 | 77 << 9 };
    uintptr_t *p = wr_malloc(48), *q = wr_malloc(48), *other = wr_malloc(48);
    uint16_t *note;

    end();
    ends = NULL;
    wr_lock_take(&wr_mheap_lock);
    marks = wr_marks_new_wide();
    wr_lock_give(&wr_mheap_lock);
    marker = wr_marker_new(marks, NULL);
    note =
        &wr_marks_make(marks, (uintptr_t)p)->page[wr_marks_page((uintptr_t)p)];
    *note = MEETING;
    *p = (uintptr_t)q;
    root[0] = (uintptr_t)p;
    mark_from_roots();
    ck_assert(marked(p) && marked(q) && !marked(other));
    ck_assert_uint_eq(*note, MEETING);
    wr_free(p);
    wr_free(q);
    wr_free(other);
}
END_TEST

START_TEST(a_set_is_walked_in_the_order_of_addresses)
{
    enum { OUT = 30 };
    static uintptr_t in[MANY];
    uint64_t chance = unit_seed("set");

    for (int i = 0; i < MANY; i++)
        in[i] = (uintptr_t)block(16 << unit_below(&chance, 13));
    anew(); /* for the heap as it is now: it may have got another window */
    for (int i = 0; i < MANY; i++) {
        ck_assert(add(in[i]));
        ck_assert(!add(in[i]));
    }
    qsort(in, MANY, sizeof *in, by_address);
    for (int i = 0; i < OUT; i++)
        wr_marks_take_out(marks, wr_span_of((void *)in[i]), number_of(in[i]));
    ck_assert(!marked((void *)in[0]) && marked((void *)in[OUT]));
    seen.n = 0;
    wr_lock_take(&wr_mheap_lock);
    wr_marks_each(marks, see, NULL);
    wr_lock_give(&wr_mheap_lock);
    ck_assert_uint_eq(seen.n, MANY - OUT);
    ck_assert_mem_eq(seen.base, in + OUT, (MANY - OUT) * sizeof *in);
    for (int i = 0; i < MANY; i++)
        wr_free((void *)in[i]);
}
END_TEST

/* --- Against a model ------------------------------------------------------ */

enum { NODES = 3000, EDGES = 3 };

static uintptr_t *node[NODES];
static size_t node_bytes[NODES];
static unsigned edge[NODES][EDGES];
static bool reached[NODES];

static void
make_graph(uint64_t *chance)
{
    for (unsigned i = 0; i < NODES; i++) {
        node_bytes[i] = 32 << unit_below(chance, unit_below(chance, 14) + 1);
        node[i] = block(node_bytes[i]);
    }
    for (unsigned i = 0; i < NODES; i++)
        for (unsigned k = 0; k < EDGES; k++) {
            unsigned to = (unsigned)unit_below(chance, NODES + NODES / 2);
            size_t words = node_bytes[i] / sizeof(uintptr_t);
            size_t place = k + (words - EDGES) * unit_below(chance, 2);

            edge[i][k] = i;
            if (to >= NODES || node[i][place] != 0)
                continue;
            edge[i][k] = to;
            node[i][place] =
                (uintptr_t)node[to] + unit_below(chance, node_bytes[to]);
        }
}

static void
reach(unsigned first)
{
    static unsigned todo[NODES];
    unsigned n = 0;

    if (reached[first])
        return;
    reached[first] = true;
    todo[n++] = first;
    while (n > 0) {
        unsigned i = todo[--n];

        for (unsigned k = 0; k < EDGES; k++)
            if (!reached[edge[i][k]]) {
                reached[edge[i][k]] = true;
                todo[n++] = edge[i][k];
            }
    }
}

static void
compare(void)
{
    uint64_t blocks = 0;

    for (unsigned i = 0; i < NODES; i++) {
        blocks += reached[i];
        ck_assert_msg(marked(node[i]) == reached[i], "node %u of %zu bytes", i,
                      node_bytes[i]);
    }
    ck_assert_uint_eq(wr_marker_sums(marker)->blocks, blocks);
}

static void
mark_a_graph(size_t grey)
{
    uint64_t chance = unit_seed("mark");

    for (int round = 0; round < 20; round++) {
        make_graph(&chance);
        memset(reached, 0, sizeof reached);
        for (unsigned i = 0; i < ROOTS; i++) {
            unsigned n = (unsigned)unit_below(&chance, NODES);

            root[i] = i < 2 + unit_below(&chance, 6) ? (uintptr_t)node[n] : 0;
            if (root[i] != 0)
                reach(n);
        }
        anew();
        if (grey != 0)
            wr_marker_limit_grey(marker, grey);
        mark_from_roots();
        compare();
        for (unsigned i = 0; i < NODES; i++)
            wr_free(node[i]);
    }
}

START_TEST(a_graph_is_marked_as_far_as_it_can_be_reached)
{
    mark_a_graph(0);
}
END_TEST

START_TEST(without_room_for_grey_blocks_the_marks_are_the_same)
{
    mark_a_graph(1);
    mark_a_graph(7);
}
END_TEST

START_TEST(a_long_list_takes_no_room)
{
    enum { LONG = 200000 };
    uintptr_t *first = block(16), *last = first;

    for (int i = 1; i < LONG; i++) {
        last[0] = (uintptr_t)block(16);
        last = (uintptr_t *)last[0];
    }
    root[0] = (uintptr_t)first;
    wr_marker_limit_grey(marker, 4);
    mark_from_roots();
    ck_assert_uint_eq(wr_marker_sums(marker)->blocks, LONG);
    for (uintptr_t *next; first != NULL; first = next) {
        next = (uintptr_t *)first[0];
        wr_free(first);
    }
}
END_TEST

START_TEST(without_memory_for_marks_nothing_is_proved)
{
    void *p = block(16);

    root[0] = (uintptr_t)p;
    wr_lock_take(&wr_mheap_lock);
    wr_os_fail_after(1, true);
    wr_marker_scan(marker, root, root + ROOTS);
    ck_assert(!wr_marker_finish(marker));
    wr_os_fail_after(0, false);
    wr_lock_give(&wr_mheap_lock);
    wr_free(p);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("mark");
    TCase *t = tcase_create("mark");

    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, begin, end);
    tcase_add_test(t, any_address_inside_a_block_keeps_it);
    tcase_add_test(t, words_that_point_at_no_block_mark_nothing);
    tcase_add_test(t, a_word_that_is_not_aligned_is_no_pointer);
    tcase_add_test(t, the_last_word_of_a_block_and_of_the_roots_counts);
    tcase_add_test(t, a_register_is_a_root);
    tcase_add_test(t, a_block_added_by_hand_brings_what_it_holds);
    tcase_add_test(
        t, a_pointer_behind_a_block_tells_of_it_when_nothing_lives_there);
    tcase_add_test(t,
                   a_pointer_to_a_living_block_is_none_behind_the_one_before);
    tcase_add_test(
        t, a_page_that_another_marker_is_meeting_is_looked_at_block_by_block);
    tcase_add_test(t, a_set_is_walked_in_the_order_of_addresses);
    tcase_add_test(t, a_graph_is_marked_as_far_as_it_can_be_reached);
    tcase_add_test(t, without_room_for_grey_blocks_the_marks_are_the_same);
    tcase_add_test(t, a_long_list_takes_no_room);
    tcase_add_test(t, without_memory_for_marks_nothing_is_proved);
    suite_add_tcase(s, t);
    return unit_main(s);
}
