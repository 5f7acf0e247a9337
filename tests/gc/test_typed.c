/* Typed blocks: what a layout names counts, and nothing else does. */
#include "gc/start.h"

#include <errno.h>

#include "heap/layout.h"
#include "mark/mark.h"
#include "mark/marks.h"

enum { MANY = 500 };

/* Roots, and addresses hidden from the collector. */
static void *root[MANY];
static uintptr_t hidden[MANY];

static bool
is_live(uintptr_t address)
{
    return weir_gc_base((void *)address) != NULL;
}

/* Those that the stack keeps by chance are few. */
static unsigned
live(void)
{
    unsigned n = 0;

    for (unsigned i = 0; i < MANY; i++)
        n += is_live(~hidden[i]);
    return n;
}

static void
must_go(void)
{
    memset(root, 0, sizeof root);
    collect();
    ck_assert_uint_lt(live(), MANY / 10);
}

/* The i-th: something that only `from` may hold. */
static void *
held(unsigned i)
{
    void *p = weir_gc_alloc(32);

    hidden[i] = ~(uintptr_t)p;
    return p;
}

typedef struct node {
    struct node *left;
    uintptr_t hash;
    struct node *right;
    double weight;
    void *pair[2];
} node;
WEIR_TYPE(node, left, right, pair);

typedef struct both {
    int what;
    union {
        void *p;
        uint64_t n;
    } value;
    char text[20];
    struct {
        void *in;
        uint64_t count;
    } deep[2];
} both;
WEIR_TYPE(both, value, deep[1].in);

typedef struct book {
    uint64_t title[70];
    void *author;
    uint64_t text[60];
    void *next[2];
    uint64_t end[5];
} book;
WEIR_TYPE(book, author, next);

typedef struct text {
    struct text *next;
    uint32_t length;
    char bytes[];
} text;
WEIR_TYPE(text, next);

typedef struct table {
    uint64_t salt, count;
    struct {
        uint64_t hash;
        void *value;
        uint64_t seen;
    } entry[];
} table;
WEIR_TYPE(table, entry[0].value);

/* ---- the descriptor ---- */

#define WORD(T, m) (UINT64_C(1) << (offsetof(T, m) / 8))

START_TEST(a_descriptor_has_the_words_of_the_members)
{
    ck_assert_uint_eq(weir_type_node.bytes, sizeof(node));
    ck_assert_uint_eq(weir_type_node.bits,
                      WORD(node, left) | WORD(node, right) |
                          WORD(node, pair[0]) | WORD(node, pair[1]));
    ck_assert_uint_eq(weir_type_both.bits,
                      WORD(both, value) | WORD(both, deep[1].in));
    ck_assert_uint_eq(weir_type_book.bits, 0);
    ck_assert_uint_eq(weir_type_book.parts, 2);
    ck_assert_uint_eq(weir_type_table.bits, WORD(table, entry[0].value));
}
END_TEST

/* ---- what counts ---- */

/* A word of a typed block, chosen by number, is all that has a block. */
struct word {
    void **(*of)(unsigned i);
    bool counts;
};

static void **
left_of(unsigned i)
{
    node *n = root[i] = weir_new_typed(node);

    return (void **)&n->left;
}

static void **
hash_of(unsigned i)
{
    node *n = root[i] = weir_new_typed(node);

    return (void **)&n->hash;
}

static void **
last_of(unsigned i)
{
    node *n = root[i] = weir_new_typed(node);

    return &n->pair[1];
}

static void **
union_of(unsigned i)
{
    both *b = root[i] = weir_new_typed(both);

    return (void **)&b->value.n;
}

static void **
first_deep_of(unsigned i)
{
    both *b = root[i] = weir_new_typed(both);

    return &b->deep[0].in;
}

static void **
second_deep_of(unsigned i)
{
    both *b = root[i] = weir_new_typed(both);

    return &b->deep[1].in;
}

static void **
author_of(unsigned i)
{
    book *b = root[i] = weir_new_typed(book);

    return &b->author;
}

