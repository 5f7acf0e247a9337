/* /metrics and /sd, in front of made-up programs. */
#include "serve/metrics.h"

#include <math.h>
#include "serve/program.h"
#include <weir/meter.h>
#include "serve/site.h"

static char dir[64];
static struct program one;
static struct wr_site *site;
static struct wr_answer answer;
static char *text;

static void
setup(void)
{
    scratch_make(dir, sizeof dir);
    program_start(&one, dir, "first");
    one.region->header.counters.heap_inuse = 1 << 20;
    one.region->header.counters.heap_idle = 1 << 19;
    one.region->header.counters.heap_released = 1 << 18;
    site = wr_site_new(dir, WR_SCAN_HERE);
    text = NULL;
}

static void
teardown(void)
{
    free(text);
    wr_answer_fini(&answer);
    wr_site_free(site);
    program_end(&one);
    scratch_remove(dir);
}

static const char *
get(const char *target)
{
    struct wr_request q;
    wr_answer_fini(&answer);
    ck_assert_int_eq(wr_request_parse(&q, "GET", target), 0);
    q.host = "weir.example:6060";
    wr_site_answer(site, &q, &answer);
    wr_request_fini(&q);
    free(text);
    text = strndup((char *)answer.bytes, answer.count);
    return text;
}

static const char *
get_pid(pid_t pid, const char *rest)
{
    char target[64];
    snprintf(target, sizeof target, "/pid/%d%s", (int)pid, rest);
    return get(target);
}

/* The value of a series, written as it stands in the text; NaN: none. */
static double
value(const char *series)
{
    size_t n = strlen(series);
    for (const char *line = text; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, series, n) == 0 && line[n] == ' ')
            return atof(line + n);
    }
    return NAN;
}

static unsigned
count(const char *words)
{
    unsigned n = 0;
    for (const char *p = text; (p = strstr(p, words)) != NULL; p++)
        n++;
    return n;
}

/* "name{pid=...,program=...}" of a process. */
static const char *
series_of(const struct program *p, const char *name, const char *program)
{
    static char series[128];
    snprintf(series, sizeof series, "%s{pid=\"%d\",program=\"%s\"}", name,
             (int)p->pid, program);
    return series;
}

#define assert_value(series, wanted)                                           \
    ck_assert_msg(value(series) == (wanted), "%s is %.17g, wanted %.17g",      \
                  series, value(series), (double)(wanted))

/* --- Form --------------------------------------------------------------- */

START_TEST(the_content_type_is_that_of_text_0_0_4)
{
    get("/metrics");
    ck_assert_int_eq(answer.status, 200);
    ck_assert_str_eq(answer.type, "text/plain; version=0.0.4; charset=utf-8");
    ck_assert_int_eq(text[strlen(text) - 1], '\n');
}
END_TEST

START_TEST(each_family_is_announced_once_before_its_samples)
{
    struct program two;
    char name[128], help[160];
    program_start(&two, dir, "second");
    get("/metrics");
    for (const char *line = text; *line; line = strchr(line, '\n') + 1) {
        if (*line != '#')
            continue;
        ck_assert_int_eq(sscanf(line, "# %*s %127s", name), 1);
        snprintf(help, sizeof help, "# HELP %s ", name);
        ck_assert_uint_eq(count(help), 1);
        snprintf(help, sizeof help, "# TYPE %s ", name);
        ck_assert_uint_eq(count(help), 1);
        /* and somebody has a value */
        snprintf(help, sizeof help, "\n%s", name);
        ck_assert_uint_gt(count(help), 0);
    }
    ck_assert_uint_gt(count("# TYPE"), 40);
    program_end(&two);
}
END_TEST

START_TEST(go_names_have_the_types_of_go)
{
    wr_site_set_subject(site, (uint32_t)one.pid);
    get("/metrics");
    ck_assert_uint_eq(count("# TYPE go_memstats_alloc_bytes gauge\n"), 1);
    ck_assert_uint_eq(count("# TYPE go_memstats_alloc_bytes_total counter\n"),
                      1);
    ck_assert_uint_eq(count("# TYPE go_gc_duration_seconds summary\n"), 1);
    assert_value("go_gc_duration_seconds{quantile=\"0.25\"}", 0);
    assert_value("go_gc_duration_seconds_count", 0);
    assert_value("go_info{version=\"weir-0.1.0\"}", 1);
    assert_value("go_gc_gogc_percent", 18446744073709551616.0);
}
END_TEST

