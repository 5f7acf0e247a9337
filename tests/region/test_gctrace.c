/* The line of a collection: the form that Go's documentation gives. */
#include "unit.h"

#include <regex.h>

#include "region/gctrace.h"

#define US UINT64_C(1000)
#define MS UINT64_C(1000000)

/* By the words of Go's runtime documentation:
 *   gc # @#s #%: #+#+# ms clock, #+#/#/#+# ms cpu, #->#-># MB, # MB goal,
 *   # MB stacks, #MB globals, # P
 * where its own lines have a blank before the MB of globals. */
#define NUMBER "[0-9]+"
#define TIME   "(0|0\\.0[0-9]{2}|0\\.[0-9]{2}|[0-9]\\.[0-9]|[0-9]+)"

static const char *const form =
    "^gc " NUMBER " @" NUMBER "\\.[0-9]{3}s " NUMBER "%: " TIME "\\+" TIME
    "\\+" TIME " ms clock, " TIME "\\+" TIME "/" TIME "/" TIME "\\+" TIME
    " ms cpu, " NUMBER "->" NUMBER "->" NUMBER " MB, " NUMBER
    " MB goal, " NUMBER " MB stacks, " NUMBER " MB globals, " NUMBER
    " P( \\(forced\\))?\n$";

static struct wr_collection
cycle(void)
{
    return (struct wr_collection){.number = 3,
                                  .since_ns = 112 * MS,
                                  .prepare_ns = 21 * US,
                                  .mark_ns = 1812 * US,
                                  .end_ns = 34 * US,
                                  .assist_ns = 213 * US,
                                  .background_ns = 801 * US,
                                  .heap_start = (uint64_t)4 << 20,
                                  .heap_end = ((uint64_t)6 << 20) - 1,
                                  .live = (uint64_t)2 << 20,
                                  .goal = (uint64_t)5 << 20,
                                  .share_millionths = 29999,
                                  .processors = 2};
}

static const char *
line_of(const struct wr_collection *c)
{
    static struct wr_text t;

    wr_gctrace_line(&t, c);
    return t.buf;
}

START_TEST(a_line_has_gos_fields_in_gos_order)
{
    struct wr_collection c = cycle();

    ck_assert_str_eq(line_of(&c),
                     "gc 3 @0.112s 2%: 0.021+1.8+0.034 ms clock, "
                     "0.042+0.21/0.80/0+0.068 ms cpu, 4->5->2 MB, 5 MB goal, "
                     "0 MB stacks, 0 MB globals, 2 P\n");
    c.by_time = true;
    ck_assert(strncmp(line_of(&c), "GC forced\ngc 3 @0.112s ", 23) == 0);
    c.by_time = false;
    c.forced = true;
    c.stacks = c.globals = (uint64_t)1 << 21;
    ck_assert_str_eq(line_of(&c),
                     "gc 3 @0.112s 2%: 0.021+1.8+0.034 ms clock, "
                     "0.042+0.21/0.80/0+0.068 ms cpu, 4->5->2 MB, 5 MB goal, "
                     "2 MB stacks, 2 MB globals, 2 P (forced)\n");
}
END_TEST

/* Two digits, at most three places; whole from 10 ms on. */
START_TEST(times_have_two_digits)
{
    static const struct {
        uint64_t ns;
        const char *text;
    } at[] = {{0, "0"},         {999, "0"},          {1000, "0.001"},
              {9999, "0.009"},  {99999, "0.099"},    {100000, "0.10"},
              {999999, "0.99"}, {1000000, "1.0"},    {1049999, "1.0"},
              {9999999, "9.9"}, {10000000, "10"},    {123456789, "123"},
              {59999999, "59"}, {1000000000, "1000"}};
    char wanted[64];

    for (size_t i = 0; i < sizeof at / sizeof *at; i++) {
        struct wr_collection c = cycle();

        c.mark_ns = at[i].ns;
        snprintf(wanted, sizeof wanted, ": 0.021+%s+0.034 ms clock",
                 at[i].text);
        ck_assert_msg(strstr(line_of(&c), wanted) != NULL, "%s", line_of(&c));
    }
}
END_TEST

START_TEST(the_start_has_three_places)
{
    struct wr_collection c = cycle();

    c.since_ns = 5 * MS;
    ck_assert_ptr_nonnull(strstr(line_of(&c), " @0.005s "));
    c.since_ns = 61234567 * US;
    ck_assert_ptr_nonnull(strstr(line_of(&c), " @61.234s "));
    c.since_ns = 0;
    ck_assert_ptr_nonnull(strstr(line_of(&c), " @0.000s "));
}
END_TEST

START_TEST(every_line_has_the_form_of_the_documentation)
{
    uint64_t chance = unit_seed("every_line_has_the_form");
    regex_t r;

    ck_assert_int_eq(regcomp(&r, form, REG_EXTENDED | REG_NOSUB), 0);
    for (int i = 0; i < 5000; i++) {
        struct wr_collection c;
        unsigned char *bytes = (unsigned char *)&c;
        unsigned width = (unsigned)unit_below(&chance, 9);

        memset(&c, 0, sizeof c);
        for (size_t k = 0; k < offsetof(struct wr_collection, processors); k++)
            if (k % 8 < width)
                bytes[k] = (unsigned char)unit_below(&chance, 256);
        c.processors = (unsigned)unit_below(&chance, 256) + 1;
        c.forced = unit_below(&chance, 2);
        if (regexec(&r, line_of(&c), 0, NULL, 0) != 0)
            ck_abort_msg("%s", line_of(&c));
    }
    regfree(&r);
}
END_TEST

static Suite *
suite(void)
{
    Suite *s = suite_create("region/gctrace");
    TCase *t = tcase_create("gctrace");

    tcase_add_test(t, a_line_has_gos_fields_in_gos_order);
    tcase_add_test(t, times_have_two_digits);
    tcase_add_test(t, the_start_has_three_places);
    tcase_add_test(t, every_line_has_the_form_of_the_documentation);
    suite_add_tcase(s, t);
    return s;
}

int
main(void)
{
    return unit_main(suite());
}
