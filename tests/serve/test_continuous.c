/* What we serve is what continuous profilers take: every profile that Grafana
 * Alloy and Parca ask for without being told to, from made-up programs with
 * hostile names.
 *
 *     test_serve_continuous instant|delta FILE...
 *
 * checks files instead, for scripts that fetch them from real programs.
 */
#include "serve/rules.h"

#include "serve/program.h"
#include "serve/site.h"

static char dir[64];
static struct program one;
static struct wr_site *site;
static struct wr_answer answer;

static void
setup(void)
{
    scratch_make(dir, sizeof dir);
    program_start(&one, dir, "first");
    site = wr_site_new(dir, WR_SCAN_HERE);
}

static void
teardown(void)
{
    wr_answer_fini(&answer);
    wr_site_free(site);
    program_end(&one);
    scratch_remove(dir);
}

static void
get(const char *target)
{
    struct wr_request q;
    wr_answer_fini(&answer);
    ck_assert_int_eq(wr_request_parse(&q, "GET", target), 0);
    wr_site_answer(site, &q, &answer);
    wr_request_fini(&q);
}

static void
assert_rules(const char *target, enum rules_kind kind)
{
    get(target);
    ck_assert_msg(answer.status == 200, "%s: %d", target, answer.status);
    const char *broken =
        rules_broken(answer.type, answer.bytes, answer.count, kind);
    ck_assert_msg(!broken, "%s: %s", target, broken);
}

static rules_profile *
fetch(const char *target)
{
    get(target);
    rules_profile *p = rules_unpack(answer.bytes, answer.count);
    ck_assert_ptr_nonnull(p);
    return p;
}

static int64_t
total(const rules_profile *p, size_t type)
{
    int64_t sum = 0;
    for (size_t i = 0; i < p->n_sample; i++)
        sum += p->sample[i]->value[type];
    return sum;
}

/* --- What is asked for -------------------------------------------------- */

/* Paths of Alloy (pyroscope.scrape) and Parca as they come. */
static const char *const asked[] = {
    "/debug/pprof/allocs",
    "/debug/pprof/block",
    "/debug/pprof/goroutine",
    "/debug/pprof/mutex",
    "/debug/pprof/profile?seconds=14",
    "/debug/pprof/heap",
};

START_TEST(all_that_is_asked_for_unbidden_is_a_good_profile)
{
    struct program two;
    char target[128];
    assert_rules(asked[_i], RULES_INSTANT);
    program_start(&two, dir, "second");
    assert_rules(asked[_i], RULES_INSTANT);
    snprintf(target, sizeof target, "/pid/%d%s", (int)two.pid, asked[_i]);
    assert_rules(target, RULES_INSTANT);
    program_end(&two);
}
END_TEST

START_TEST(a_difference_has_a_duration)
{
    assert_rules("/debug/pprof/heap?seconds=1", RULES_DELTA);
}
END_TEST

START_TEST(what_is_not_there_is_an_error_and_no_text_with_status_200)
{
    static const char *const target[] = {
        "/debug/fgprof", "/debug/pprof/delta_heap", "/debug/pprof/delta_mutex",
        "/debug/pprof/trace", "/debug/pprof/block?debug=1"};
    for (size_t i = 0; i < sizeof target / sizeof *target; i++) {
        get(target[i]);
        ck_assert_int_ge(answer.status, 400);
    }
}
END_TEST

/* --- Memory ------------------------------------------------------------- */

START_TEST(memory_profiles_have_the_types_of_go_in_its_order)
{
    static const char *const type[] = {"alloc_objects", "alloc_space",
                                       "inuse_objects", "inuse_space"};
    static const char *const unit[] = {"count", "bytes"};
    rules_profile *p = fetch("/debug/pprof/allocs");
    ck_assert_uint_eq(p->n_sample_type, 4);
    for (size_t i = 0; i < 4; i++) {
        ck_assert_str_eq(rules_string(p, p->sample_type[i]->type), type[i]);
        ck_assert_str_eq(rules_string(p, p->sample_type[i]->unit), unit[i % 2]);
    }
    pprof__profile__free_unpacked(p, NULL);
}
END_TEST

START_TEST(what_was_ever_allocated_stays_when_all_is_freed)
{
    rules_profile *before = fetch("/debug/pprof/allocs");
    for (size_t i = 0; i < FAKE_BUCKETS; i++) {
        struct wr_bucket *b = &one.region->bucket[i];
        b->frees = atomic_load(&b->allocs);
        b->free_bytes = atomic_load(&b->alloc_bytes);
    }
    rules_profile *after = fetch("/debug/pprof/allocs");
    ck_assert_uint_eq(after->n_sample, before->n_sample);
    ck_assert_int_gt(total(after, 1), 0);
    ck_assert_int_eq(total(after, 0), total(before, 0));
    ck_assert_int_eq(total(after, 1), total(before, 1));
    ck_assert_int_eq(total(after, 3), 0);
    pprof__profile__free_unpacked(before, NULL);
    pprof__profile__free_unpacked(after, NULL);
}
END_TEST

