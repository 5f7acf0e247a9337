/* weir watch: what it shows and what keys do, on a terminal of the test's own;
 * and what it prints where there is none. */
#include "cmd/talk.h"

#include "analyse/maker.h"
#include "base/base.h"
#include "weir/choose.h"
#include "weir/watch.h"

#define SECOND UINT64_C(1000000000)
#define MIB    ((int64_t)1 << 20)

/* ---- a terminal ---- */

enum { ROWS_MOST = 60, COLS_MOST = 200 };

static struct {
    unsigned rows, cols;
    char text[ROWS_MOST][COLS_MOST * 4 + 1]; /* of a row, trailing blanks cut */
    enum wr_style style[ROWS_MOST];          /* of the last text put there */
} terminal;

static void
size(unsigned *rows, unsigned *cols)
{
    *rows = terminal.rows;
    *cols = terminal.cols;
}

static void
clear(void)
{
    memset(terminal.text, 0, sizeof terminal.text);
    memset(terminal.style, 0, sizeof terminal.style);
}

static size_t
columns_of(const char *text)
{
    size_t n = 0;
    for (; *text; text++)
        n += ((unsigned char)*text & 0xc0) != 0x80;
    return n;
}

/* Texts come from left to right. */
static void
put(unsigned row, unsigned col, enum wr_style style, const char *text)
{
    ck_assert_uint_lt(row, terminal.rows);
    ck_assert_uint_le(col + columns_of(text), terminal.cols);
    char *line = terminal.text[row];
    ck_assert_uint_le(columns_of(line), col);
    while (columns_of(line) < col)
        strcat(line, " ");
    strcat(line, text);
    terminal.style[row] = style;
}

static void
flush(void)
{
}

/* Keys that are going to be pressed, one a look. */
static const uint32_t *next_key;

static uint32_t
key(int wait_ms)
{
    (void)wait_ms;
    return *next_key++;
}

static const struct wr_screen screen = {
    .size = size, .clear = clear, .put = put, .flush = flush, .key = key};

/* ---- what is watched ---- */

static struct wr_watch w;
static struct wr_vitals vitals;
static struct wr_point point[WR_HISTORY_SECOND_SLOTS];
static size_t points;

static void
setup(void)
{
    terminal.rows = 24;
    terminal.cols = 100;
    points = 0;
    vitals = (struct wr_vitals){.pid = 77,
                                .live_process = true,
                                .uptime_s = 300,
                                .uptime_ns = 300 * SECOND,
                                .live = (uint64_t)(40 * MIB),
                                .rss = (uint64_t)(50 * MIB),
                                .threads = 3,
                                .sample_rate = 524288};
    wr_watch_init(&w, "redis-server");
}

static void
teardown(void)
{
    wr_watch_fini(&w);
}

static void
feed(struct wr_profile *p)
{
    ck_assert_int_eq(wr_watch_feed(&w, &vitals, point, points, p), 0);
}

static void
sample(struct wr_profile *p, const char *leaf, int64_t blocks, int64_t bytes)
{
    maker_sample(p, (const char *[]){leaf, "parse", "main", NULL}, blocks,
                 bytes);
}

static struct wr_profile *
three_sites(void)
{
    struct wr_profile *p = maker_heap();
    sample(p, "small", 900, 2 * MIB);
    sample(p, "large", 5, 30 * MIB);
    sample(p, "middle", 100, 8 * MIB);
    return p;
}

static void
later(struct wr_profile *p)
{
    vitals.uptime_ns += SECOND;
    vitals.uptime_s++;
    feed(p);
}

static const char *
row(unsigned i)
{
    wr_watch_draw(&w, &screen, false);
    return terminal.text[i];
}

static enum wr_watch_action
press(const char *keys)
{
    enum wr_watch_action action = WR_WATCH_NOTHING;
    for (; *keys; keys++)
        action = wr_watch_key(&w, (unsigned char)*keys);
    return action;
}

