/* When memory runs out, at any allocation: a sentence, and nothing broken.
 *
 * The program's own malloc counts down to the one that fails. */
#include "analyse/maker.h"
#include "analyse/top.h"
#include "region/fake.h"
#include "region/read.h"

#include <errno.h>

#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
#define FOREIGN_MALLOC 1 /* the sanitizer's; it cannot be made to fail */
#elif defined __has_feature
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define FOREIGN_MALLOC 1
#endif
#endif

static long countdown; /* allocations until one fails; 0: none will */
static bool failed_one;

#ifndef FOREIGN_MALLOC
void *__libc_malloc(size_t n);
void *__libc_calloc(size_t count, size_t n);
void *__libc_realloc(void *p, size_t n);

static bool
fails(void)
{
    if (countdown == 0 || --countdown > 0)
        return false;
    errno = ENOMEM;
    return failed_one = true;
}

void *
malloc(size_t n)
{
    return fails() ? NULL : __libc_malloc(n);
}

void *
calloc(size_t count, size_t n)
{
    return fails() ? NULL : __libc_calloc(count, n);
}

void *
realloc(void *p, size_t n)
{
    return fails() ? NULL : __libc_realloc(p, n);
}
#endif

static struct wr_profile *whole;
static unsigned char *bytes;
static size_t length;
static char why[WR_WHY];

static void
setup(void)
{
    whole = maker_heap();
    for (int i = 0; i < 200; i++) {
        char name[16];
        snprintf(name, sizeof name, "function%d", i);
        maker_sample(whole, STACK(name, "middle", "main"), 1, i);
    }
    whole->drop_frames = wr_profile_string(whole, "malloc|calloc");
    ck_assert_int_eq(
        wr_profile_encode(whole, true, &bytes, &length, why, sizeof why), 0);
}

static void
teardown(void)
{
    countdown = 0;
    wr_profile_free(whole);
    free(bytes);
}

/* The checks of a test allocate as well; what is tested is over by then. */
static bool
over(bool ok)
{
    countdown = 0;
    return ok;
}

/* Try with the first allocation failing, then the second, and so on until
 * none is left to fail. Returns how many there were. */
static long
try_all(bool (*attempt)(void))
{
    for (long n = 1; n < 100000; n++) {
        countdown = n;
        failed_one = false;
        why[0] = '\0';
        bool done = over(attempt());
        if (!failed_one) {
            ck_assert(done);
#ifdef FOREIGN_MALLOC
            return 1000;
#endif
            return n - 1;
        }
    }
    ck_abort_msg("it never works");
    return 0;
}

static bool
encode(void)
{
    unsigned char *out;
    size_t n;
    if (!over(wr_profile_encode(whole, true, &out, &n, why, sizeof why) == 0)) {
        ck_assert_str_ne(why, "");
        return false;
    }
    free(out);
    return true;
}

START_TEST(encoding_survives)
{
    ck_assert_int_gt(try_all(encode), 5);
}
END_TEST

static bool
decode(void)
{
    struct wr_profile *p;
    if (!over(wr_profile_decode(&p, bytes, length, why, sizeof why) == 0)) {
        ck_assert_str_ne(why, "");
        return false;
    }
    ck_assert(wr_profile_check(p));
    ck_assert_uint_eq(p->sample_count, 200);
    wr_profile_free(p);
    return true;
}

START_TEST(decoding_survives)
{
    ck_assert_int_gt(try_all(decode), 40);
}
END_TEST

static bool
decode_text(void)
{
    static const char text[] = "heap profile: 1: 64 [3: 192] @ heap/2\n"
                               "1: 64 [3: 192] @ 0x401234 0x402000\n"
                               "#\t0x401233\tinner+0x3\t/src/a.c:10\n"
                               "MAPPED_LIBRARIES:\n"
                               "400000-500000 r-xp 0 08:01 77 /bin/prog\n";
    struct wr_profile *p;
    if (!over(wr_profile_decode(&p, text, strlen(text), why, sizeof why) ==
              0)) {
        ck_assert_str_eq(why, "out of memory");
        return false;
    }
    wr_profile_free(p);
    return true;
}

START_TEST(decoding_text_survives)
{
    ck_assert_int_gt(try_all(decode_text), 10);
}
END_TEST

static bool
merge(void)
{
    struct wr_profile *into = wr_profile_new();
    if (!into)
        return false;
    wr_profile_add_type(into, "alloc_objects", "count");
    wr_profile_add_type(into, "alloc_space", "bytes");
    wr_profile_add_type(into, "inuse_objects", "count");
    wr_profile_add_type(into, "inuse_space", "bytes");
    into->period_type = (struct wr_value_type){
        wr_profile_string(into, "space"), wr_profile_string(into, "bytes")};
    bool ok = !into->failed &&
              wr_profile_merge(into, whole, why, sizeof why) == 0 &&
              !into->failed;
    over(ok);
    ck_assert(wr_profile_check(into));
    ck_assert(!ok || into->sample_count == 200);
    wr_profile_free(into);
    return ok;
}

START_TEST(merging_survives)
{
    ck_assert_int_gt(try_all(merge), 20);
}
END_TEST

static bool
report(void)
{
    struct wr_top top;
    if (wr_top_make(&top, whole, 3) != 0)
        return false;
    wr_top_fini(&top);
    return true;
}

/* Without a pattern: glibc 2.36's regcomp frees twice when memory runs out. */
START_TEST(reporting_survives)
{
    whole->drop_frames = 0;
    ck_assert_int_gt(try_all(report), 5);
}
END_TEST

static struct wr_region_view view;

static bool
from_region(void)
{
    struct wr_profile *p;
    if (!over(wr_profile_from_region(&p, &view, WR_PROFILE_HEAP,
                                     WR_VALUES_ESTIMATED, why,
                                     sizeof why) == 0)) {
        ck_assert_str_eq(why, "out of memory");
        return false;
    }
    ck_assert(wr_profile_check(p));
    wr_profile_free(p);
    return true;
}

START_TEST(building_from_a_region_survives)
{
    static struct fake fake;
    fake_init(&fake);
    fake.header.pid = 0; /* nobody to ask: no allocations of libc's */
    ck_assert_int_eq(wr_view_over(&view, &fake, sizeof fake, why, sizeof why),
                     0);
    ck_assert_int_gt(try_all(from_region), 10);
    wr_region_close(&view);
}
END_TEST

START_TEST(a_failed_profile_stays_readable_and_takes_no_more)
{
    ck_assert_str_eq(maker_frame(whole, 7, 0), "function7");
    whole->failed = true;
    maker_sample(whole, STACK("too", "late"), 1, 1);
    ck_assert_uint_eq(whole->sample_count, 200);
    ck_assert(wr_profile_check(whole));
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("analyse/memory");
    TCase *tests = tcase_create("memory");
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, encoding_survives);
    tcase_add_test(tests, decoding_survives);
    tcase_add_test(tests, decoding_text_survives);
    tcase_add_test(tests, merging_survives);
    tcase_add_test(tests, reporting_survives);
    tcase_add_test(tests, building_from_a_region_survives);
    tcase_add_test(tests, a_failed_profile_stays_readable_and_takes_no_more);
    suite_add_tcase(suite, tests);
    return unit_main(suite);
}