/* --- Names -------------------------------------------------------------- */

START_TEST(names_of_any_bytes_become_utf8)
{
    struct program two;
    program_start(&two, dir, "se\xff\xc3");
    for (size_t i = 0; i < FAKE_MODULES; i++)
        strcpy(one.region->module[i].path, "/lib/\x80\xed\xa0\x80 gr\xc3\xbcn");
    assert_rules("/debug/pprof/heap", RULES_INSTANT);
    rules_profile *p = fetch("/debug/pprof/heap");
    bool file = false, program = false;
    for (size_t i = 0; i < p->n_string_table; i++) {
        file |= strcmp(p->string_table[i], "/lib/???? gr\xc3\xbcn") == 0;
        program |= strcmp(p->string_table[i], "se??") == 0;
    }
    ck_assert(file && program);
    pprof__profile__free_unpacked(p, NULL);
    program_end(&two);
}
END_TEST

/* --- The rules themselves ----------------------------------------------- */

static rules_profile *
sound(void)
{
    return fetch("/debug/pprof/heap");
}

#define assert_broken(p, words)                                                \
    do {                                                                       \
        const char *said = rules_of_profile(p, RULES_INSTANT);                 \
        ck_assert_msg(said &&strstr(said, words), "%s", said ? said : "ok");   \
    } while (0)

START_TEST(the_rules_find_what_is_broken)
{
    rules_profile *p = sound();
    ck_assert_ptr_null(rules_of_profile(p, RULES_INSTANT));
    p->duration_nanos = 1;
    assert_broken(p, "duration");
    p->duration_nanos = 0;
    ck_assert_ptr_nonnull(rules_of_profile(p, RULES_DELTA));
    p->time_nanos -= 2ll * RULES_PAST_S * 1000000000;
    assert_broken(p, "time");
    p->sample[0]->location_id[0] = p->n_location + 1;
    assert_broken(p, "not there");
    p->location[0]->id = 9;
    assert_broken(p, "locations are not numbered");
    p->mapping[0]->filename = (int64_t)p->n_string_table;
    assert_broken(p, "mapping's name");
    p->mapping[0]->id = 0;
    assert_broken(p, "mappings are not numbered");
    p->string_table[p->sample_type[0]->type][1] = '-';
    assert_broken(p, "dash");
    p->string_table[1][0] = '\xff';
    assert_broken(p, "UTF-8");
    pprof__profile__free_unpacked(p, NULL);
    ck_assert_ptr_nonnull(
        rules_broken("text/plain", answer.bytes, answer.count, RULES_INSTANT));
    ck_assert_ptr_nonnull(rules_broken(
        RULES_BINARY_TYPE, (const unsigned char *)"<html>", 6, RULES_INSTANT));
    ck_assert_ptr_nonnull(
        rules_broken(RULES_BINARY_TYPE, answer.bytes, 0, RULES_INSTANT));
}
END_TEST

/* --- Files -------------------------------------------------------------- */

static int
check_file(const char *path, enum rules_kind kind)
{
    static unsigned char bytes[2 * RULES_BYTES];
    FILE *f = fopen(path, "rb");
    size_t count = f ? fread(bytes, 1, sizeof bytes, f) : 0;
    if (f)
        fclose(f);
    const char *broken = rules_broken(RULES_BINARY_TYPE, bytes, count, kind);
    if (broken)
        printf("%s: %s\n", path, broken);
    return broken != NULL;
}

static int
check_files(int argc, char **argv)
{
    int broken = 0;
    for (int i = 2; i < argc; i++)
        broken |=
            check_file(argv[i], strcmp(argv[1], "delta") == 0 ? RULES_DELTA
                                                              : RULES_INSTANT);
    return broken;
}

int
main(int argc, char **argv)
{
    if (argc > 1)
        return check_files(argc, argv);
    TCase *t = tcase_create("continuous");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_loop_test(t, all_that_is_asked_for_unbidden_is_a_good_profile, 0,
                        sizeof asked / sizeof *asked);
    tcase_add_test(t, a_difference_has_a_duration);
    tcase_add_test(t,
                   what_is_not_there_is_an_error_and_no_text_with_status_200);
    tcase_add_test(t, memory_profiles_have_the_types_of_go_in_its_order);
    tcase_add_test(t, what_was_ever_allocated_stays_when_all_is_freed);
    tcase_add_test(t, names_of_any_bytes_become_utf8);
    tcase_add_test(t, the_rules_find_what_is_broken);
    return run_case(t, "continuous");
}
