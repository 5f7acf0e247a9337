/* Patterns: Go's regular expressions mean here what they mean there. */
#include "unit.h"

#include <stdbool.h>

#include "analyse/pattern.h"
#include "analyse/profile.h"

static char why[WR_WHY];

static const struct {
    const char *pattern, *text;
    bool matches;
} cases[] = {
    {"alloc", "zmalloc_usable", true},
    {"^alloc", "zmalloc", false},
    {"alloc$", "zmalloc", true},
    {"\\Amain\\z", "main", true},
    {"\\Amain\\z", "main2", false},
    {"a.c", "abc", true},
    {"a\\.c", "abc", false},
    {"a\\.c", "/src/a.c", true},
    {"main|init", "do_init", true},
    {"(?:ab)+c", "ababc", true},
    {"(?P<name>ab)c", "abc", true},
    {"(?<name>ab)c", "abc", true},
    {"(?i)MaIn", "the main", true},
    {"f\\d+$", "f42", true},
    {"f\\D$", "f4", false},
    {"\\bget\\b", "do get it", true},
    {"\\bget\\b", "target", false},
    {"\\w+::\\w+", "std::string", true},
    {"\\W", "name", false},
    {"a\\sb", "a b", true},
    {"a\\Sb", "a b", false},
    {"[\\d_]x", "_x", true},
    {"[\\w.]x", ".x", true},
    {"^[\\s]$", "\t", true},
    {"[^\\]]x", "]x", false},
    {"[]]x", "]x", true},
    {"[\\]a]x", "]x", true},
    {"[^]a]x", "ax", false},
    {"[a-c]x", "bx", true},
    {"[a\\-c]x", "bx", false},
    {"[a\\-c]x", "-x", true},
    {"[-a]x", "-x", true},
    {"^[\\^]$", "^", true},
    {"^[\\^]$", "a", false},
    {"^[a^]$", "^", true},
    {"^[\\^-]$", "-", true},
    {"^[\\^-]$", "^", true},
    {"^[^^]$", "^", false},
    {"[[:upper:]]x", "Ax", true},
    {"[[:upper:]]x", "ax", false},
    {"a+?b", "aab", true},
    {"a*?b", "b", true},
    {"a??b", "b", true},
    {"^a{2}$", "aa", true},
    {"^a{2}$", "aaa", false},
    {"^a{2,}$", "aaaa", true},
    {"^a{1,2}?$", "aa", true},
    {"a{,2}", "a{,2}", true},
    {"{x}", "f{x}", true},
    {"]x}", "]x}", true},
    {"\\Qa.b(\\E$", "a.b(", true},
    {"\\Qa.b", "axb", false},
    {"\\x41\\x{42}", "AB", true},
    {"\\x2e", "a", false},
    {"\\ta", "\ta", true},
    {"a\\+b", "a+b", true},
    {"operator\\(\\)", "operator()", true},
    {"", "anything", true},
    {"(|a)b", "b", true},
};

START_TEST(a_pattern_matches_what_it_does_in_go)
{
    struct wr_pattern *re;
    ck_assert_msg(wr_pattern_new(&re, cases[_i].pattern, why, sizeof why) == 0,
                  "%s", why);
    ck_assert_msg(wr_pattern_matches(re, cases[_i].text) == cases[_i].matches,
                  "%s of %s", cases[_i].pattern, cases[_i].text);
    wr_pattern_free(re);
}
END_TEST

static const struct {
    const char *pattern, *sentence;
} refused[] = {
    {"(", "a parenthesis is not closed"},
    {"a)", "a parenthesis is closed that was not opened"},
    {"[a", "a bracket is not closed"},
    {"[", "a bracket is not closed"},
    {"[^", "a bracket is not closed"},
    {"*a", "has nothing to repeat"},
    {"a**", "has nothing to repeat"},
    {"a|+", "has nothing to repeat"},
    {"(?i:a)", "weir knows the flag (?i) only"},
    {"a(?i)b", "weir knows the flag (?i) only"},
    {"(?s)a", "weir knows the flag (?i) only"},
    {"\\pL", "an escape that weir does not know"},
    {"(a)\\1", "an escape that weir does not know"},
    {"[\\D]", "an escape in brackets that weir does not know"},
    {"a\\", "a backslash stands at the end"},
    {"a{1001}", "it repeats too often"},
    {"a{9}b{9}c{9}d{9}e{9}", "it repeats too often"},
    {"[z-a]", "ends before it starts"},
    {"\\xZZ", "\\x needs the number"},
    {"\\x{263a}", "\\x needs the number"},
    {"\\x00", "\\x needs the number"},
};

START_TEST(what_is_no_pattern_is_refused_with_a_reason)
{
    struct wr_pattern *re = NULL;
    ck_assert_int_eq(wr_pattern_new(&re, refused[_i].pattern, why, sizeof why),
                     -1);
    ck_assert_ptr_null(re);
    ck_assert_msg(strstr(why, refused[_i].sentence) != NULL, "%s", why);
    ck_assert_ptr_nonnull(strstr(why, refused[_i].pattern));
}
END_TEST

START_TEST(very_long_and_very_deep_patterns_are_refused)
{
    static char text[20000];
    struct wr_pattern *re;
    memset(text, 'a', sizeof text - 1);
    ck_assert_int_eq(wr_pattern_new(&re, text, why, sizeof why), -1);
    ck_assert_ptr_nonnull(strstr(why, "too long"));
    memset(text, '(', 500);
    text[500] = '\0';
    ck_assert_int_eq(wr_pattern_new(&re, text, why, sizeof why), -1);
    ck_assert_ptr_nonnull(strstr(why, "nested too deeply"));
}
END_TEST

START_TEST(patterns_of_files_are_for_whole_names_and_tame)
{
    struct wr_pattern *re = wr_pattern_tame("malloc|calloc");
    ck_assert_ptr_nonnull(re);
    ck_assert(wr_pattern_matches(re, "calloc"));
    ck_assert(!wr_pattern_matches(re, "zcalloc"));
    wr_pattern_free(re);
    ck_assert_ptr_null(wr_pattern_tame("a{9}"));
    ck_assert_ptr_null(wr_pattern_tame(""));
    ck_assert_ptr_null(wr_pattern_tame("a)(b"));
    ck_assert_ptr_null(wr_pattern_tame("((((((((((((((((((((((a"));
    wr_pattern_free(NULL);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("analyse/pattern");
    TCase *tests = tcase_create("pattern");
    tcase_add_loop_test(tests, a_pattern_matches_what_it_does_in_go, 0,
                        sizeof cases / sizeof *cases);
    tcase_add_loop_test(tests, what_is_no_pattern_is_refused_with_a_reason, 0,
                        sizeof refused / sizeof *refused);
    tcase_add_test(tests, very_long_and_very_deep_patterns_are_refused);
    tcase_add_test(tests, patterns_of_files_are_for_whole_names_and_tame);
    suite_add_tcase(suite, tests);
    return unit_main(suite);
}