/* Does any row hold this? */
static bool
shows(const char *text)
{
    wr_watch_draw(&w, &screen, false);
    for (unsigned i = 0; i < terminal.rows; i++)
        if (strstr(terminal.text[i], text))
            return true;
    return false;
}

#define assert_row(i, words)                                                   \
    ck_assert_msg(strstr(row(i), words), "row %d: \"%s\"", i, row(i))

/* ---- the top ---- */

START_TEST(the_title_says_who_it_is)
{
    feed(three_sites());
    assert_row(0, "redis-server  pid 77  up 5m00s  3 threads");
    assert_row(0, "one sample per 512kB");
    assert_row(1, "live        40MB");
    assert_row(2, "rss         50MB");
    assert_row(3, "alloc          0/s");
}
END_TEST

START_TEST(a_program_that_collects_shows_its_cycles)
{
    feed(three_sites());
    assert_row(5, "in Use");
    vitals.collects = true;
    vitals.collected = (struct wr_collected){
        .cycles = 12, .live = (uint64_t)MIB, .way = "as a test"};
    later(NULL);
    assert_row(4, "gc     12 cycles, 1MB alive, goal none; stopped 0, ");
    assert_row(6, "in Use");
    terminal.rows = 10; /* too low for it */
    assert_row(2, "in Use");
}
END_TEST

START_TEST(growth_and_limit_are_beside_the_levels)
{
    vitals.trend = (struct wr_trend){true, 3 * MIB, true};
    vitals.limit = (uint64_t)(100 * MIB);
    feed(three_sites());
    assert_row(1, "40MB +3MB/min");
    assert_row(2, "50MB 50% of 100MB");
    wr_watch_draw(&w, &screen, false);
    ck_assert_int_eq(terminal.style[1], WR_STYLE_ALARM); /* it grows steadily */
    ck_assert_int_eq(terminal.style[2], WR_STYLE_PLAIN);
    vitals.signs = WR_SIGN_LIMIT;
    later(NULL);
    wr_watch_draw(&w, &screen, false);
    ck_assert_int_eq(terminal.style[2], WR_STYLE_ALARM);
}
END_TEST

START_TEST(the_allocation_rate_is_of_the_time_between_two_looks)
{
    vitals.alloc_bytes = (uint64_t)(100 * MIB);
    feed(three_sites());
    vitals.alloc_bytes += (uint64_t)(7 * MIB);
    later(NULL);
    assert_row(3, "alloc        7MB/s");
}
END_TEST

START_TEST(at_the_first_look_the_rate_is_the_historys)
{
    for (points = 0; points < 10; points++)
        point[points] =
            (struct wr_point){.uptime_ns = (291 + points) * SECOND,
                              .alloc_bytes = points * (uint64_t)(5 * MIB)};
    feed(three_sites());
    assert_row(3, "alloc        5MB/s");
}
END_TEST

START_TEST(a_program_that_ended_stays_on_show)
{
    feed(three_sites());
    strcpy(w.ended, "it has ended");
    assert_row(0, "it has ended");
    ck_assert(shows("large"));
}
END_TEST

/* ---- graphs ---- */

static void
add_point(uint64_t second, int64_t live, int64_t allocated)
{
    point[points++] = (struct wr_point){.uptime_ns = second * SECOND,
                                        .live_bytes = (uint64_t)live,
                                        .alloc_bytes = (uint64_t)allocated};
}

START_TEST(a_graph_shows_the_time_before_it_was_drawn)
{
    double cell[10];
    add_point(150, 10, 0);
    add_point(200, 50, 0);
    add_point(280, 20, 0);
    feed(three_sites());
    ck_assert_double_eq(wr_watch_cells(&w, WR_GRAPH_LIVE, cell, 10), 50);
    ck_assert_double_lt(cell[0], 0); /* nothing is known */
    ck_assert_double_lt(cell[3], 0);
    ck_assert_double_eq(cell[5], 10);
    ck_assert_double_eq(cell[7], 50); /* held until the next point */
    ck_assert_double_eq(cell[8], 50);
    ck_assert_double_eq(cell[9], 50); /* the highest of the cell */
}
END_TEST