static void **
next_of_book(unsigned i)
{
    book *b = root[i] = weir_new_typed(book);

    return &b->next[1];
}

static void **
title_of(unsigned i)
{
    book *b = root[i] = weir_new_typed(book);

    return (void **)&b->title[i % 70];
}

static void **
words_of_book(unsigned i)
{
    book *b = root[i] = weir_new_typed(book);

    return (void **)&b->text[i % 60];
}

static void **
next_of_text(unsigned i)
{
    text *t = root[i] = weir_new_typed_flex(text, bytes, i % 50);

    return (void **)&t->next;
}

static void **
bytes_of_text(unsigned i)
{
    text *t = root[i] = weir_new_typed_flex(text, bytes, 100 + i % 9 * 8);
    uintptr_t at = (uintptr_t)t->bytes + i % 9 * 8;

    return (void **)wr_align_up(at, (uintptr_t)8);
}

static void **
value_of(unsigned i)
{
    table *t = root[i] = weir_new_typed_flex(table, entry, 1 + i % 9);

    return &t->entry[i % 9].value;
}

static void **
seen_of(unsigned i)
{
    table *t = root[i] = weir_new_typed_flex(table, entry, 1 + i % 9);

    return (void **)&t->entry[i % 9].seen;
}

static void **
salt_of(unsigned i)
{
    table *t = root[i] = weir_new_typed_flex(table, entry, 1 + i % 9);

    return (void **)(i % 2 == 0 ? &t->salt : &t->entry[i % 9].hash);
}

/* Arrays, small and large. */
static void **
right_in_array(unsigned i)
{
    node *n = root[i] = weir_new_typed_array(node, 1 + i % 9 * 100);

    return (void **)&n[i % 9 * 100].right;
}

static void **
hash_in_array(unsigned i)
{
    node *n = root[i] = weir_new_typed_array(node, 1 + i % 9 * 100);

    return (void **)&n[i % 9 * 70].hash;
}

static void **
author_in_array(unsigned i)
{
    book *b = root[i] = weir_new_typed_array(book, 1 + i % 9 * 5);

    return &b[i % 9 * 5].author;
}

static void **
text_in_array(unsigned i)
{
    book *b = root[i] = weir_new_typed_array(book, 1 + i % 9 * 5);

    return (void **)&b[i % 9 * 5].text[i % 60];
}

static const struct word words[] = {
    {left_of, true},        {hash_of, false},       {last_of, true},
    {union_of, true},       {first_deep_of, false}, {second_deep_of, true},
    {author_of, true},      {next_of_book, true},   {title_of, false},
    {words_of_book, false}, {next_of_text, true},   {bytes_of_text, false},
    {value_of, true},       {seen_of, false},       {salt_of, false},
    {right_in_array, true}, {hash_in_array, false}, {author_in_array, true},
    {text_in_array, false},
};

__attribute__((noinline)) static void
put_into(const struct word *w)
{
    weir_gc_disable(); /* or a block takes a lost one's place */
    for (unsigned i = 0; i < MANY; i++)
        *w->of(i) = held(i);
    weir_gc_enable();
}

START_TEST(a_word_keeps_if_the_layout_names_it)
{
    const struct word *w = &words[_i];

    for (int round = 0; round < 2; round++) { /* fresh blocks, and used ones */
        put_into(w);
        collect();
        if (w->counts)
            ck_assert_uint_eq(live(), MANY);
        else
            ck_assert_uint_lt(live(), MANY / 10);
        must_go();
    }
}
END_TEST

/* ---- blocks that were something else before ---- */

__attribute__((noinline)) static void
use_memory(void)
{
    for (unsigned i = 0; i < MANY; i++) {
        node *n = weir_new_typed(node);
        book *b = weir_new_typed(book);

        memset(n, 0xff, sizeof *n);
        memset(b, 0xff, sizeof *b);
        if (i % 2 == 0)
            weir_gc_free(b);
    }
}

