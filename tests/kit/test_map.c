/* Maps against sorted-out arrays, and what their hashes are worth. */
#include "unit.h"

#include <sys/mman.h>
#include <unistd.h>
#include <weir/map.h>

#include "kit/allocs.h"

WEIR_MAP(words, uint64_t, uint64_t, weir_hash_word, weir_same_word);
WEIR_MAP(ages, const char *, int, weir_hash_text, weir_same_text);

/* A hash that makes all keys meet. */
#define one_for_all(key, seed) ((void)(key), (void)(seed), (uint64_t)77)
WEIR_MAP(crowd, unsigned, unsigned, one_for_all, weir_same_word);

enum { KEYS = 3000 };

static uint64_t model[KEYS]; /* value by key; 0: not there */

static size_t
model_len(void)
{
    size_t n = 0;

    for (int i = 0; i < KEYS; i++)
        n += model[i] != 0;
    return n;
}

/* The map has what the model has, also by iteration. */
static void
check(const struct words *m)
{
    size_t at = 0, met = 0;
    struct words_slot *s;

    while ((s = words_next(m, &at)) != NULL) {
        met++;
        if (model[s->key] != s->value)
            ck_abort_msg("key %" PRIu64 " has another value", s->key);
    }
    ck_assert_uint_eq(met, m->len);
    ck_assert_uint_eq(met, model_len());
}

static void
random_operation(struct words *m, uint64_t *chance, size_t keys)
{
    uint64_t key = unit_below(chance, keys), what = unit_below(chance, 100);
    uint64_t *value;

    if (what < 45) {
        value = words_put(m, key);
        ck_assert(value != NULL && *value == model[key]);
        *value = model[key] = unit_chance(chance) | 1;
    } else if (what < 80) {
        ck_assert(words_delete(m, key) == (model[key] != 0));
        model[key] = 0;
    } else if (what < 99) {
        value = words_get(m, key);
        ck_assert((value == NULL ? 0 : *value) == model[key]);
    } else if (unit_below(chance, 200) == 0) {
        words_reset(m);
        memset(model, 0, sizeof model);
    } else {
        ck_assert_int_eq(words_reserve(m, unit_below(chance, 50)), WEIR_OK);
    }
}

START_TEST(a_map_holds_what_was_put_and_not_deleted)
{
    uint64_t chance = unit_seed("map");
    struct allocs from;
    struct words m;

    allocs_init(&from);
    m = (struct words){.alloc = &from.alloc};
    for (size_t keys = 3; keys <= KEYS; keys *= 10) {
        for (int step = 0; step < 100000; step++) {
            random_operation(&m, &chance, keys);
            if (step % 5000 == 0)
                check(&m);
        }
        check(&m);
    }
    words_free(&m);
    ck_assert_int_eq(from.held, 0);
    ck_assert_int_eq(from.blocks, 0);
    ck_assert_ptr_null(words_get(&m, 1));
    *words_put(&m, 1) = 5;
    ck_assert_uint_eq(*words_get(&m, 1), 5);
    words_free(&m);
    ck_assert_int_eq(from.held, 0);
}
END_TEST

START_TEST(an_empty_map_answers_everything)
{
    struct words m = {0};
    size_t at = 0;

    ck_assert_ptr_null(words_get(&m, 1));
    ck_assert(!words_delete(&m, 1));
    ck_assert_ptr_null(words_next(&m, &at));
    ck_assert_ptr_null(words_next(&m, &at));
    words_reset(&m);
    words_free(&m);
}
END_TEST

START_TEST(who_reserves_copies_nothing)
{
    struct allocs from;
    struct words m;

    allocs_init(&from);
    m = (struct words){.alloc = &from.alloc};
    ck_assert_int_eq(words_reserve(&m, 10000), WEIR_OK);
    for (uint64_t i = 0; i < 10000; i++)
        *words_put(&m, i) = i;
    ck_assert_int_eq(from.calls, 1);
    words_free(&m);
}
END_TEST

START_TEST(what_comes_and_goes_does_not_grow_the_table)
{
    struct allocs from;
    struct words m;
    int64_t held;

    allocs_init(&from);
    m = (struct words){.alloc = &from.alloc};
    for (uint64_t i = 0; i < 1000; i++)
        *words_put(&m, i) = i;
    for (uint64_t i = 1000; i < 3000; i++) {
        *words_put(&m, i) = i;
        words_delete(&m, i - 1000);
    }
    held = from.held;
    for (uint64_t i = 3000; i < 200000; i++) {
        *words_put(&m, i) = i;
        words_delete(&m, i - 1000);
    }
    ck_assert_int_le(from.held, 2 * held);
    ck_assert_uint_eq(m.len, 1000);
    words_free(&m);
}
END_TEST