START_TEST(only_the_last_ten_minutes_are_drawn)
{
    double cell[10];
    vitals.uptime_ns = 2000 * SECOND;
    add_point(1000, 99, 0);
    add_point(1300, 10, 0);
    feed(three_sites());
    ck_assert_double_eq(wr_watch_cells(&w, WR_GRAPH_LIVE, cell, 10), 10);
    ck_assert_double_eq(cell[0], 10);
}
END_TEST

START_TEST(a_rate_has_no_steps_between_points)
{
    double cell[100];
    vitals.uptime_ns = 20 * SECOND;
    for (uint64_t s = 0; s <= 20; s++)
        add_point(s, 0, (int64_t)s * 1000);
    feed(three_sites());
    (void)wr_watch_cells(&w, WR_GRAPH_RATE, cell, 100);
    for (int i = 0; i < 100; i++)
        ck_assert_double_eq_tol(cell[i], 1000, 1);
}
END_TEST

START_TEST(after_a_gap_the_rate_is_that_of_its_last_second)
{
    double cell[10];
    vitals.uptime_ns = 100 * SECOND;
    add_point(0, 0, 0);
    add_point(95, 0, 10000);
    feed(three_sites());
    (void)wr_watch_cells(&w, WR_GRAPH_RATE, cell, 10);
    ck_assert_double_eq(cell[5], 0);
    ck_assert_double_eq_tol(cell[9], 1000, 1);
}
END_TEST

START_TEST(graphs_are_drawn_in_the_letters_the_terminal_has)
{
    add_point(0, 0, 0);
    add_point(150, 100, 0);
    feed(three_sites());
    ck_assert_ptr_nonnull(strstr(row(1), "____####"));
    wr_watch_draw(&w, &screen, true);
    ck_assert_ptr_nonnull(strstr(terminal.text[1], "\u2581\u2588"));
}
END_TEST

/* ---- sites ---- */

START_TEST(sites_come_by_what_they_hold)
{
    feed(three_sites());
    assert_row(5, "in Use     Change    Blocks  Allocated  Name  (3 sites");
    assert_row(6, "30MB          0         5       30MB  large  prog.c:10");
    assert_row(7, "middle");
    assert_row(8, "small");
    assert_row(6, "large  prog.c:10  < parse < main");
}
END_TEST

START_TEST(keys_sort_and_turn_round)
{
    feed(three_sites());
    press("b");
    assert_row(6, "small");
    press("n");
    assert_row(6, "large");
    press("r");
    assert_row(6, "small");
    press("u");
    assert_row(6, "large");
}
END_TEST

START_TEST(changes_count_from_the_mark_and_sort)
{
    struct wr_profile *p = maker_heap();
    feed(three_sites());
    sample(p, "small", 1000, 3 * MIB);
    sample(p, "large", 5, 29 * MIB);
    sample(p, "fresh", 1, MIB / 2);
    later(p);
    press("c");
    assert_row(6, "+1MB");
    assert_row(6, "small");
    assert_row(7, "+512kB");
    assert_row(7, "fresh");
    assert_row(9, "-8MB"); /* what is gone is shown while it is a change */
    assert_row(5, "change in 1s");
    press("d");
    assert_row(6, "        0 ");
    ck_assert(!shows("+1MB"));
}
END_TEST

START_TEST(a_mark_can_lie_in_the_past)
{
    struct wr_profile *then = maker_heap();
    feed(three_sites());
    sample(then, "large", 1, 10 * MIB);
    ck_assert_int_eq(press("D"), WR_WATCH_MARK_PAST);
    ck_assert_int_eq(wr_watch_mark_past(&w, then, 240 * SECOND), 0);
    wr_profile_free(then);
    assert_row(5, "change in 1m00s");
    assert_row(6, "+20MB");
    assert_row(7, "+8MB");
}
END_TEST