START_TEST(a_typed_block_is_zero_to_its_end_though_its_memory_was_used)
{
    for (int round = 0; round < 3; round++) {
        use_memory();
        collect();
        for (unsigned i = 0; i < MANY; i++) {
            unsigned char *p =
                (unsigned char *)(root[i] = weir_new_typed(book));

            for (size_t at = 0; at < wr_usable_size(p); at++)
                if (p[at] != 0)
                    ck_abort_msg("byte %zu of block %u", at, i);
        }
        memset(root, 0, sizeof root);
    }
}
END_TEST

START_TEST(pointers_into_a_typed_block_keep_it)
{
    for (unsigned i = 0; i < MANY; i++) {
        unsigned many = 1 + i % 9 * 100;
        node *n = weir_new_typed_array(node, many);

        hidden[i] = ~(uintptr_t)n;
        root[i] = i % 2 == 0 ? (void *)&n[many - 1].weight : (void *)&n[many];
    }
    collect();
    ck_assert_uint_eq(live(), MANY);
    must_go();
}
END_TEST

/* ---- blocks of several types side by side ---- */

typedef struct first {
    void *p;
    uint64_t n[5];
} first;
WEIR_TYPE(first, p);

typedef struct last {
    uint64_t n[5];
    void *p;
} last;
WEIR_TYPE(last, p);

/* Each other one: of the one type, the other, an array, one that realloc made
 * longer; the kind'th alone when there is one. */
__attribute__((noinline)) static void
put_beside(int kind)
{
    weir_gc_disable();
    for (unsigned i = 0; i < MANY; i++) {
        unsigned is = kind >= 0 ? (unsigned)kind : i % 4;
        uint64_t *p = is == 0   ? (uint64_t *)weir_new_typed(first)
                      : is == 1 ? (uint64_t *)weir_new_typed(last)
                      : is == 2
                          ? (uint64_t *)weir_new_typed_flex(table, entry, 1)
                          : wr_realloc(weir_new_typed(text), 48);
        unsigned counts = is == 0 ? 0 : is == 1 ? 5 : is == 2 ? 3 : 4;

        root[i] = p;
        p[i % 2 == 0 ? counts : 1] = (uintptr_t)held(i);
    }
    weir_gc_enable();
}

START_TEST(types_of_one_size_do_not_disturb_each_other)
{
    static const int order[] = {0, 1, 0, -1, 2, 0, -1, 3, 1, -1};

    for (size_t k = 0; k < wr_countof(order); k++) {
        put_beside(order[k]);
        collect();
        for (unsigned i = 0; i < MANY; i += 2)
            ck_assert(is_live(~hidden[i]));
        ck_assert_uint_lt(live(), MANY / 2 + MANY / 10);
        for (unsigned i = 0; i < MANY; i += 3) /* the spans stay in use */
            root[i] = NULL;
        collect();
    }
    must_go();
}
END_TEST

/* ---- realloc ---- */

enum { GROWN = 30 };

/* Of the i-th: what a pointer keeps from before, what a pointer in a word that
 * is not named does not, and what one behind the old end does. */
static uintptr_t named[GROWN], unnamed[GROWN], added[GROWN];

static uintptr_t
hide(void *p)
{
    return ~(uintptr_t)p;
}

__attribute__((noinline)) static void
grow(unsigned i, size_t from, size_t to)
{
    node *n = weir_new_typed_array(node, from);

    n[0].left = weir_gc_alloc(32);
    named[i] = hide(n[0].left);
    n[0].hash = (uintptr_t)weir_gc_alloc(32);
    unnamed[i] = ~n[0].hash;
    n = root[i] = wr_realloc(n, to * sizeof *n);
    if (to <= from)
        return;
    n[to - 1].hash = (uintptr_t)weir_gc_alloc(32);
    added[i] = ~n[to - 1].hash;
}

/* All at once: the last one's words are in registers, by which they were
 * copied. */
