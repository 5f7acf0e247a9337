/* Suspects of a region: one made by hand, of a program that ended after 1500
 * seconds. Its stack A leaks, in blocks of two sizes; B does not. */
#include "region/fake.h"
#include "unit.h"

#include <stdalign.h>

#include "analyse/growth.h"
#include "analyse/end.h"
#include "analyse/facts.h"
#include "analyse/leaks.h"
#include "analyse/holders.h"
#include "analyse/inquiry.h"
#include "analyse/profile.h"
#include "analyse/snap.h"
#include "analyse/snapshot.h"
#include "analyse/spots.h"
#include "analyse/story.h"
#include "analyse/suspect_holder.h"
#include "analyse/suspect_report.h"
#include "analyse/suspects.h"
#include "analyse/survivors.h"

enum { NOW = 1500, LEDGER = 8192, BUCKET_B = 3 };

struct big {
    struct fake f;
    alignas(FAKE_PAGE) struct wr_past past;
    alignas(FAKE_PAGE) struct wr_ledger_slot ledger[LEDGER];
};

static struct big *region;
static struct wr_region_view view;
static uint64_t ledger_used;

/* ---- making it ---- */

static void
log_change(uint32_t series, uint32_t tick, uint32_t allocs, uint32_t frees)
{
    struct wr_past_log *l = &region->past.log[WR_PAST_FINE];
    if (allocs == 0 && frees == 0)
        return;
    region->past.fine[l->written++] =
        (struct wr_past_entry){series, tick, allocs, frees};
    l->logged[series].allocs += allocs;
    l->logged[series].frees += frees;
}

/* What comes and goes at a site, as its bucket shows it. */
static void
record(uint32_t bucket, const struct growth_site *site)
{
    static struct growth_view v;
    struct wr_bucket *b = &region->f.bucket[bucket];
    growth_look(site, NOW, &v);
    for (size_t i = 1; i < v.s.points; i++) {
        struct wr_suspect_point *p = &v.point[i];
        log_change(bucket + 1, (uint32_t)i,
                   (uint32_t)(p->births - p[-1].births),
                   (uint32_t)(p->deaths - p[-1].deaths));
        for (uint32_t g = 0; g < WR_PAST_GRADES; g += 2)
            log_change(WR_PAST_SERIES + bucket * WR_PAST_OLD + g / 2,
                       (uint32_t)i, (uint32_t)(p->old[g] - p[-1].old[g]),
                       (uint32_t)(p->old[g + 1] - p[-1].old[g + 1]));
    }
    b->allocs = v.point[v.s.points - 1].births;
    b->frees = v.point[v.s.points - 1].deaths;
    b->alloc_bytes = b->allocs * b->size;
    b->free_bytes = b->frees * b->size;
    for (unsigned k = 1; k < WR_AGES; k++)
        b->died[k] = (uint32_t)v.s.died[k];
    for (size_t i = 0; i < v.s.live; i++) {
        struct wr_ledger_slot *s = &region->ledger[ledger_used++];
        s->born_ns =
            region->f.header.start_mono_ns + (uint64_t)(v.born[i] * 1e9) + 1;
        s->who = (uint64_t)100 << 32 | bucket;
        s->address = 16 * ledger_used;
    }
    free(v.born);
}

/* Entries must be in the order of their ticks. */
static int
by_tick(const void *a, const void *b)
{
    const struct wr_past_entry *x = a, *y = b;
    return (int)x->tick - (int)y->tick;
}

static void
finish(void)
{
    struct wr_past_log *l = region->past.log;
    struct wr_region_header *h = &region->f.header;
    char why[100];
    qsort(region->past.fine, l[WR_PAST_FINE].written, sizeof *region->past.fine,
          by_tick);
    l[WR_PAST_FINE].last = NOW / 10;
    for (unsigned i = 0; i < WR_PAST_LOGS; i++)
        l[i].undo.at = UINT64_MAX;
    l[WR_PAST_COARSE].base = NOW; /* it knows nothing */
    region->past.begun = 1;
    fake_table(&region->f, WR_TABLE_PAST, offsetof(struct big, past),
               sizeof region->past, 1, 1);
    fake_table(&region->f, WR_TABLE_LEDGER, offsetof(struct big, ledger),
               sizeof *region->ledger, LEDGER, ledger_used);
    h->region_bytes = sizeof *region;
    ck_assert_int_eq(
        wr_view_over(&view, region, sizeof *region, why, sizeof why), 0);
}