/* --- Numbers ------------------------------------------------------------ */

START_TEST(numbers_are_those_of_the_region)
{
    struct wr_counters *c = &one.region->header.counters;
    c->map_failures = 3;
    c->samples_lost = 7;
    c->forks = 2;
    c->scavenged = 4096;
    c->heap_peak = 2 << 20;
    get_pid(one.pid, "/metrics");
    assert_value("weir_map_failures_total", 3);
    assert_value("weir_samples_lost_total", 7);
    assert_value("weir_forks_total", 2);
    assert_value("weir_scavenged_bytes_total", 4096);
    assert_value("weir_heap_peak_bytes", 2 << 20);
    assert_value("weir_sample_rate_bytes", FAKE_RATE);
    assert_value("weir_sites", FAKE_BUCKETS);
    assert_value("go_goroutines", FAKE_THREADS);
    assert_value("go_memstats_heap_inuse_bytes", 1 << 20);
    ck_assert_double_gt(value("process_resident_memory_bytes"), 0);
}
END_TEST

START_TEST(a_program_that_collects_tells_of_its_cycles)
{
    static const unsigned ms[] = {5, 1, 4, 2, 3};
    struct fake *f = one.region;
    get_pid(one.pid, "/metrics");
    ck_assert(isnan(value("go_gc_cycles_total_gc_cycles_total")));
    f->header.table[WR_TABLE_COLLECTOR].used = 1;
    f->collector.cycles = 5;
    f->collector.forced = 2;
    f->collector.percent = 150;
    f->collector.goal = 9000000;
    f->collector.live = 6000000;
    f->collector.stopped_ns = 15000000;
    f->collector.last_end_ns = UINT64_C(1700000000500000000);
    f->collector.share_millionths = 250000;
    f->collector.sys = 12345;
    for (unsigned i = 0; i < 5; i++)
        f->collector.pause_ns[i] = ms[i] * 1000000;
    get_pid(one.pid, "/metrics");
    assert_value("go_gc_cycles_total_gc_cycles_total", 5);
    assert_value("go_gc_cycles_forced_gc_cycles_total", 2);
    assert_value("go_gc_cycles_automatic_gc_cycles_total", 3);
    assert_value("go_gc_gogc_percent", 150);
    assert_value("go_gc_heap_goal_bytes", 9000000);
    assert_value("go_memstats_next_gc_bytes", 9000000);
    assert_value("go_gc_heap_live_bytes", 6000000);
    assert_value("go_memstats_last_gc_time_seconds", 1700000000.5);
    assert_value("go_memstats_gc_cpu_fraction", 0.25);
    assert_value("go_memstats_gc_sys_bytes", 12345);
    assert_value("go_gc_duration_seconds{quantile=\"0\"}", 0.001);
    assert_value("go_gc_duration_seconds{quantile=\"0.25\"}", 0.002);
    assert_value("go_gc_duration_seconds{quantile=\"0.5\"}", 0.003);
    assert_value("go_gc_duration_seconds{quantile=\"1\"}", 0.005);
    assert_value("go_gc_duration_seconds_sum", 0.015);
    assert_value("go_gc_duration_seconds_count", 5);
}
END_TEST

