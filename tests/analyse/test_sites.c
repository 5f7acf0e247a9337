/* Sites over time. */
#include "analyse/maker.h"
#include "analyse/sites.h"

static struct wr_sites sites;
static struct wr_profile *p;

static void
setup(void)
{
    p = maker_heap();
}

static void
teardown(void)
{
    wr_profile_free(p);
    wr_sites_fini(&sites);
}

static void
sample(const char *leaf, const char *caller, int64_t count, int64_t bytes)
{
    maker_sample(p, (const char *[]){leaf, caller, "main", NULL}, count, bytes);
}

static const struct wr_site *
site(const char *name)
{
    for (uint32_t i = 0; i < sites.count; i++)
        if (strcmp(sites.list[i].name, name) == 0)
            return &sites.list[i];
    return NULL;
}

START_TEST(samples_of_one_line_are_one_site)
{
    sample("leaf", "a", 10, 100);
    sample("leaf", "b", 5, 50);
    sample("other", "a", 1, 7);
    ck_assert_int_eq(wr_sites_update(&sites, p), 0);
    ck_assert_uint_eq(sites.count, 2);
    ck_assert_int_eq(site("leaf")->now.inuse_bytes, 150);
    ck_assert_int_eq(site("leaf")->now.alloc_blocks, 15);
    ck_assert_str_eq(site("leaf")->place, "prog.c:10");
    ck_assert_str_eq(site("leaf")->file, "prog.c");
    ck_assert_int_eq(sites.total.inuse_bytes, 157);
}
END_TEST

START_TEST(a_frame_without_a_name_is_called_by_its_place)
{
    uint32_t mapping = maker_mapping_at(p, 0x1000000, "/lib/libx.so", "cd");
    uint32_t frame = wr_profile_location(p, mapping, 0x1000234, NULL, 0);
    wr_profile_sample(p, &frame, 1, (const int64_t[]){1, 2, 1, 2}, NULL, 0);
    ck_assert_int_eq(wr_sites_update(&sites, p), 0);
    ck_assert_str_eq(sites.list[0].name, "[module]");
    ck_assert_str_eq(sites.list[0].place, "libx.so+0x1234");
    ck_assert_int_eq(wr_sites_update(&sites, p), 0);
    ck_assert_uint_eq(sites.count, 1);
}
END_TEST

START_TEST(changes_count_from_the_mark)
{
    sample("old", "a", 1, 100);
    sample("gone", "a", 1, 30);
    ck_assert_int_eq(wr_sites_update(&sites, p), 0);
    wr_sites_mark(&sites);
    uint32_t index = (uint32_t)(site("old") - sites.list);
    wr_profile_free(p);
    p = maker_heap();
    sample("fresh", "a", 1, 5);
    sample("old", "a", 2, 180);
    ck_assert_int_eq(wr_sites_update(&sites, p), 0);
    ck_assert_str_eq(sites.list[index].name, "old");
    ck_assert_int_eq(site("old")->now.inuse_bytes, 180);
    ck_assert_int_eq(site("old")->mark.inuse_bytes, 100);
    ck_assert_int_eq(site("gone")->now.inuse_bytes, 0);
    ck_assert_int_eq(site("gone")->mark.inuse_bytes, 30);
    ck_assert_int_eq(site("fresh")->mark.inuse_bytes, 0);
    ck_assert_int_eq(sites.total_mark.inuse_bytes, 130);
}
END_TEST

START_TEST(a_mark_can_be_an_earlier_profile)
{
    struct wr_profile *now = p;
    sample("leaf", "a", 1, 100);
    p = maker_heap();
    sample("leaf", "a", 1, 40);
    sample("before", "a", 1, 9);
    ck_assert_int_eq(wr_sites_update(&sites, now), 0);
    ck_assert_int_eq(wr_sites_mark_from(&sites, p), 0);
    ck_assert_int_eq(site("leaf")->now.inuse_bytes, 100);
    ck_assert_int_eq(site("leaf")->mark.inuse_bytes, 40);
    ck_assert_int_eq(site("before")->now.inuse_bytes, 0);
    ck_assert_int_eq(site("before")->mark.inuse_bytes, 9);
    wr_profile_free(now);
}
END_TEST

START_TEST(a_site_knows_the_stack_that_holds_most)
{
    char place[100];
    const char *name;
    sample("leaf", "a", 10, 100);
    sample("leaf", "b", 5, 500);
    sample("other", "c", 9, 900);
    ck_assert_int_eq(wr_sites_update(&sites, p), 0);
    ck_assert_uint_eq(site("leaf")->stacks, 2);
    uint32_t which = site("leaf")->sample;
    ck_assert(wr_sites_frame(p, which, 0, &name, place, sizeof place));
    ck_assert_str_eq(name, "leaf");
    ck_assert_str_eq(place, "prog.c:10");
    ck_assert(wr_sites_frame(p, which, 1, &name, place, sizeof place));
    ck_assert_str_eq(name, "b");
    ck_assert(wr_sites_frame(p, which, 2, &name, place, sizeof place));
    ck_assert(!wr_sites_frame(p, which, 3, &name, place, sizeof place));
    wr_profile_free(p);
    p = maker_heap();
    ck_assert_int_eq(wr_sites_update(&sites, p), 0);
    ck_assert_uint_eq(site("leaf")->stacks, 0);
    ck_assert_uint_eq(site("leaf")->sample, WR_NONE);
}
END_TEST

START_TEST(a_profile_of_another_kind_is_refused)
{
    struct wr_profile *cpu = wr_profile_new();
    wr_profile_add_type(cpu, "samples", "count");
    ck_assert_int_eq(wr_sites_update(&sites, cpu), -1);
    wr_profile_free(cpu);
}
END_TEST

START_TEST(many_sites_are_all_found_again)
{
    char name[32];
    for (int i = 0; i < 3000; i++) {
        snprintf(name, sizeof name, "f%d", i);
        sample(name, "a", 1, i);
    }
    ck_assert_int_eq(wr_sites_update(&sites, p), 0);
    ck_assert_uint_eq(sites.count, 3000);
    ck_assert_int_eq(wr_sites_update(&sites, p), 0);
    ck_assert_uint_eq(sites.count, 3000);
    ck_assert_int_eq(site("f2999")->now.inuse_bytes, 2999);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("sites");
    TCase *t = tcase_create("sites");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, samples_of_one_line_are_one_site);
    tcase_add_test(t, a_frame_without_a_name_is_called_by_its_place);
    tcase_add_test(t, changes_count_from_the_mark);
    tcase_add_test(t, a_mark_can_be_an_earlier_profile);
    tcase_add_test(t, a_site_knows_the_stack_that_holds_most);
    tcase_add_test(t, a_profile_of_another_kind_is_refused);
    tcase_add_test(t, many_sites_are_all_found_again);
    suite_add_tcase(s, t);
    return unit_main(s);
}