START_TEST(realloc_keeps_the_layout_and_looks_at_what_it_adds)
{
    static const size_t sizes[][2] = {{3, 4},     {3, 60},      {60, 3},
                                      {3, 5000},  {5000, 5300}, {5000, 9000},
                                      {9000, 200}};
    size_t from = sizes[_i][0], to = sizes[_i][1];
    unsigned kept = 0;

    weir_gc_disable();
    for (unsigned i = 0; i < GROWN; i++)
        grow(i, from, to);
    weir_gc_enable();
    collect();
    for (unsigned i = 0; i < GROWN; i++) {
        ck_assert(is_live(~named[i]));
        ck_assert(to < from || is_live(~added[i]));
        kept += is_live(~unnamed[i]);
    }
    ck_assert_uint_lt(kept, GROWN / 4);
    memset(root, 0, sizeof root);
}
END_TEST

START_TEST(the_slack_of_a_block_may_be_used_when_realloc_gives_it)
{
    typedef struct five {
        void *p;
        uint64_t n[8];
    } five;
    WEIR_TYPE(five, p);

    for (unsigned i = 0; i < MANY; i++) {
        void **p = (void **)weir_new_typed(five);

        ck_assert_ptr_eq(wr_realloc(p, 80), p);
        root[i] = p;
        p[9] = held(i);
    }
    collect();
    ck_assert_uint_eq(live(), MANY);
    must_go();
}
END_TEST

/* ---- layouts made by hand ---- */

START_TEST(a_layout_may_be_made_while_the_program_runs)
{
    struct weir_type t = {.bytes = 64, .bits = UINT64_C(1) << 3};

    for (unsigned i = 0; i < MANY; i++) {
        uint64_t *p = weir_gc_alloc_typed(&t);

        root[i] = p;
        p[3] = (uintptr_t)held(i);
    }
    memset(&t, 0xff, sizeof t); /* it is not needed any more */
    collect();
    ck_assert_uint_eq(live(), MANY);
    for (unsigned i = 0; i < MANY; i++) {
        uint64_t *p = root[i];

        p[4] = p[3];
        p[3] = 0;
    }
    collect();
    ck_assert_uint_lt(live(), MANY / 10);
    must_go();
}
END_TEST

/* Packed structures have pointers anywhere: so every word counts. */
START_TEST(elements_that_are_no_whole_words_count_everywhere_or_nowhere)
{
    struct weir_type packed = {.bytes = 12, .bits = 1};
    struct weir_type plain = {.bytes = 12};

    for (unsigned i = 0; i < MANY; i++) {
        uint64_t *p =
            weir_gc_alloc_typed_array(i % 2 == 0 ? &packed : &plain, 100);

        root[i] = p;
        p[i % 140] = (uintptr_t)held(i);
    }
    collect();
    for (unsigned i = 0; i < MANY; i += 2)
        ck_assert(is_live(~hidden[i]));
    ck_assert_uint_lt(live(), MANY / 2 + MANY / 10);
    must_go();
}
END_TEST

START_TEST(sizes_that_cannot_be_had_are_refused)
{
    struct weir_type t = {.bytes = SIZE_MAX / 2};

    errno = 0;
    ck_assert_ptr_null(weir_new_typed_array(node, SIZE_MAX / 8));
    ck_assert_int_eq(errno, ENOMEM);
    ck_assert_ptr_null(weir_new_typed_flex(table, entry, SIZE_MAX / 24));
    ck_assert_ptr_null(weir_gc_alloc_typed(&t));
}
END_TEST

static void
without_tables(void *unused)
{
    void *before;

    (void)unused;
    start();
    before = weir_gc_alloc(32); /* the thread's own things are there */
    wr_os_fail_after(1, true);
    ck_assert_ptr_null(weir_new_typed(node));
    ck_assert_ptr_null(weir_new_typed_array(node, 10000));
    wr_os_fail_after(0, false);
    ck_assert_ptr_nonnull(weir_new_typed(node));
    ck_assert_ptr_nonnull(weir_new_typed_array(node, 10000));
    ck_assert_ptr_eq(weir_gc_base(before), before);
    _exit(0);
}

START_TEST(without_memory_for_layouts_there_is_no_typed_block)
{
    struct unit_end end = unit_end_of(without_tables, NULL);

    ck_assert_msg(end.status == 0, "%s", end.said);
}
END_TEST