START_TEST(a_program_that_collects_tells_what_that_cost)
{
    struct fake *f = one.region;
    get_pid(one.pid, "/metrics");
    ck_assert(isnan(value("weir_gc_cycles_total")));
    f->header.table[WR_TABLE_COLLECTOR].used = 1;
    f->collector.cycles = 9;
    f->collector.limited = 4;
    f->collector.stops = 18;
    f->collector.longest_ns = 3000000;
    f->collector.stopped_ns = 20000000;
    f->collector.stopped_cpu_ns = 40000000;
    f->collector.assist_ns = 1000000;
    f->collector.background_ns = 500000000;
    f->collector.idle_ns = 2000000000;
    f->collector.stacks = 100;
    f->collector.globals = 200;
    get_pid(one.pid, "/metrics");
    assert_value("weir_gc_cycles_total", 9);
    assert_value("weir_gc_limited_total", 4);
    assert_value("weir_gc_stops_total", 18);
    assert_value("weir_gc_longest_stop_seconds", 0.003);
    assert_value("weir_gc_stopped_seconds_total", 0.02);
    assert_value("weir_gc_cpu_seconds_total", 0.541);
    assert_value("go_cpu_classes_gc_pause_cpu_seconds_total", 0.04);
    assert_value("go_cpu_classes_gc_mark_assist_cpu_seconds_total", 0.001);
    assert_value("go_cpu_classes_gc_mark_dedicated_cpu_seconds_total", 0.5);
    assert_value("go_cpu_classes_gc_mark_idle_cpu_seconds_total", 2);
    assert_value("go_cpu_classes_gc_total_cpu_seconds_total", 2.541);
    assert_value("go_gc_scan_stack_bytes", 100);
    assert_value("go_gc_scan_globals_bytes", 200);
}
END_TEST

START_TEST(pools_and_caches_are_told_by_their_names)
{
    struct fake *f = one.region;
    get_pid(one.pid, "/metrics");
    ck_assert_uint_eq(count("weir_pool_hits_total"), 0);
    f->meter[0].kind = WEIR_METER_CACHE;
    strcpy(f->meter[0].name, "a \"b\"");
    f->meter[0].sum[WEIR_METER_BYTES] = 4096;
    f->meter[0].sum[WEIR_METER_EXPIRED] = 2;
    f->meter[1].kind = WEIR_METER_POOL;
    strcpy(f->meter[1].name, "parsers");
    f->meter[1].sum[WEIR_METER_HITS] = 12;
    f->meter[1].sum[WEIR_METER_MISSES] = 3;
    f->meter[2].kind = WEIR_METER_POOL;
    strcpy(f->meter[2].name, "buffers");
    f->meter[2].sum[WEIR_METER_ITEMS] = (uint64_t)-1; /* for a moment */
    f->meter[3].kind = 77;                            /* of a later Weir */
    f->header.table[WR_TABLE_METERS].used = 4;
    wr_site_set_subject(site, (uint32_t)one.pid);
    get("/metrics");
    assert_value("weir_pool_hits_total{pool=\"parsers\"}", 12);
    assert_value("weir_pool_misses_total{pool=\"parsers\"}", 3);
    assert_value("weir_pool_idle_objects{pool=\"buffers\"}", 0);
    assert_value("weir_cache_bytes{cache=\"a \\\"b\\\"\"}", 4096);
    assert_value("weir_cache_expired_total{cache=\"a \\\"b\\\"\"}", 2);
    ck_assert_uint_eq(count("# TYPE weir_pool_hits_total counter\n"), 1);
}
END_TEST

START_TEST(sums_hold_whatever_the_writer_does)
{
    struct wr_counters *c = &one.region->header.counters;
    c->heap_inuse = 1000; /* less than the blocks, which are told of later */
    c->heap_idle = 500;
    c->heap_released = 700;
    get_pid(one.pid, "/metrics");
    ck_assert_double_le(value("go_memstats_heap_alloc_bytes"), 1000);
    ck_assert_double_le(value("go_memstats_heap_released_bytes"), 500);
    assert_value("go_memstats_heap_sys_bytes", 1500);
    assert_value("weir_fragmentation_ratio", 0);
    assert_value("go_memstats_heap_objects",
                 value("go_memstats_mallocs_total") -
                     value("go_memstats_frees_total"));
    assert_value("go_memstats_sys_bytes",
                 value("go_memstats_heap_sys_bytes") +
                     value("go_memstats_stack_sys_bytes") +
                     value("go_memstats_mspan_sys_bytes") +
                     value("go_memstats_mcache_sys_bytes") +
                     value("go_memstats_buck_hash_sys_bytes") +
                     value("go_memstats_gc_sys_bytes") +
                     value("go_memstats_other_sys_bytes"));
}
END_TEST