static void
play(uint32_t bucket, double each, double leak_each)
{
    struct growth_site g = {.chance = bucket};
    for (double t = 0; t < NOW; t += each)
        growth_add(&g, t, 5 * each);
    for (double t = 1; leak_each > 0 && t < NOW; t += leak_each)
        growth_add(&g, t, GROWTH_FOREVER);
    record(bucket, &g);
    growth_end(&g);
}

static void
make(void)
{
    struct wr_region_header *h;
    region = aligned_alloc(FAKE_PAGE, sizeof *region);
    ck_assert_ptr_nonnull(region);
    memset(region, 0, sizeof *region);
    ledger_used = 1;
    fake_init(&region->f);
    h = &region->f.header;
    h->start_ns = h->start_mono_ns = UINT64_C(1000000000000);
    h->end_ns = h->start_ns + NOW * UINT64_C(1000000000);
    h->state = WR_REGION_EXITED;
    h->table[WR_TABLE_BUCKETS].used = 4;
    fake_bucket(&region->f.bucket[1], FAKE_STACK_A, 48, 0, 0);
    fake_bucket(&region->f.bucket[2], FAKE_STACK_A, 8192, 0, 0);
    fake_bucket(&region->f.bucket[BUCKET_B], FAKE_STACK_B, 8192, 0, 0);
    play(1, 1, 20);
    play(2, 1, 20);
    play(BUCKET_B, 0.2, 0);
    for (unsigned i = 0; i < 25; i++) { /* and some for ever, of its start */
        struct wr_ledger_slot *s = &region->ledger[ledger_used++];
        s->born_ns = h->start_mono_ns + 1;
        s->who = BUCKET_B;
        s->address = 16 * ledger_used;
    }
    finish();
}

static void
find(struct wr_suspects *s, const struct wr_leaks *l)
{
    char why[200] = "";
    ck_assert_msg(wr_suspects_find(s, &view, l, why, sizeof why) == 0, "%s",
                  why);
}

/* ---- what is found ---- */

START_TEST(a_leaking_stack_is_found_with_its_numbers)
{
    struct wr_suspects s;
    const struct wr_suspect *v;
    make();
    find(&s, NULL);
    ck_assert_uint_eq(s.count, 2);
    ck_assert_uint_eq(s.growing, 1);
    ck_assert_uint_eq(s.list[0].stack, FAKE_STACK_A);
    ck_assert_uint_eq(s.list[1].stack, FAKE_STACK_B);
    v = &s.list[0].verdict;
    ck_assert_int_eq(v->growth, WR_GROWTH_LEAK);
    ck_assert_int_eq(v->sure, WR_SURE_HIGH);
    ck_assert_double_eq_tol(v->per_minute, 6, 0.3); /* both sizes */
    ck_assert_double_eq_tol(v->oldest, 1499, 1);
    ck_assert_uint_eq(s.list[0].samples, 2 * (75 + 4));
    /* One of 48 bytes stands for 86, one of 8192 for 1.16. */
    ck_assert_double_eq_tol(s.list[0].live_blocks, 79 * (85.8 + 1.157), 20);
    ck_assert_double_eq_tol(v->live_bytes, 79 * (85.8 * 48 + 1.157 * 8192),
                            20000);
    ck_assert_double_eq_tol(v->bytes_per_minute,
                            v->per_minute * v->live_bytes / 158, 1);
    ck_assert_int_eq(s.list[1].verdict.growth, WR_GROWTH_NONE);
    ck_assert_double_eq_tol(s.now, NOW, 0.01);
    ck_assert_double_eq_tol(s.known, NOW, 50);
    wr_suspects_fini(&s);
    free(region);
}
END_TEST

/* What a search has proved lost is told by weir leaks; it is no suspect. */
START_TEST(blocks_that_are_leaked_are_no_suspects)
{
    struct wr_leaks l = {.header.records = 0};
    struct wr_suspects s;
    make();
    l.records = calloc(LEDGER, sizeof *l.records);
    for (uint64_t i = 0; i < ledger_used; i++)
        if ((uint32_t)region->ledger[i].who < BUCKET_B)
            l.records[l.header.records++].address = region->ledger[i].address;
    find(&s, &l);
    ck_assert_uint_eq(s.growing, 0);
    ck_assert_uint_eq(s.count, 1);
    ck_assert_uint_eq(s.list[0].stack, FAKE_STACK_B);
    wr_suspects_fini(&s);
    free(l.records);
    free(region);
}
END_TEST

