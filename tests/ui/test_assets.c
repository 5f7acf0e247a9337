/* What is embedded is what browsers should get. */
#include "ui/assets.h"

#include <string.h>
#include "unit.h"

static size_t
occurrences(const unsigned char *bytes, size_t count, const char *text)
{
    size_t n = 0, length = strlen(text);
    const unsigned char *at = bytes, *end = bytes + count;
    while ((at = memmem(at, (size_t)(end - at), text, length)) != NULL) {
        n++;
        at += length;
    }
    return n;
}

START_TEST(the_viewer_is_a_whole_document)
{
    const char *doctype = "<!DOCTYPE html>";
    ck_assert_uint_gt(wr_ui_flame_bytes, 10000);
    ck_assert_mem_eq(wr_ui_flame, doctype, strlen(doctype));
    ck_assert_mem_eq(wr_ui_flame + wr_ui_flame_bytes - 8, "</html>\n", 8);
}
END_TEST

START_TEST(the_viewer_has_one_place_for_its_data)
{
    ck_assert_uint_eq(
        occurrences(wr_ui_flame, wr_ui_flame_bytes, WR_UI_DATA "</script>"), 1);
    ck_assert_uint_eq(occurrences(wr_ui_flame, wr_ui_flame_bytes, WR_UI_DATA),
                      1);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("assets");
    TCase *t = tcase_create("assets");
    tcase_add_test(t, the_viewer_is_a_whole_document);
    tcase_add_test(t, the_viewer_has_one_place_for_its_data);
    suite_add_tcase(suite, t);
    return unit_main(suite);
}