START_TEST(fragmentation_is_what_no_block_covers)
{
    get_pid(one.pid, "/metrics");
    double part = 1 - value("weir_live_bytes") / (1 << 20);
    ck_assert_double_eq_tol(value("weir_fragmentation_ratio"), part, 1e-9);
    one.region->header.counters.heap_inuse = 0;
    get_pid(one.pid, "/metrics");
    assert_value("weir_fragmentation_ratio", 0);
}
END_TEST

START_TEST(large_numbers_keep_all_that_a_double_holds)
{
    struct wr_counters *c = &one.region->header.counters;
    c->scavenged = (1ull << 53) - 1;
    c->samples_lost = UINT64_MAX;
    get_pid(one.pid, "/metrics");
    assert_value("weir_scavenged_bytes_total", 9007199254740991.0);
    assert_value("weir_samples_lost_total", 18446744073709551616.0);
}
END_TEST

/* --- Labels ------------------------------------------------------------- */

START_TEST(the_subject_has_no_labels_and_every_other_has)
{
    struct program two;
    wr_site_set_subject(site, (uint32_t)one.pid);
    get("/metrics");
    ck_assert_double_gt(value("weir_live_bytes"), 0);
    assert_value("weir_processes", 1);
    program_start(&two, dir, "second");
    two.region->header.counters.heap_inuse = 1 << 20;
    get("/metrics");
    ck_assert_double_gt(value("weir_live_bytes"), 0);
    ck_assert_double_gt(value(series_of(&two, "weir_live_bytes", "second")), 0);
    assert_value("weir_processes", 2);
    ck_assert_uint_eq(count("\nweir_live_bytes"), 2);
    program_end(&two);
}
END_TEST

START_TEST(labels_do_not_depend_on_how_many_there_are)
{
    struct program two;
    get("/metrics");
    ck_assert_double_gt(value(series_of(&one, "weir_live_bytes", "first")), 0);
    ck_assert(isnan(value("weir_live_bytes")));
    program_start(&two, dir, "second");
    get("/metrics");
    ck_assert_double_gt(value(series_of(&one, "weir_live_bytes", "first")), 0);
    program_end(&two);
}
END_TEST

START_TEST(labels_of_their_own_stand_behind_those_of_the_process)
{
    char series[128];
    get("/metrics");
    snprintf(series, sizeof series,
             "weir_build_info{pid=\"%d\",program=\"first\",version=\"0.1.0\"}",
             (int)one.pid);
    assert_value(series, 1);
    snprintf(series, sizeof series,
             "go_gc_duration_seconds{pid=\"%d\",program=\"first\","
             "quantile=\"1\"}",
             (int)one.pid);
    assert_value(series, 0);
}
END_TEST

START_TEST(a_programs_name_cannot_break_the_format)
{
    strcpy(one.region->header.exe, "/bin/a\"b\\c\nd\xff");
    get("/metrics");
    ck_assert_double_gt(
        value(series_of(&one, "weir_live_bytes", "a\\\"b\\\\c\\nd?")), 0);
}
END_TEST

START_TEST(a_version_cannot_break_the_format)
{
    strcpy(one.region->header.weir_version, "1\"\n\xff");
    get_pid(one.pid, "/metrics");
    assert_value("weir_build_info{version=\"1\"}", 1);
}
END_TEST

START_TEST(below_a_pid_nothing_has_labels)
{
    get_pid(one.pid, "/metrics");
    ck_assert_double_gt(value("weir_live_bytes"), 0);
    ck_assert_uint_eq(count("pid=\""), 0);
    ck_assert_uint_eq(count("weir_processes"), 0);
}
END_TEST

/* --- The switch, and the dead ------------------------------------------- */

START_TEST(go_names_can_be_left_out)
{
    get("/metrics?go=1");
    ck_assert_uint_gt(count("go_"), 0);
    get("/metrics?go=0");
    ck_assert_uint_eq(count("go_"), 0);
    ck_assert_uint_gt(count("process_open_fds"), 0);
    wr_site_hide_go_metrics(site);
    get("/metrics");
    ck_assert_uint_eq(count("go_"), 0);
    ck_assert_uint_gt(count("weir_live_bytes"), 0);
}
END_TEST

