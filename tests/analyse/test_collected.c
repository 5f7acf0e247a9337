/* The collector, and pools and caches, in words and as JSON. */
#include "analyse/collected.h"

#include "unit.h"

#include "analyse/meters.h"
#include "region/fake.h"

static struct fake fake;
static struct wr_region_view view;

static void
setup(void)
{
    struct wr_collector *c = &fake.collector;
    char why[100];

    fake_init(&fake);
    fake.header.table[WR_TABLE_COLLECTOR].used = 1;
    c->cycles = 300;
    c->forced = 2;
    c->limited = 7;
    c->lost_blocks = 3;
    c->lost_bytes = 9216;
    c->young = 5;
    c->live = 3 << 20;
    c->goal = 6 << 20;
    c->way = WR_WAY_SNAPSHOT;
    c->longest_ns = 9000000;
    c->stopped_ns = 500000000;
    c->last_end_ns = 77;
    c->share_millionths = 25000;
    for (int i = 0; i < WR_PAUSES; i++) /* of cycles 257 to 300, 45 to 256 */
        c->pause_ns[i] = i < 44 ? 5000000 : 1000000;
    ck_assert_int_eq(wr_view_over(&view, &fake, sizeof fake, why, sizeof why),
                     0);
}

static const char *
json_of(const struct wr_collected *c)
{
    static char text[1000];
    FILE *out = fmemopen(text, sizeof text, "w");

    wr_collected_json(c, out);
    fclose(out);
    return text;
}

START_TEST(its_numbers_are_those_of_the_region)
{
    struct wr_collected c;

    ck_assert(wr_collected_read(&c, &view));
    ck_assert_uint_eq(c.cycles, 300);
    ck_assert_uint_eq(c.last_ns, 5000000);
    ck_assert_uint_eq(c.median_ns, 1000000);
    ck_assert_str_eq(
        json_of(&c),
        "{\"cycles\":300,\"forced\":2,\"young\":5,\"limited\":7,"
        "\"live_bytes\":3145728,"
        "\"goal_bytes\":6291456,\"lost_blocks\":3,\"lost_bytes\":9216,"
        "\"last_stop_ns\":5000000,"
        "\"median_stop_ns\":1000000,\"longest_stop_ns\":9000000,"
        "\"stopped_ns\":500000000,\"last_end_ns\":77,\"cpu_share\":0.025,"
        "\"marked\":\"in a copy of the program\"}");
}
END_TEST

START_TEST(it_is_told_in_one_line)
{
    char text[WR_COLLECTED_ROOM];
    struct wr_collected c;

    ck_assert(wr_collected_read(&c, &view));
    ck_assert_str_eq(wr_collected_say(&c, text),
                     "300 cycles (2 forced), 3MB alive, 9kB freed that was "
                     "lost, goal 6MB; stopped 5ms, at most 9ms; 2.5% of the "
                     "processors; marked in a copy of the program");
}
END_TEST

START_TEST(one_that_is_off_has_no_goal)
{
    char text[WR_COLLECTED_ROOM];
    struct wr_collected c;

    fake.collector.goal = UINT64_MAX;
    ck_assert(wr_collected_read(&c, &view));
    ck_assert_ptr_nonnull(strstr(json_of(&c), "\"goal_bytes\":null"));
    ck_assert_ptr_nonnull(strstr(wr_collected_say(&c, text), "goal none;"));
    fake.collector.cycles = fake.collector.forced = 0;
    ck_assert(wr_collected_read(&c, &view));
    ck_assert_str_eq(wr_collected_say(&c, text), "no cycle yet");
    fake.header.table[WR_TABLE_COLLECTOR].used = 0;
    ck_assert(!wr_collected_read(&c, &view));
}
END_TEST

START_TEST(each_way_of_marking_has_a_name_of_its_own)
{
    struct wr_collected c, last = {.way = "?"};

    for (uint64_t way = WR_WAY_NONE; way <= WR_WAY_BARRIER; way++) {
        fake.collector.way = way;
        ck_assert(wr_collected_read(&c, &view));
        ck_assert_str_ne(c.way, last.way);
        last = c;
    }
    fake.collector.way = 99; /* of a later Weir */
    ck_assert(wr_collected_read(&c, &view));
    ck_assert_str_eq(c.way, "in an unknown way");
}
END_TEST

START_TEST(pools_and_caches_are_told_by_what_they_have)
{
    struct wr_meter_line line[2] = {
        {.kind = WEIR_METER_POOL, .name = "p", .sum = {30, 10, 5}},
        {.kind = WEIR_METER_CACHE,
         .name = "c",
         .sum = {0, 0, 1, 2, 3, 1, 2048}}};
    char text[WR_METER_ROOM], json[1000];
    FILE *out = fmemopen(json, sizeof json, "w");

    line[0].sum[WEIR_METER_ITEMS] = 4;
    ck_assert_str_eq(wr_meter_say(&line[0], text),
                     "75.0% of 40 were there, 5 dropped, 4 idle");
    ck_assert_str_eq(wr_meter_say(&line[1], text),
                     "0.0% of 0 were there, 1 dropped, 3 shrunk, holds 1 item "
                     "of 2kB");
    wr_meters_json(line, 2, out);
    fclose(out);
    ck_assert_str_eq(
        json, "[{\"kind\":\"pool\",\"name\":\"p\",\"hits\":30,\"misses\":10,"
              "\"dropped\":5,\"expired\":0,\"shrunk\":0,\"items\":4,"
              "\"bytes\":null},\n"
              "{\"kind\":\"cache\",\"name\":\"c\",\"hits\":0,\"misses\":0,"
              "\"dropped\":1,\"expired\":2,\"shrunk\":3,\"items\":1,"
              "\"bytes\":2048}]");
}
END_TEST

static Suite *
suite(void)
{
    Suite *s = suite_create("analyse/collected");
    TCase *t = tcase_create("collected");

    tcase_add_checked_fixture(t, setup, NULL);
    tcase_add_test(t, its_numbers_are_those_of_the_region);
    tcase_add_test(t, it_is_told_in_one_line);
    tcase_add_test(t, one_that_is_off_has_no_goal);
    tcase_add_test(t, each_way_of_marking_has_a_name_of_its_own);
    tcase_add_test(t, pools_and_caches_are_told_by_what_they_have);
    suite_add_tcase(s, t);
    return s;
}

int
main(void)
{
    return unit_main(suite());
}