START_TEST(a_region_without_a_past_has_no_suspects)
{
    struct wr_suspects s;
    make();
    region->past.begun = 0;
    find(&s, NULL);
    ck_assert_uint_eq(s.growing, 0);
    ck_assert_double_eq(s.known, 0);
    wr_suspects_fini(&s);
    region->f.header.table[WR_TABLE_LEDGER].used = 0;
    find(&s, NULL);
    ck_assert_uint_eq(s.count, 0);
    wr_suspects_fini(&s);
    free(region);
}
END_TEST

/* ---- what survives ---- */

START_TEST(of_a_site_in_balance_nothing_survives)
{
    enum { SINCE = 750 };
    double small = 85.8 * 48, big = 1.157 * 8192;
    struct wr_survivors s;
    char why[200] = "";
    make();
    ck_assert_int_eq(wr_survivors_find(&s, &view, SINCE, NOW, why, sizeof why),
                     0);
    /* Of stack A one block of each size in 20 s stays for ever, those of 5 s
     * ago may go yet. Of B none stays, but for 25 of the start. */
    ck_assert_double_eq_tol(s.bytes[1], 37 * small, small);
    ck_assert_double_eq_tol(s.bytes[2], 37 * big, big);
    ck_assert_double_eq(s.bytes[BUCKET_B], 0);
    ck_assert_double_eq_tol(s.variance[1] / s.bytes[1], 84.8 * 48, 60);
    wr_survivors_fini(&s);
    ck_assert_int_eq(wr_survivors_find(&s, &view, 0, NOW, why, sizeof why), 0);
    ck_assert_double_eq_tol(s.bytes[BUCKET_B], 25 * big, 200);
    wr_survivors_fini(&s);
    free(region);
}
END_TEST

/* The story of the region, with A named after its file and B after none. */
static void
tell(struct wr_story *s, struct wr_known *k)
{
    static struct wr_end end;
    struct wr_story_of of = {&view, &end, "fake", 1};
    char why[200] = "";
    wr_end_init(&end);
    end.how = WR_END_EXIT;
    ck_assert_int_eq(wr_story_make(s, &of, NULL, why, sizeof why), 0);
    ck_assert_int_eq(wr_known_make(k, s, why, sizeof why), 0);
}

START_TEST(who_grows_is_named_alone_when_the_samples_tell)
{
    struct wr_story s;
    struct wr_known k;
    make();
    tell(&s, &k);
    ck_assert_uint_eq(s.kept_count, 1);
    ck_assert_ptr_nonnull(k.facts.growing.site);
    ck_assert_ptr_null(k.facts.growing.other);
    wr_known_fini(&k);
    wr_story_fini(&s);
    /* As many bytes of B, as old: nobody can say which. */
    for (unsigned i = 1; i <= 43; i++) {
        struct wr_ledger_slot *slot = &region->ledger[ledger_used++];
        slot->born_ns = region->f.header.start_mono_ns +
                        (NOW - 10 * i) * UINT64_C(1000000000);
        slot->who = BUCKET_B;
        slot->address = 16 * ledger_used;
    }
    region->f.header.table[WR_TABLE_LEDGER].used = ledger_used;
    tell(&s, &k);
    ck_assert_uint_eq(s.kept_count, 2);
    ck_assert_ptr_nonnull(k.facts.growing.other);
    ck_assert_str_ne(k.facts.growing.other, k.facts.growing.site);
    wr_known_fini(&k);
    wr_story_fini(&s);
    free(region);
}
END_TEST

START_TEST(a_refusal_counts_however_much_happened_since)
{
    struct wr_mark mark = {.kind = WR_MARK_REFUSED, .value = 5 << 20};
    struct wr_story s;
    struct wr_known k;
    make();
    fake_mark(&region->f, 0, &mark);
    mark = (struct wr_mark){.kind = WR_MARK_LIMIT, .value = 1};
    for (uint64_t n = 1; n <= 2 * WR_STORY_EVENTS; n++)
        fake_mark(&region->f, n, &mark);
    ck_assert_int_eq(
        wr_view_over(&view, region, sizeof *region, (char[99]){0}, 99), 0);
    tell(&s, &k);
    ck_assert_double_eq(k.facts.refused, 5 << 20);
    wr_known_fini(&k);
    wr_story_fini(&s);
    free(region);
}
END_TEST

/* ---- ages in profiles ---- */