START_TEST(the_dead_have_no_metrics)
{
    struct program two;
    program_start(&two, dir, "second");
    get("/metrics");
    assert_value("weir_deaths", 0);
    program_kill(&two);
    get("/metrics");
    assert_value("weir_deaths", 1);
    assert_value("weir_processes", 1);
    ck_assert_uint_eq(count("\"second\""), 0);
    get_pid(two.pid, "/metrics");
    ck_assert_int_eq(answer.status, 404);
    ck_assert_uint_eq(count("has ended"), 1);
    munmap(two.region, sizeof *two.region);
}
END_TEST

START_TEST(without_a_program_there_is_an_answer_all_the_same)
{
    program_kill(&one);
    get("/metrics");
    ck_assert_int_eq(answer.status, 200);
    assert_value("weir_processes", 0);
    ck_assert_uint_eq(count("# TYPE"), 2);
    get("/sd");
    ck_assert_str_eq(text, "[]\n");
    program_start(&one, dir, "again");
}
END_TEST

/* --- Discovery ---------------------------------------------------------- */

START_TEST(targets_are_the_live_processes_where_we_were_asked)
{
    struct program two;
    char wanted[512];
    program_start(&two, dir, "se\"cond");
    program_kill(&two);
    get("/sd");
    ck_assert_str_eq(answer.type, "application/json");
    snprintf(wanted, sizeof wanted,
             "[{\"targets\":[\"weir.example:6060\"],\"labels\":{"
             "\"__metrics_path__\":\"/pid/%d/metrics\","
             "\"__profile_path_prefix__\":\"/pid/%d\",\"pid\":\"%d\","
             "\"program\":\"first\"}}]\n",
             (int)one.pid, (int)one.pid, (int)one.pid);
    ck_assert_str_eq(text, wanted);
    munmap(two.region, sizeof *two.region);
}
END_TEST

START_TEST(several_targets_are_a_list)
{
    struct program two;
    program_start(&two, dir, "se\"cond");
    get("/sd");
    ck_assert_uint_eq(count("}},\n{\"targets\""), 1);
    ck_assert_uint_eq(count("\"program\":\"se\\\"cond\""), 1);
    program_end(&two);
}
END_TEST

int
main(void)
{
    TCase *t = tcase_create("metrics");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, the_content_type_is_that_of_text_0_0_4);
    tcase_add_test(t, each_family_is_announced_once_before_its_samples);
    tcase_add_test(t, go_names_have_the_types_of_go);
    tcase_add_test(t, numbers_are_those_of_the_region);
    tcase_add_test(t, a_program_that_collects_tells_of_its_cycles);
    tcase_add_test(t, a_program_that_collects_tells_what_that_cost);
    tcase_add_test(t, pools_and_caches_are_told_by_their_names);
    tcase_add_test(t, sums_hold_whatever_the_writer_does);
    tcase_add_test(t, fragmentation_is_what_no_block_covers);
    tcase_add_test(t, large_numbers_keep_all_that_a_double_holds);
    tcase_add_test(t, the_subject_has_no_labels_and_every_other_has);
    tcase_add_test(t, labels_do_not_depend_on_how_many_there_are);
    tcase_add_test(t, labels_of_their_own_stand_behind_those_of_the_process);
    tcase_add_test(t, a_programs_name_cannot_break_the_format);
    tcase_add_test(t, a_version_cannot_break_the_format);
    tcase_add_test(t, below_a_pid_nothing_has_labels);
    tcase_add_test(t, go_names_can_be_left_out);
    tcase_add_test(t, the_dead_have_no_metrics);
    tcase_add_test(t, without_a_program_there_is_an_answer_all_the_same);
    tcase_add_test(t, targets_are_the_live_processes_where_we_were_asked);
    tcase_add_test(t, several_targets_are_a_list);
    return run_case(t, "metrics");
}
