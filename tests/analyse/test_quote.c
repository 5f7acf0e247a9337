/* Names may hold anything; what is written is well-formed all the same. */
#include "analyse/quote.h"
#include "unit.h"

static char text[4096];

static const char *
quoted(void (*quote)(FILE *, const char *), const char *string)
{
    memset(text, 0, sizeof text);
    FILE *out = fmemopen(text, sizeof text, "w");
    quote(out, string);
    fclose(out);
    return text;
}

static const char *
json(const char *string)
{
    return quoted(wr_json_string, string);
}

static const char *
xml(const char *string)
{
    return quoted(wr_xml_string, string);
}

START_TEST(plain_text_and_utf8_stay_as_they_are)
{
    ck_assert_str_eq(json("redis-server"), "\"redis-server\"");
    ck_assert_str_eq(json(""), "\"\"");
    ck_assert_str_eq(json("gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x90\x9f"),
                     "\"gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x90\x9f\"");
}
END_TEST

START_TEST(what_json_needs_is_escaped)
{
    ck_assert_str_eq(json("a\"b\\c"), "\"a\\\"b\\\\c\"");
    ck_assert_str_eq(json("</script>"), "\"\\u003c/script>\"");
    ck_assert_str_eq(json("\n\t\x1f\x7f"), "\"\\u000a\\u0009\\u001f\\u007f\"");
}
END_TEST

static const char *const no_characters[] = {
    "\xff",             /* never a byte of UTF-8 */
    "\x80",             /* in the middle of nothing */
    "\xc0\xaf",         /* '/', longer than need be */
    "\xe0\x80\xaf",     /* the same, longer still */
    "\xf0\x80\x80\xaf", /* and longer */
    "\xed\xa0\x80",     /* half of a pair */
    "\xf4\x90\x80\x80", /* above the last character */
    "\xc3",             /* cut short */
    "\xe2\x82",
};

START_TEST(bytes_that_are_no_characters_become_question_marks)
{
    const char *got = json(no_characters[_i]);
    ck_assert_int_eq(got[1], '?');
    ck_assert_uint_eq(strspn(got + 1, "?"), strlen(no_characters[_i]));
    json("x\xffy");
    ck_assert_str_eq(text, "\"x?y\"");
}
END_TEST

START_TEST(xml_marks_become_entities)
{
    ck_assert_str_eq(xml("<a href=\"x\">'&'"),
                     "&lt;a href=&quot;x&quot;&gt;&#39;&amp;&#39;");
    ck_assert_str_eq(xml("gr\xc3\xbc\xc3\x9f"), "gr\xc3\xbc\xc3\x9f");
}
END_TEST

START_TEST(what_xml_cannot_hold_becomes_question_marks)
{
    ck_assert_str_eq(xml("a\x01\x1b\nb\x7f"), "a???b?");
    ck_assert_str_eq(xml("\xef\xbf\xbe\xef\xbf\xbf\xef\xbf\xbd"),
                     "??\xef\xbf\xbd");
    ck_assert_uint_eq(strspn(xml(no_characters[_i]), "?"),
                      strlen(no_characters[_i]));
}
END_TEST

int
main(void)
{
    int count = sizeof no_characters / sizeof *no_characters;
    Suite *suite = suite_create("analyse/quote");
    TCase *tests = tcase_create("quote");
    tcase_add_test(tests, plain_text_and_utf8_stay_as_they_are);
    tcase_add_test(tests, what_json_needs_is_escaped);
    tcase_add_loop_test(
        tests, bytes_that_are_no_characters_become_question_marks, 0, count);
    tcase_add_test(tests, xml_marks_become_entities);
    tcase_add_loop_test(tests, what_xml_cannot_hold_becomes_question_marks, 0,
                        count);
    suite_add_tcase(suite, tests);
    return unit_main(suite);
}