static struct wr_profile *
profile(enum wr_profile_values values)
{
    struct wr_profile *p;
    char why[100];
    ck_assert_int_eq(wr_profile_from_region(&p, &view, WR_PROFILE_HEAP, values,
                                            why, sizeof why),
                     0);
    return p;
}

/* The sum of a value over the samples with that age; -1: without one. */
static int64_t
of_age(const struct wr_profile *p, int value, int64_t age)
{
    int64_t sum = 0;
    for (uint32_t i = 0; i < p->sample_count; i++) {
        const struct wr_sample *s = &p->samples[i];
        int64_t found = -1;
        for (uint32_t k = 0; k < s->label_count; k++) {
            const struct wr_label *l = &p->labels[s->first_label + k];
            if (strcmp(p->strings[l->key], "age") == 0) {
                ck_assert_str_eq(p->strings[l->unit], "seconds");
                found = l->num;
            }
        }
        if (found == age)
            sum += p->values[(size_t)i * p->type_count + (size_t)value];
    }
    return sum;
}

START_TEST(on_request_what_is_alive_says_how_old_it_is)
{
    enum { ALLOCS, INUSE = 2 };
    struct wr_profile *plain, *p;
    make();
    plain = profile(WR_VALUES_ESTIMATED);
    p = profile(WR_VALUES_BY_AGE);
    /* Every 20 s one of 48 bytes, for 85.8, and one of 8192, for 1.157. */
    ck_assert_int_eq(of_age(plain, INUSE, 600), 0);
    ck_assert_double_eq_tol((double)of_age(p, INUSE, 600), 45 * 86.9, 100);
    ck_assert_double_eq_tol((double)of_age(p, INUSE, 60), 27 * 86.9, 100);
    ck_assert_int_gt(of_age(p, INUSE, 10), 0);
    ck_assert_int_gt(of_age(p, INUSE, 1), 0);
    ck_assert_int_eq(of_age(p, INUSE, 3600), 0);
    for (int value = ALLOCS; value <= INUSE + 1; value++)
        ck_assert_int_eq(wr_profile_total(p, (uint32_t)value),
                         wr_profile_total(plain, (uint32_t)value));
    /* What was freed has no age. */
    ck_assert_int_gt(of_age(p, ALLOCS, -1), of_age(p, INUSE, -1));
    wr_profile_free(plain);
    wr_profile_free(p);
    free(region);
}
END_TEST

/* ---- from what they are reached ---- */

static struct snap snap;

/* A root at 0x5008 leads to the first of six blocks, each to the next; the
 * seventh is reached by nobody, and the eighth is free. */
static void
hold_in_a_row(struct wr_inquiry *q, struct wr_snapshot *s, struct wr_holders *h)
{
    static char maps[] = "5000-6000 rw-p 00000000 00:00 0\n";
    struct wr_spots_options o = {.snapshot = s,
                                 .maps = fmemopen(maps, strlen(maps), "r")};
    char why[200] = "";
    snap_begin(&snap);
    snap_span(&snap, 0x10000, 64, 8, 0x7f);
    for (uint64_t i = 0; i < 5; i++)
        snap_pointer(&snap, 0x10000 + i * 64, 8, 0x10040 + i * 64);
    snap_root(&snap, 0x5008, 0x10000);
    snap_finish(&snap);
    FILE *in = snap_file(&snap);
    ck_assert_int_eq(wr_snapshot_read(s, in, why, sizeof why), 0);
    fclose(in);
    *q = (struct wr_inquiry){.snapshot = s, .holders = h};
    q->spots = wr_spots_open(&o);
    fclose(o.maps);
    ck_assert_msg(wr_holders_make(h, s, q->spots, why, sizeof why) == 0, "%s",
                  why);
}