START_TEST(a_filter_is_typed_and_taken_back)
{
    feed(three_sites());
    press("/MID");
    assert_row(6, "middle");
    ck_assert(!shows("large"));
    assert_row(23, "/MID_");
    (void)wr_watch_key(&w, WR_KEY_BACKSPACE);
    assert_row(23, "/MI_");
    (void)wr_watch_key(&w, WR_KEY_ENTER);
    assert_row(23, "only \"MI\"");
    press("zz"); /* no longer typing */
    ck_assert_str_eq(w.filter, "MI");
    press("/no such");
    assert_row(6, "no site matches");
    (void)wr_watch_key(&w, WR_KEY_ESCAPE);
    ck_assert(shows("large"));
}
END_TEST

START_TEST(a_filter_that_is_too_long_is_cut)
{
    feed(three_sites());
    press("/");
    for (int i = 0; i < 500; i++)
        press("x");
    ck_assert_uint_eq(strlen(w.filter), sizeof w.filter - 1);
}
END_TEST

static void
many_sites(int count)
{
    struct wr_profile *p = maker_heap();
    char name[32];
    for (int i = 0; i < count; i++) {
        snprintf(name, sizeof name, "f%03d", i);
        sample(p, name, 1, (count - i) * 1000);
    }
    feed(p);
}

START_TEST(moving_scrolls_when_it_must)
{
    many_sites(100);
    assert_row(6, "f000");
    for (int i = 0; i < 16; i++)
        (void)wr_watch_key(&w, WR_KEY_DOWN);
    assert_row(6, "f000");
    assert_row(22, "f016");
    ck_assert_int_eq(terminal.style[22], WR_STYLE_CHOSEN);
    (void)wr_watch_key(&w, WR_KEY_DOWN);
    assert_row(6, "f001");
    (void)wr_watch_key(&w, WR_KEY_END);
    assert_row(22, "f099");
    (void)wr_watch_key(&w, WR_KEY_PAGE_UP);
    assert_row(6, "f082");
    (void)wr_watch_key(&w, WR_KEY_HOME);
    assert_row(6, "f000");
    (void)wr_watch_key(&w, WR_KEY_UP);
    assert_row(6, "f000");
}
END_TEST

START_TEST(the_choice_follows_its_site_but_the_top_stays_the_top)
{
    struct wr_profile *p = maker_heap();
    feed(three_sites());
    ck_assert_str_eq(w.sites.list[w.chosen].name, "large");
    sample(p, "small", 1, 90 * MIB);
    sample(p, "large", 1, 30 * MIB);
    sample(p, "middle", 1, 10 * MIB);
    later(p);
    ck_assert_str_eq(w.sites.list[w.chosen].name, "small");
    (void)wr_watch_key(&w, WR_KEY_DOWN);
    ck_assert_str_eq(w.sites.list[w.chosen].name, "large");
    later(three_sites());
    ck_assert_str_eq(w.sites.list[w.chosen].name, "large");
}
END_TEST

START_TEST(nothing_sampled_is_said_in_words)
{
    feed(maker_heap());
    assert_row(6, "nothing was sampled yet");
    vitals.sample_rate = 0;
    later(NULL);
    assert_row(0, "sampling is off");
    assert_row(6, "WEIR=sample=512K");
    (void)wr_watch_key(&w, WR_KEY_ENTER); /* of nothing there is no stack */
    ck_assert_int_eq(w.view, WR_VIEW_SITES);
    (void)wr_watch_key(&w, WR_KEY_DOWN);
}
END_TEST

/* ---- one site ---- */

START_TEST(enter_shows_the_stack_and_q_goes_back)
{
    feed(three_sites());
    (void)wr_watch_key(&w, WR_KEY_ENTER);
    assert_row(5, "large  prog.c");
    assert_row(6, "holds      30MB in 5 blocks");
    ck_assert(shows("#0   large  prog.c:10"));
    ck_assert(shows("#1   parse  prog.c:10"));
    ck_assert(shows("#2   main  prog.c:10"));
    ck_assert(shows("the source is not on this machine"));
    ck_assert_int_eq(press("q"), WR_WATCH_NOTHING);
    assert_row(6, "large");
    ck_assert_int_eq(press("q"), WR_WATCH_QUIT);
}
END_TEST

