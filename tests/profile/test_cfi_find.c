/* Finding the description of an address. */
#include "unit.h"

#include <sys/mman.h>

#include "profile/cfi_bytes.h"
#include "profile/cfi_image.h"

static struct image image;
static struct wr_cfi_code code;

static const uint8_t common[] = {0x0c, WR_REG_SP, 8};
static const uint8_t own[] = {0x0e, 16};

static void
setup(void)
{
    image_start(&image);
    memset(&code, 0, sizeof(code));
}

static size_t
add_cie(const char *letters)
{
    return image_cie(&image, letters, 1, common, sizeof(common));
}

static void
add_fde(size_t cie, uintptr_t start, uintptr_t bytes)
{
    image_fde(&image, cie, start, bytes, own, sizeof(own));
}

/* Addresses the 4-byte table can express: near the image. */
static uintptr_t
near(uintptr_t offset)
{
    return (uintptr_t)image.bytes + IMAGE_BYTES + offset;
}

/* One function in one module, found. */
static bool
found_with(const char *letters, uint8_t version)
{
    struct wr_cfi_module module;
    size_t cie;

    setup();
    cie = image_cie(&image, letters, version, common, sizeof(common));
    add_fde(cie, near(0x100), 0x20);
    module = image_finish(&image);
    return wr_cfi_find(&module, near(0x110), &code);
}

START_TEST(an_address_is_found_from_first_to_last_byte)
{
    struct wr_cfi_module module;

    add_fde(add_cie("zR"), near(0x100), 0x20);
    module = image_finish(&image);
    ck_assert(!wr_cfi_find(&module, near(0xff), &code));
    ck_assert(wr_cfi_find(&module, near(0x100), &code));
    ck_assert(wr_cfi_find(&module, near(0x11f), &code));
    ck_assert(!wr_cfi_find(&module, near(0x120), &code));
    ck_assert_uint_eq(code.start, near(0x100));
    ck_assert_uint_eq(code.end, near(0x120));
}
END_TEST

START_TEST(each_of_many_functions_is_found_and_no_gap)
{
    struct wr_cfi_module module;
    size_t cie = add_cie("zR");

    for (uintptr_t i = 0; i < 30; i++)
        add_fde(cie, near(0x100 * i), 0x80);
    module = image_finish(&image);
    for (uintptr_t i = 0; i < 30; i++) {
        ck_assert(wr_cfi_find(&module, near(0x100 * i + 0x7f), &code));
        ck_assert_uint_eq(code.start, near(0x100 * i));
        ck_assert(!wr_cfi_find(&module, near(0x100 * i + 0x80), &code));
    }
    ck_assert(!wr_cfi_find(&module, (uintptr_t)image.bytes, &code));
}
END_TEST

START_TEST(programs_are_the_bytes_that_were_written)
{
    struct wr_cfi_module module;
    struct wr_cfi_row row;

    add_fde(add_cie("zR"), near(0), 0x20);
    module = image_finish(&image);
    ck_assert(wr_cfi_find(&module, near(0), &code));
    ck_assert_mem_eq(code.common, common, sizeof(common));
    ck_assert_mem_eq(code.own, own, sizeof(own));
    ck_assert_uint_eq(code.code_unit, 1);
    ck_assert_int_eq(code.data_unit, -8);
    ck_assert(wr_cfi_run(&code, near(0), &row));
    ck_assert_int_eq(row.cfa_argument, 16);
}
END_TEST

START_TEST(addresses_relative_to_themselves_are_understood)
{
    struct wr_cfi_module module;

    image.address_form = WR_PE_PCREL | WR_PE_SDATA4;
    add_fde(add_cie("zR"), near(0x40), 0x20);
    module = image_finish(&image);
    ck_assert(wr_cfi_find(&module, near(0x41), &code));
    ck_assert_uint_eq(code.start, near(0x40));
    ck_assert_uint_eq(code.end, near(0x60));
}
END_TEST

START_TEST(augmentations_of_compilers_are_understood)
{
    ck_assert(found_with("", 1));
    ck_assert(found_with("zR", 1));
    ck_assert(found_with("zR", 3));
    ck_assert(found_with("zPLR", 1));
    ck_assert_mem_eq(code.common, common, sizeof(common));
    ck_assert(found_with("zRB", 1));
    ck_assert(!code.signal);
}
END_TEST

START_TEST(a_signal_trampoline_is_known_by_its_letter)
{
    ck_assert(found_with("zRS", 1));
    ck_assert(code.signal);
    ck_assert(found_with("zSR", 1));
    ck_assert(code.signal);
}
END_TEST

START_TEST(unknown_letters_and_versions_are_refused)
{
    ck_assert(!found_with("eh", 1));
    ck_assert(!found_with("zX", 1));
    ck_assert(!found_with("R", 1));
    ck_assert(!found_with("zR", 2));
    ck_assert(!found_with("zR", 4));
}
END_TEST