START_TEST(the_holders_of_a_suspect_are_told_in_a_line)
{
    struct wr_snapshot s;
    struct wr_holders h;
    struct wr_inquiry q;
    char text[200], brief[24];
    hold_in_a_row(&q, &s, &h);
    wr_suspect_holder(&q, 0x10000, text, sizeof text);
    ck_assert_str_eq(text, "mapped memory 0x5000 (4kB)");
    wr_suspect_holder(&q, 0x10090, text, sizeof text); /* in the third */
    ck_assert_str_eq(text, "mapped memory 0x5000 (4kB) -> 64B -> 64B");
    wr_suspect_holder(&q, 0x10140, text, sizeof text);
    ck_assert_str_eq(
        text, "mapped memory 0x5000 (4kB) -> 64B -> 64B -> ... 2 more -> "
              "64B");
    wr_suspect_holder(&q, 0x10140, brief, sizeof brief);
    ck_assert_str_eq(brief, "mapped memory 0x5000 (4");
    wr_suspect_holder(&q, 0x10180, text, sizeof text);
    ck_assert_str_eq(text, "nothing: the program cannot reach it");
    wr_suspect_holder(&q, 0x101c0, text, sizeof text); /* free */
    ck_assert_str_eq(text, "");
    wr_suspect_holder(&q, 0x99999, text, sizeof text); /* no block */
    ck_assert_str_eq(text, "");
    wr_holders_fini(&h);
    wr_spots_close(q.spots);
    wr_snapshot_fini(&s);
}
END_TEST

/* ---- reports ---- */

static void
hold(const void *arg, const struct wr_suspect_site *site, char *text, size_t n)
{
    (void)arg;
    ck_assert_uint_ne(site->example, 0);
    if (site->stack == FAKE_STACK_A)
        snprintf(text, n, "a cache");
}

static char *
report(bool json, bool all)
{
    struct wr_suspect_report r = {
        .program = "fake", .pid = 77, .sites = 10, .all = all, .held = hold};
    struct wr_suspects s;
    struct wr_profile *p;
    char why[100], *text;
    size_t bytes;
    FILE *out = open_memstream(&text, &bytes);
    make();
    find(&s, NULL);
    ck_assert_int_eq(wr_profile_from_suspects(&p, &view, &s, why, sizeof why),
                     0);
    ck_assert_uint_eq(p->sample_count, s.count);
    r.suspects = &s;
    r.profile = p;
    if (json)
        wr_suspect_report_json(&r, out);
    else
        wr_suspect_report_print(&r, out);
    fclose(out);
    wr_profile_free(p);
    wr_suspects_fini(&s);
    free(region);
    return text;
}

static void
says(const char *text, const char *part)
{
    ck_assert_msg(strstr(text, part) != NULL, "no \"%s\" in:\n%s", part, text);
}

START_TEST(the_list_tells_growth_evidence_and_doubt)
{
    char *text = report(false, false);
    says(text, "fake (pid 77): 1 of 2 sites grow without end");
    says(text, "not searched for leaks");
    says(text, " a minute, a leak: ");
    says(text, "the oldest 25 min");
    says(text, "first.so");
    says(text, "most blocks allocated here are soon freed");
    says(text, "0 such were freed");
    says(text, "reached from a cache\n");
    says(text, "certainty: high; it would change with as many");
    ck_assert_ptr_null(strstr(text, "The other sites"));
    free(text);
    text = report(false, true);
    says(text, "The other sites");
    says(text, "what grows old here is freed as fast");
    free(text);
}
END_TEST

START_TEST(json_has_every_site_and_number)
{
    char *text = report(true, false);
    says(text, "{\"v\":1,\"program\":\"fake\",\"pid\":77,\"uptime_s\":1500.0,");
    says(text, "\"growing\":1,\"unborn\":0,");
    says(text, "{\"growth\":\"leak\",\"certainty\":\"high\",");
    says(text, "{\"growth\":\"none\",");
    says(text, "\"held\":\"a cache\"");
    says(text, "\"window_s\":970,");
    says(text, "\"gone\":0,\"log10_chance\":-");
    free(text);
}
END_TEST

static Suite *
suite(void)
{
    Suite *s = suite_create("analyse/suspects");
    TCase *t = tcase_create("suspects");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, a_leaking_stack_is_found_with_its_numbers);
    tcase_add_test(t, blocks_that_are_leaked_are_no_suspects);
    tcase_add_test(t, of_a_site_in_balance_nothing_survives);
    tcase_add_test(t, who_grows_is_named_alone_when_the_samples_tell);
    tcase_add_test(t, a_refusal_counts_however_much_happened_since);
    tcase_add_test(t, a_region_without_a_past_has_no_suspects);
    tcase_add_test(t, on_request_what_is_alive_says_how_old_it_is);
    tcase_add_test(t, the_holders_of_a_suspect_are_told_in_a_line);
    tcase_add_test(t, the_list_tells_growth_evidence_and_doubt);
    tcase_add_test(t, json_has_every_site_and_number);
    suite_add_tcase(s, t);
    return s;
}

int
main(void)
{
    return unit_main(suite());
}