/* ---- the bits ---- */

static uint64_t
bits_at(uintptr_t a, unsigned n)
{
    uint64_t bits = 0;
    unsigned got;

    for (unsigned i = 0; i < n; i++)
        bits |= wr_layout_next(a + i * 8, a + i * 8 + 8, &got) << i;
    return bits;
}

START_TEST(bits_are_put_and_copied_at_any_word)
{
    uint64_t chance = unit_seed("layout");
    uintptr_t base = (uintptr_t)weir_gc_alloc_typed_array(&weir_type_node, 200);
    static bool model[1000];

    wr_layout_fill(base, base + sizeof model * 8, false);
    for (int round = 0; round < 3000; round++) {
        unsigned n = 1 + (unsigned)unit_below(&chance, 64);
        unsigned times = 1 + (unsigned)unit_below(&chance, 6);
        unsigned at = (unsigned)unit_below(&chance, 500);
        uint64_t bits = unit_chance(&chance) & wr_layout_mask(n);

        wr_layout_repeat(base + at * 8, bits, n, times);
        for (unsigned i = 0; i < n * times; i++)
            model[at + i] = (bits >> i % n & 1) != 0;
        wr_layout_copy(base + 940 * 8, base + at * 8, 55 * 8);
        memcpy(&model[940], &model[at], 55);
        for (unsigned i = 0; i < 1000; i++)
            if (bits_at(base + i * 8, 1) != model[i])
                ck_abort_msg("round %d: word %u", round, i);
    }
}
END_TEST

/* ---- the marker ---- */

START_TEST(only_words_that_count_are_looked_at)
{
    node *n = weir_new_typed_array(node, 100);
    struct wr_marks *marks = wr_marks_new();
    struct wr_marker *m = wr_marker_new(marks, NULL);
    uintptr_t end = (uintptr_t)n + wr_usable_size(n);
    size_t slack = (end - (uintptr_t)&n[100]) / 8;

    wr_marker_word(m, (uintptr_t)n);
    ck_assert(wr_marker_finish(m));
    ck_assert(wr_marks_has_at(marks, (uintptr_t)n));
    ck_assert_uint_eq(wr_marker_sums(m)->scanned, (400 + slack) * 8);
    wr_marker_free(m);
    wr_marks_free(marks);
}
END_TEST

int
main(void)
{
    Suite *s;
    TCase *t;

    if (UNIT_SHADOW) {
        unit_skip("a sanitizer's shadow is not read");
        return 77;
    }
    s = suite_create("typed");
    t = tcase_create("typed");
    tcase_add_checked_fixture(t, start, NULL);
    tcase_set_timeout(t, 60);
    tcase_add_test(t, a_descriptor_has_the_words_of_the_members);
    tcase_add_loop_test(t, a_word_keeps_if_the_layout_names_it, 0,
                        wr_countof(words));
    tcase_add_test(t,
                   a_typed_block_is_zero_to_its_end_though_its_memory_was_used);
    tcase_add_test(t, types_of_one_size_do_not_disturb_each_other);
    tcase_add_test(t, pointers_into_a_typed_block_keep_it);
    tcase_add_loop_test(t, realloc_keeps_the_layout_and_looks_at_what_it_adds,
                        0, 7);
    tcase_add_test(t, the_slack_of_a_block_may_be_used_when_realloc_gives_it);
    tcase_add_test(t, a_layout_may_be_made_while_the_program_runs);
    tcase_add_test(
        t, elements_that_are_no_whole_words_count_everywhere_or_nowhere);
    tcase_add_test(t, sizes_that_cannot_be_had_are_refused);
    tcase_add_test(t, bits_are_put_and_copied_at_any_word);
    tcase_add_test(t, only_words_that_count_are_looked_at);
    suite_add_tcase(s, t);
    t = tcase_create("refused");
    tcase_add_test(t, without_memory_for_layouts_there_is_no_typed_block);
    suite_add_tcase(s, t);
    return unit_main(s);
}