START_TEST(another_return_address_column_is_refused)
{
    struct wr_cfi_module module;
    size_t cie = add_cie("zR");

    ck_assert_uint_eq(image.bytes[cie + 14], WR_REG_RA);
    image.bytes[cie + 14]++;
    add_fde(cie, near(0), 0x20);
    module = image_finish(&image);
    ck_assert(!wr_cfi_find(&module, near(0), &code));
}
END_TEST

START_TEST(without_a_table_all_of_eh_frame_is_searched)
{
    struct wr_cfi_module module;
    size_t cie = add_cie("zR");

    add_fde(cie, near(0x200), 0x20);
    add_fde(cie, near(0x100), 0x20);
    cie = add_cie("zPLR");
    add_fde(cie, near(0x300), 0x20);
    module = image_finish(&image);
    image.bytes[2] = image.bytes[3] = WR_PE_OMIT;
    ck_assert(wr_cfi_find(&module, near(0x200), &code));
    ck_assert(wr_cfi_find(&module, near(0x11f), &code));
    ck_assert(wr_cfi_find(&module, near(0x300), &code));
    ck_assert_uint_eq(code.start, near(0x300));
    ck_assert(!wr_cfi_find(&module, near(0x400), &code));
}
END_TEST

START_TEST(an_empty_or_wrong_header_finds_nothing)
{
    struct wr_cfi_module module;

    module = image_finish(&image);
    ck_assert(!wr_cfi_find(&module, near(0), &code));
    add_fde(add_cie("zR"), near(0), 0x20);
    module = image_finish(&image);
    image.bytes[0] = 2;
    ck_assert(!wr_cfi_find(&module, near(0), &code));
    module.header = NULL;
    ck_assert(!wr_cfi_find(&module, near(0), &code));
}
END_TEST

START_TEST(a_count_beyond_the_module_is_refused)
{
    struct wr_cfi_module module;
    uint32_t many = 0x10000000;

    add_fde(add_cie("zR"), near(0), 0x20);
    module = image_finish(&image);
    memcpy(image.bytes + 8, &many, 4);
    ck_assert(!wr_cfi_find(&module, near(0), &code));
}
END_TEST

START_TEST(a_table_entry_that_points_outside_is_refused)
{
    static const int32_t offsets[] = {-1000, IMAGE_BYTES * 4, INT32_MAX};
    struct wr_cfi_module module;

    add_fde(add_cie("zR"), near(0), 0x20);
    module = image_finish(&image);
    ck_assert(wr_cfi_find(&module, near(0), &code));
    for (size_t i = 0; i < 3; i++) {
        memcpy(image.bytes + IMAGE_TABLE + 4, &offsets[i], 4);
        ck_assert(!wr_cfi_find(&module, near(0), &code));
    }
}
END_TEST

START_TEST(a_record_longer_than_the_module_is_refused)
{
    struct wr_cfi_module module;
    uint32_t length = IMAGE_BYTES;

    add_fde(add_cie("zR"), near(0), 0x20);
    module = image_finish(&image);
    memcpy(image.bytes + image.fde[0], &length, 4);
    ck_assert(!wr_cfi_find(&module, near(0), &code));
}
END_TEST

START_TEST(a_description_that_leads_to_no_cie_is_refused)
{
    static const uint32_t distances[] = {0, 4, 100000, UINT32_MAX};
    struct wr_cfi_module module;

    add_fde(add_cie("zR"), near(0), 0x20);
    module = image_finish(&image);
    for (size_t i = 0; i < 4; i++) {
        memcpy(image.bytes + image.fde[0] + 4, &distances[i], 4);
        ck_assert(!wr_cfi_find(&module, near(0), &code));
    }
}
END_TEST

START_TEST(a_long_form_of_length_is_understood)
{
    static const uint8_t long_form[] = {0xff, 0xff, 0xff, 0xff, 24, 0,
                                        0,    0,    0,    0,    0,  0};
    struct wr_cfi_module module;
    size_t cie = add_cie(""), fde;
    uint32_t back;
    uintptr_t range[2] = {near(0), 0x20};

    fde = image.n;
    image_put(&image, long_form, sizeof(long_form));
    back = (uint32_t)(image.n - cie);
    image_put(&image, &back, 4);
    image_put(&image, range, sizeof(range));
    image_put(&image, own, sizeof(own));
    image_put(&image, "\0", 2);
    image.code[0] = near(0);
    image.fde[0] = fde;
    image.fdes = 1;
    module = image_finish(&image);
    ck_assert(wr_cfi_find(&module, near(0), &code));
    ck_assert_uint_eq(code.end, near(0x20));
}
END_TEST