START_TEST(the_source_line_is_shown_where_the_file_is)
{
    const char *path =
        write_scratch("code.c", "one\ntwo\n\tthree();\nfour\nfive\nsix\n", 33);
    struct wr_profile *p = maker_heap();
    struct wr_function f = {.name = wr_profile_string(p, "alloc"),
                            .file = wr_profile_string(p, path)};
    struct wr_line line = {wr_profile_function(p, &f), 3, 0};
    uint32_t frame = wr_profile_location(p, WR_NONE, 99, &line, 1);
    wr_profile_sample(p, &frame, 1, (const int64_t[]){1, 2, 1, 2}, NULL, 0);
    feed(p);
    (void)wr_watch_key(&w, WR_KEY_ENTER);
    ck_assert(shows(">     3   three();"));
    ck_assert(shows("      1  one"));
    ck_assert(shows("      5  five"));
    ck_assert(!shows("six"));
}
END_TEST

START_TEST(a_long_stack_scrolls_and_not_beyond_its_end)
{
    terminal.rows = 10;
    feed(three_sites());
    (void)wr_watch_key(&w, WR_KEY_ENTER);
    ck_assert(!shows("#2"));
    for (int i = 0; i < 50; i++)
        (void)wr_watch_key(&w, WR_KEY_DOWN);
    (void)shows("");
    ck_assert_uint_lt(w.scroll, 20);
    for (int i = 0; i < 6; i++)
        (void)wr_watch_key(&w, WR_KEY_UP);
    ck_assert(shows("#2"));
}
END_TEST

/* ---- the rest ---- */

START_TEST(keys_ask_for_files_and_help)
{
    feed(three_sites());
    ck_assert_int_eq(press("s"), WR_WATCH_SAVE);
    ck_assert_int_eq(press("f"), WR_WATCH_FLAME);
    wr_watch_say(&w, "wrote %s", "x.heap.pb.gz");
    assert_row(23, "wrote x.heap.pb.gz");
    press("?");
    ck_assert(shows("write a flame graph"));
    ck_assert_int_eq(press("q"), WR_WATCH_NOTHING); /* of the help */
    ck_assert(shows("in Use"));
    ck_assert_int_eq(wr_watch_key(&w, WR_KEY_LOST), WR_WATCH_QUIT);
    ck_assert_int_eq(wr_watch_key(&w, WR_KEY_NONE), WR_WATCH_NOTHING);
}
END_TEST

START_TEST(every_size_of_terminal_is_drawn_on)
{
    vitals.limit = 1000;
    vitals.trend = (struct wr_trend){true, -5, false};
    add_point(0, 5, 5);
    many_sites(200);
    for (terminal.rows = 0; terminal.rows < 40; terminal.rows++)
        for (terminal.cols = 1; terminal.cols < COLS_MOST;
             terminal.cols += terminal.cols < 30 ? 1 : 13)
            for (int view = WR_VIEW_SITES; view <= WR_VIEW_HELP; view++) {
                w.view = (enum wr_watch_view)view;
                wr_watch_draw(&w, &screen, terminal.cols % 2);
            }
}
END_TEST

START_TEST(narrow_terminals_leave_out_columns)
{
    feed(three_sites());
    terminal.cols = 50;
    ck_assert(!shows("Blocks"));
    ck_assert(shows("Change"));
    terminal.cols = 65;
    ck_assert(shows("Blocks"));
    ck_assert(!shows("Allocated"));
    terminal.rows = 10;
    assert_row(2, "in Use"); /* one graph only */
}
END_TEST

START_TEST(names_are_shown_as_the_terminal_can)
{
    struct wr_profile *p = maker_heap();
    sample(p, "caf\xc3\xa9\n\x1b[31m\xff", 1, 5);
    feed(p);
    assert_row(6, "caf???[31m?");
    wr_watch_draw(&w, &screen, true);
    ck_assert_ptr_nonnull(strstr(terminal.text[6], "caf\xc3\xa9??[31m?"));
}
END_TEST