START_TEST(any_entry_may_be_deleted_while_iterating)
{
    uint64_t chance = unit_seed("deleting");
    struct words m = {0};
    struct words_slot *s;
    size_t at = 0, met = 0, gone = 0;

    memset(model, 0, sizeof model);
    for (uint64_t i = 0; i < KEYS; i++)
        *words_put(&m, i) = model[i] = 1;
    while ((s = words_next(&m, &at)) != NULL) {
        uint64_t other = unit_below(&chance, KEYS);

        ck_assert_uint_eq(model[s->key], 1); /* not deleted, not met before */
        model[s->key] = 2;
        met++;
        if (unit_below(&chance, 2) == 0)
            ck_assert(words_delete(&m, s->key));
        if (words_delete(&m, other)) {
            gone += model[other] == 1;
            model[other] = 3;
        }
    }
    ck_assert_uint_eq(met + gone, KEYS);
    words_free(&m);
}
END_TEST

START_TEST(keys_that_all_collide_are_told_apart)
{
    struct crowd m = {0};

    for (unsigned i = 0; i < 300; i++)
        *crowd_put(&m, i) = i * i;
    for (unsigned i = 0; i < 300; i += 3)
        ck_assert(crowd_delete(&m, i));
    for (unsigned i = 0; i < 300; i++)
        ck_assert(i % 3 == 0 ? crowd_get(&m, i) == NULL
                             : *crowd_get(&m, i) == i * i);
    crowd_free(&m);
}
END_TEST

START_TEST(texts_are_keys_by_what_they_say)
{
    struct ages m = {0};
    char ada[] = "Ada";

    *ages_put(&m, "Ada") = 36;
    *ages_put(&m, "Grace") = 85;
    ck_assert_int_eq(*ages_get(&m, ada), 36);
    ck_assert_int_eq(*ages_put(&m, ada), 36);
    ck_assert_uint_eq(m.len, 2);
    ck_assert_ptr_null(ages_get(&m, "Alan"));
    ages_free(&m);
}
END_TEST

START_TEST(without_memory_nothing_has_changed)
{
    struct allocs from;
    struct words m;

    allocs_init(&from);
    m = (struct words){.alloc = &from.alloc};
    from.refuse = true;
    ck_assert_ptr_null(words_put(&m, 1));
    from.refuse = false;
    for (uint64_t i = 0; i < 14; i++)
        *words_put(&m, i) = i;
    from.refuse = true;
    ck_assert_ptr_null(words_put(&m, 14));
    ck_assert_int_eq(words_reserve(&m, 1), WEIR_ENOMEM);
    ck_assert_int_eq(words_reserve(&m, SIZE_MAX), WEIR_ENOMEM);
    ck_assert_int_eq(words_reserve(&m, SIZE_MAX / 16), WEIR_ENOMEM);
    ck_assert_uint_eq(m.len, 14);
    for (uint64_t i = 0; i < 14; i++)
        ck_assert_uint_eq(*words_get(&m, i), i);
    words_free(&m);
}
END_TEST

/* Numbers, strided numbers and texts fall evenly: the sum of squares of how
 * many share a cell is what chance gives, at most half more. Seeds are fixed,
 * so there is no luck in it. */
static void
check_spread(const char *what, uint64_t (*hash)(uint64_t))
{
    enum { CELLS = 4096, N = CELLS * 8 };
    static unsigned cell[CELLS];

    for (int shift = 0; shift < 60; shift += 13) {
        double chi = 0;

        memset(cell, 0, sizeof cell);
        for (uint64_t i = 0; i < N; i++)
            cell[(hash(i) >> shift) % CELLS]++;
        for (int i = 0; i < CELLS; i++)
            chi += (cell[i] - 8.0) * (cell[i] - 8.0) / 8.0;
        ck_assert_msg(chi < CELLS * 1.5, "%s >> %d: %g", what, shift, chi);
    }
}

static uint64_t
of_numbers(uint64_t i)
{
    return weir_hash_word(i, 0x5eed5eed5eed5eedU);
}