/* The image right before a page that must not be touched. */
START_TEST(no_damage_leads_outside_the_module)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    uint8_t *p = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    struct wr_cfi_module module;
    size_t cie = add_cie("zPLR");

    ck_assert_ptr_ne(p, MAP_FAILED);
    mprotect(p + page, page, PROT_NONE);
    for (uintptr_t i = 0; i < 8; i++)
        add_fde(cie, near(0x100 * i), 0x80);
    module = image_finish(&image);
    module.start = (uintptr_t)p + page - image.n;
    module.end = (uintptr_t)p + page;
    module.header = (const uint8_t *)module.start;
    srandom(3);
    for (int i = 0; i < 100000; i++) {
        memcpy((void *)module.start, image.bytes, image.n);
        for (int k = 0; k < 4; k++)
            ((uint8_t *)module.start)[(size_t)random() % image.n] =
                (uint8_t)(random() >> 8);
        wr_cfi_find(&module, module.start + IMAGE_BYTES + 0x110, &code);
    }
    munmap(p, 2 * page);
}
END_TEST

START_TEST(numbers_of_variable_length_keep_64_bits)
{
    static const uint8_t large[] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                    0xff, 0xff, 0xff, 0x01, 0x7f, 0x80};
    struct wr_cfi_bytes in = {large, large + sizeof(large), true};

    ck_assert_uint_eq(wr_cfi_uleb(&in), UINT64_MAX);
    ck_assert_int_eq(wr_cfi_sleb(&in), -1);
    ck_assert(in.ok);
    ck_assert_uint_eq(wr_cfi_uleb(&in), 0);
    ck_assert(!in.ok);
    ck_assert_uint_eq(wr_cfi_unsigned(&in, 1), 0);
}
END_TEST

START_TEST(pointers_of_every_form_are_read)
{
    static const uint8_t b[] = {0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    static const struct {
        uint8_t encoding;
        uint64_t value;
        size_t bytes;
    } forms[] = {
        {WR_PE_ABSPTR, -2, 8},         {WR_PE_UDATA2, 0xfffe, 2},
        {WR_PE_UDATA4, 0xfffffffe, 4}, {WR_PE_UDATA8, -2, 8},
        {WR_PE_SDATA2, -2, 2},         {WR_PE_SDATA4, -2, 4},
        {WR_PE_SDATA8, -2, 8},
    };

    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        struct wr_cfi_bytes in = {b, b + 8, true};

        ck_assert_uint_eq(wr_cfi_pointer(&in, forms[i].encoding, NULL),
                          forms[i].value);
        ck_assert_uint_eq((size_t)(in.at - b), forms[i].bytes);
        in.at = b;
        ck_assert_uint_eq(
            wr_cfi_pointer(&in, forms[i].encoding | WR_PE_PCREL, NULL),
            (uintptr_t)b + forms[i].value);
        in.at = b;
        ck_assert_uint_eq(wr_cfi_pointer(&in, forms[i].encoding | WR_PE_DATAREL,
                                         (const uint8_t *)0x5000),
                          0x5000 + forms[i].value);
        ck_assert(in.ok);
    }
}
END_TEST

START_TEST(pointers_that_need_more_context_are_refused)
{
    static const uint8_t b[8] = {0};
    static const uint8_t bad[] = {0x05, 0x0f, 0x20, 0x40, 0x50, 0x9b};

    for (size_t i = 0; i < sizeof(bad); i++) {
        struct wr_cfi_bytes in = {b, b + 8, true};

        wr_cfi_pointer(&in, bad[i], NULL);
        ck_assert(!in.ok);
    }
}
END_TEST

static Suite *
suite(void)
{
    Suite *s = suite_create("descriptions by address");
    TCase *t = tcase_create("find");

    tcase_add_checked_fixture(t, setup, NULL);
    tcase_add_test(t, an_address_is_found_from_first_to_last_byte);
    tcase_add_test(t, each_of_many_functions_is_found_and_no_gap);
    tcase_add_test(t, programs_are_the_bytes_that_were_written);
    tcase_add_test(t, addresses_relative_to_themselves_are_understood);
    tcase_add_test(t, augmentations_of_compilers_are_understood);
    tcase_add_test(t, a_signal_trampoline_is_known_by_its_letter);
    tcase_add_test(t, unknown_letters_and_versions_are_refused);
    tcase_add_test(t, another_return_address_column_is_refused);
    tcase_add_test(t, without_a_table_all_of_eh_frame_is_searched);
    tcase_add_test(t, an_empty_or_wrong_header_finds_nothing);
    tcase_add_test(t, a_count_beyond_the_module_is_refused);
    tcase_add_test(t, a_table_entry_that_points_outside_is_refused);
    tcase_add_test(t, a_record_longer_than_the_module_is_refused);
    tcase_add_test(t, a_description_that_leads_to_no_cie_is_refused);
    tcase_add_test(t, a_long_form_of_length_is_understood);
    tcase_add_test(t, no_damage_leads_outside_the_module);
    tcase_add_test(t, numbers_of_variable_length_keep_64_bits);
    tcase_add_test(t, pointers_of_every_form_are_read);
    tcase_add_test(t, pointers_that_need_more_context_are_refused);
    suite_add_tcase(s, t);
    return s;
}

int
main(void)
{
    return unit_main(suite());
}