/* ---- without a terminal ---- */

START_TEST(once_it_prints_a_table)
{
    ck_assert_int_eq(talk(wr_cmd_watch, "watch", "--once"), 0);
    assert_out("holder (pid ");
    assert_out("live ");
    assert_out("    IN USE      CHANGE     BLOCKS  ALLOCATED  SITE");
    ck_assert_str_eq(said.err, "");
}
END_TEST

START_TEST(json_has_the_figures_and_the_sites)
{
    fake_point(one.region, 0,
               &(struct wr_point){.uptime_ns = 1500000000, .live_bytes = 7});
    ck_assert_int_eq(talk(wr_cmd_watch, "watch", "--once", "--json"), 0);
    assert_out("{\"v\":1,\"pid\":");
    assert_out("\"program\":\"holder\",\"running\":true,\"uptime_s\":");
    assert_out(
        "\"limit_bytes\":null,\"signs\":[],\"collector\":null,\"history\":["
        "{\"uptime_s\":1.500,\"live_bytes\":7,");
    assert_out("\"sites\":[{\"function\":");
    ck_assert_int_eq(said.out[strlen(said.out) - 2], '}');
}
END_TEST

START_TEST(the_end_of_the_program_ends_the_text)
{
    struct program two;
    char pid[16];
    program_start(&two, region_dir, "other");
    snprintf(pid, sizeof pid, "%d", (int)two.pid);
    program_kill(&two);
    ck_assert_int_eq(talk(wr_cmd_watch, "watch", pid), 0);
    assert_out(", it was killed");
    ck_assert_int_eq(talk(wr_cmd_watch, "watch", "--json", pid), 0);
    assert_out("\"running\":false");
    munmap(two.region, sizeof *two.region);
}
END_TEST

START_TEST(what_cannot_be_watched_gets_a_sentence)
{
    ck_assert_int_eq(talk(wr_cmd_watch, "watch", "999999"), 1);
    assert_err("process 999999 is not running under Weir");
    ck_assert_int_eq(talk(wr_cmd_watch, "watch", "x1"), WR_EXIT_USAGE);
    assert_err("x1 is no process id");
    ck_assert_int_eq(talk(wr_cmd_watch, "watch", "-n", "0"), WR_EXIT_USAGE);
    assert_err("-n takes seconds");
    ck_assert_int_eq(talk(wr_cmd_watch, "watch", "-s", "x"), WR_EXIT_USAGE);
    assert_err("-s takes inuse, change");
    ck_assert_int_eq(talk(wr_cmd_watch, "watch", "1", "2"), WR_EXIT_USAGE);
    ck_assert_int_eq(talk(wr_cmd_watch, "watch", "--help"), 0);
    assert_out("usage: weir watch");
    ck_assert_str_eq(said.err, "");
}
END_TEST

/* ---- one of several ---- */

static uint32_t
choose(const uint32_t *keys)
{
    terminal.rows = 24;
    terminal.cols = 80;
    next_key = keys;
    return wr_choose(&screen, false);
}

START_TEST(of_several_processes_one_is_chosen)
{
    struct program two;
    ck_assert(!wr_choose_must());
    program_start(&two, region_dir, "other");
    ck_assert(wr_choose_must());
    uint32_t first = choose((uint32_t[]){WR_KEY_ENTER});
    ck_assert_ptr_nonnull(strstr(terminal.text[0], "2 programs run"));
    uint32_t second =
        choose((uint32_t[]){WR_KEY_DOWN, WR_KEY_DOWN, 0, WR_KEY_ENTER});
    ck_assert_uint_eq(first + second, (uint32_t)one.pid + (uint32_t)two.pid);
    ck_assert_uint_ne(first, second);
    ck_assert_uint_eq(choose((uint32_t[]){'j', 'k', 'k', WR_KEY_ENTER}), first);
    ck_assert_uint_eq(choose((uint32_t[]){'x', WR_KEY_RESIZE, 'q'}), 0);
    ck_assert_uint_eq(choose((uint32_t[]){WR_KEY_LOST}), 0);
    program_end(&two);
}
END_TEST