static uint64_t
of_pages(uint64_t i)
{
    return weir_hash_word(i << 12, 0x5eed5eed5eed5eedU);
}

static uint64_t
of_texts(uint64_t i)
{
    char text[40];

    snprintf(text, sizeof text, "/a/long/path/%" PRIu64 "/name", i);
    return weir_hash_text(text, 1);
}

static uint64_t
of_short_texts(uint64_t i)
{
    char text[40];

    snprintf(text, sizeof text, "%" PRIu64, i);
    return weir_hash_text(text, 1);
}

START_TEST(hashes_spread_what_programs_use_as_keys)
{
    check_spread("numbers", of_numbers);
    check_spread("pages", of_pages);
    check_spread("texts", of_texts);
    check_spread("short texts", of_short_texts);
}
END_TEST

START_TEST(every_byte_and_the_length_count_in_a_hash)
{
    unsigned char bytes[64] = {0};

    for (size_t n = 0; n <= 40; n++) {
        uint64_t hash = weir_hash_bytes(bytes, n, 9);

        ck_assert_uint_eq(weir_hash_bytes(bytes, n, 9), hash);
        ck_assert_uint_ne(weir_hash_bytes(bytes, n + 1, 9), hash);
        ck_assert_uint_ne(weir_hash_bytes(bytes, n, 10), hash);
        for (size_t i = 0; i < n; i++) {
            bytes[i] = 1;
            ck_assert_uint_ne(weir_hash_bytes(bytes, n, 9), hash);
            bytes[i] = 0;
        }
    }
}
END_TEST

/* At every place of a line, in front of whatever follows, and where the next
 * page cannot be read. */
START_TEST(a_text_has_one_hash_wherever_it_lies)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), near = 64;
    char *pages = mmap(NULL, 3 * page, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    ck_assert_ptr_ne(pages, MAP_FAILED);
    ck_assert_int_eq(mprotect(pages + 2 * page, page, PROT_NONE), 0);
    for (size_t n = 0; n <= 40; n++) {
        uint64_t hash;

        memset(pages, 'k', n);
        pages[n] = '\0';
        hash = weir_hash_text(pages, 5);
        ck_assert_uint_ne(hash, weir_hash_text(pages, 6));
        for (size_t back = n + 1; back <= n + near; back++) {
            char *across = pages + page + near - back;
            char *last = pages + 2 * page - back;

            memset(across, 'z', near + 64);
            memcpy(across, pages, n + 1);
            ck_assert_uint_eq(weir_hash_text(across, 5), hash);
            memset(last, 'z', back);
            memcpy(last, pages, n + 1);
            ck_assert_uint_eq(weir_hash_text(last, 5), hash);
        }
        for (size_t i = 0; i < n; i++) {
            pages[i] = 'l';
            ck_assert_uint_ne(weir_hash_text(pages, 5), hash);
            pages[i] = 'k';
        }
        pages[n] = 'k';
        pages[n + 1] = '\0';
        ck_assert_uint_ne(weir_hash_text(pages, 5), hash);
    }
    munmap(pages, 3 * page);
}
END_TEST

START_TEST(two_maps_have_two_seeds)
{
    struct words a = {0}, b = {0};

    words_put(&a, 1);
    words_put(&b, 1);
    ck_assert_uint_ne(a.table.seed, b.table.seed);
    words_free(&a);
    words_free(&b);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("kit/map");
    TCase *c = tcase_create("map");

    tcase_set_timeout(c, 60);
    tcase_add_test(c, a_map_holds_what_was_put_and_not_deleted);
    tcase_add_test(c, an_empty_map_answers_everything);
    tcase_add_test(c, who_reserves_copies_nothing);
    tcase_add_test(c, what_comes_and_goes_does_not_grow_the_table);
    tcase_add_test(c, any_entry_may_be_deleted_while_iterating);
    tcase_add_test(c, keys_that_all_collide_are_told_apart);
    tcase_add_test(c, texts_are_keys_by_what_they_say);
    tcase_add_test(c, without_memory_nothing_has_changed);
    tcase_add_test(c, hashes_spread_what_programs_use_as_keys);
    tcase_add_test(c, every_byte_and_the_length_count_in_a_hash);
    tcase_add_test(c, a_text_has_one_hash_wherever_it_lies);
    tcase_add_test(c, two_maps_have_two_seeds);
    suite_add_tcase(s, c);
    return unit_main(s);
}