START_TEST(a_list_that_is_longer_than_the_screen_scrolls)
{
    struct program more[5];
    uint32_t keys[] = {'j', 'j', 'j', 'j', 'j', 'q'};
    for (int i = 0; i < 5; i++)
        program_start(&more[i], region_dir, "other");
    for (unsigned rows = 0; rows < 8; rows++) {
        next_key = keys;
        terminal.rows = rows;
        terminal.cols = 30;
        ck_assert_uint_eq(wr_choose(&screen, false), 0);
    }
    for (int i = 0; i < 5; i++)
        program_end(&more[i]);
}
END_TEST

static void
setup_scratch(void)
{
    talk_setup();
    setup();
}

static void
teardown_scratch(void)
{
    teardown();
    talk_teardown();
}

int
main(void)
{
    Suite *s = suite_create("watch");
    TCase *t = tcase_create("screen"), *p = tcase_create("plain");
    tcase_set_timeout(t, 60); /* under a sanitizer it takes ten times as long */
    tcase_add_checked_fixture(t, setup_scratch, teardown_scratch);
    tcase_add_test(t, the_title_says_who_it_is);
    tcase_add_test(t, a_program_that_collects_shows_its_cycles);
    tcase_add_test(t, growth_and_limit_are_beside_the_levels);
    tcase_add_test(t, the_allocation_rate_is_of_the_time_between_two_looks);
    tcase_add_test(t, at_the_first_look_the_rate_is_the_historys);
    tcase_add_test(t, a_program_that_ended_stays_on_show);
    tcase_add_test(t, a_graph_shows_the_time_before_it_was_drawn);
    tcase_add_test(t, only_the_last_ten_minutes_are_drawn);
    tcase_add_test(t, a_rate_has_no_steps_between_points);
    tcase_add_test(t, after_a_gap_the_rate_is_that_of_its_last_second);
    tcase_add_test(t, graphs_are_drawn_in_the_letters_the_terminal_has);
    tcase_add_test(t, sites_come_by_what_they_hold);
    tcase_add_test(t, keys_sort_and_turn_round);
    tcase_add_test(t, changes_count_from_the_mark_and_sort);
    tcase_add_test(t, a_mark_can_lie_in_the_past);
    tcase_add_test(t, a_filter_is_typed_and_taken_back);
    tcase_add_test(t, a_filter_that_is_too_long_is_cut);
    tcase_add_test(t, moving_scrolls_when_it_must);
    tcase_add_test(t, the_choice_follows_its_site_but_the_top_stays_the_top);
    tcase_add_test(t, nothing_sampled_is_said_in_words);
    tcase_add_test(t, enter_shows_the_stack_and_q_goes_back);
    tcase_add_test(t, the_source_line_is_shown_where_the_file_is);
    tcase_add_test(t, a_long_stack_scrolls_and_not_beyond_its_end);
    tcase_add_test(t, keys_ask_for_files_and_help);
    tcase_add_test(t, every_size_of_terminal_is_drawn_on);
    tcase_add_test(t, narrow_terminals_leave_out_columns);
    tcase_add_test(t, names_are_shown_as_the_terminal_can);
    tcase_add_checked_fixture(p, talk_setup_one, talk_teardown_one);
    tcase_add_test(p, once_it_prints_a_table);
    tcase_add_test(p, json_has_the_figures_and_the_sites);
    tcase_add_test(p, the_end_of_the_program_ends_the_text);
    tcase_add_test(p, what_cannot_be_watched_gets_a_sentence);
    tcase_add_test(p, of_several_processes_one_is_chosen);
    tcase_add_test(p, a_list_that_is_longer_than_the_screen_scrolls);
    suite_add_tcase(s, t);
    suite_add_tcase(s, p);
    return unit_main(s);
}
