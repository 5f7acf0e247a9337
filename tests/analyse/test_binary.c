/* Program files: which are opened, and what they say about an address. */
#include "analyse/binary.h"
#include "unit.h"

#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <sys/stat.h>
#include <libdeflate.h>

static struct wr_binary *b;
static struct wr_dwarf_frame f[WR_DWARF_FRAMES];

static void
setup(void)
{
    b = NULL;
}

static void
teardown(void)
{
    wr_binary_close(b);
}

/* --- What this process knows of its own file ----------------------------- */

struct self {
    char build_id[72];
    uint64_t code_offset, code_address, code_end, data_offset;
};

static void
read_note(struct self *self, const char *at, size_t bytes)
{
    const ElfW(Nhdr) *n = (const void *)at;
    if (bytes < sizeof *n || n->n_type != NT_GNU_BUILD_ID || n->n_descsz > 32)
        return;
    const unsigned char *id = (const unsigned char *)(n + 1) + 4;
    for (unsigned i = 0; i < n->n_descsz; i++)
        snprintf(self->build_id + 2 * i, 3, "%02x", id[i]);
}

static int
read_self(struct dl_phdr_info *info, size_t size, void *to)
{
    struct self *self = to;
    (void)size;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *h = &info->dlpi_phdr[i];
        if (h->p_type == PT_NOTE)
            read_note(self, (const char *)info->dlpi_addr + h->p_vaddr,
                      h->p_memsz);
        if (h->p_type == PT_LOAD && (h->p_flags & PF_X)) {
            self->code_offset = h->p_offset;
            self->code_address = h->p_vaddr;
            self->code_end = h->p_offset + h->p_filesz;
        }
        if (h->p_type == PT_LOAD && (h->p_flags & PF_W))
            self->data_offset = h->p_offset;
    }
    return 1; /* the program is the first */
}

static struct self
self(void)
{
    struct self s = {.code_offset = 0};
    dl_iterate_phdr(read_self, &s);
    return s;
}

/* --- Opening ------------------------------------------------------------ */

static const char *const no_programs[] = {"/no/such/file", "/etc/passwd", "/",
                                          "/dev/null", ""};

START_TEST(what_is_no_program_is_not_opened)
{
    b = wr_binary_open(no_programs[_i], "");
    ck_assert_ptr_null(b);
}
END_TEST

START_TEST(the_program_itself_is_opened_and_has_lines)
{
    b = wr_binary_open("/proc/self/exe", "");
    ck_assert_ptr_nonnull(b);
    ck_assert(wr_binary_has_lines(b));
}
END_TEST

START_TEST(the_build_id_must_be_the_one_asked_for)
{
    struct self s = self();
    if (!s.build_id[0])
        return; /* this linker writes none */
    b = wr_binary_open("/proc/self/exe", s.build_id);
    ck_assert_ptr_nonnull(b);
    s.build_id[3] ^= 1;
    ck_assert_ptr_null(wr_binary_open("/proc/self/exe", s.build_id));
    s.build_id[3] ^= 1;
    size_t n = strlen(s.build_id);
    strcat(s.build_id, "00"); /* nor more of it, nor less */
    ck_assert_ptr_null(wr_binary_open("/proc/self/exe", s.build_id));
    s.build_id[n - 2] = '\0';
    ck_assert_ptr_null(wr_binary_open("/proc/self/exe", s.build_id));
}
END_TEST

/* Copies of this program, cut short at many places. */
START_TEST(a_program_cut_short_does_no_harm)
{
    char path[] = "/tmp/weir-test-XXXXXX";
    struct self s = self();
    FILE *in = fopen("/proc/self/exe", "r");
    struct stat st;
    ck_assert_int_eq(fstat(fileno(in), &st), 0);
    char *bytes = malloc((size_t)st.st_size);
    ck_assert_uint_eq(fread(bytes, 1, (size_t)st.st_size, in), st.st_size);
    fclose(in);
    int fd = mkstemp(path);
    for (int part = 0; part < 40; part++) {
        size_t n = (size_t)st.st_size * (size_t)part / 40;
        ck_assert_int_eq(ftruncate(fd, 0), 0);
        ck_assert_int_eq(pwrite(fd, bytes, n, 0), (ssize_t)n);
        struct wr_binary *cut = wr_binary_open(path, "");
        for (uint64_t i = 0; cut && i < 50; i++)
            ck_assert_uint_le(wr_binary_frames(cut, s.code_address + 97 * i, f),
                              WR_DWARF_FRAMES);
        wr_binary_close(cut);
    }
    close(fd);
    unlink(path);
    free(bytes);
}
END_TEST

START_TEST(closing_nothing_is_fine)
{
    wr_binary_close(NULL);
}
END_TEST

/* --- Addresses ---------------------------------------------------------- */

START_TEST(offsets_of_code_have_addresses)
{
    struct self s = self();
    b = wr_binary_open("/proc/self/exe", "");
    ck_assert_uint_eq(wr_binary_address(b, s.code_offset + 16),
                      s.code_address + 16);
    ck_assert_uint_eq(wr_binary_address(b, s.code_end - 1),
                      s.code_address + (s.code_end - 1 - s.code_offset));
}
END_TEST

START_TEST(offsets_of_anything_else_have_none)
{
    struct self s = self();
    b = wr_binary_open("/proc/self/exe", "");
    ck_assert_uint_eq(wr_binary_address(b, s.data_offset + 8), 0);
    ck_assert_uint_eq(wr_binary_address(b, UINT64_MAX), 0);
    ck_assert_uint_eq(wr_binary_address(b, UINT64_C(1) << 40), 0);
}
END_TEST

START_TEST(addresses_of_nothing_have_no_frames)
{
    b = wr_binary_open("/proc/self/exe", "");
    ck_assert_uint_eq(wr_binary_frames(b, 0, f), 0);
}
END_TEST

/* --- Libraries without debug information --------------------------------- */

static const char *
library_path(uint64_t *base)
{
    Dl_info info;
    if (!dladdr((void *)libdeflate_crc32, &info))
        return NULL;
    *base = (uint64_t)info.dli_fbase;
    return info.dli_fname;
}

START_TEST(exported_functions_have_the_symbols_name)
{
    uint64_t base = 0;
    const char *path = library_path(&base);
    b = wr_binary_open(path, "");
    ck_assert_ptr_nonnull(b);
    size_t n = wr_binary_frames(b, (uint64_t)libdeflate_adler32 - base + 1, f);
    ck_assert_uint_ge(n, 1);
    ck_assert_str_eq(f[n - 1].name, "libdeflate_adler32");
    ck_assert_uint_eq(f[n - 1].entry, 1);
}
END_TEST

/* Stripped: what has no symbol is called by where it starts. */
START_TEST(functions_without_a_name_are_told_apart)
{
    uint64_t base = 0, address = (uint64_t)libdeflate_crc32;
    const char *path = library_path(&base);
    unsigned by_place = 0;
    b = wr_binary_open(path, "");
    ck_assert_ptr_nonnull(b);
    if (wr_binary_has_lines(b))
        return; /* its debug information is installed */
    for (uint64_t at = address - base; at < address - base + 20000; at += 61) {
        if (wr_binary_frames(b, at, f) == 0)
            continue;
        const char *place = strstr(f[0].name, "@0x");
        ck_assert_ptr_null(f[0].file);
        if (!place)
            continue;
        by_place++;
        ck_assert_uint_eq(strtoull(place + 1, NULL, 16) + f[0].entry, at);
    }
    ck_assert_uint_gt(by_place, 0);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("analyse/binary");
    TCase *tests = tcase_create("binary");
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_loop_test(tests, what_is_no_program_is_not_opened, 0,
                        sizeof no_programs / sizeof *no_programs);
    tcase_add_test(tests, the_program_itself_is_opened_and_has_lines);
    tcase_add_test(tests, the_build_id_must_be_the_one_asked_for);
    tcase_add_test(tests, a_program_cut_short_does_no_harm);
    tcase_add_test(tests, closing_nothing_is_fine);
    tcase_add_test(tests, offsets_of_code_have_addresses);
    tcase_add_test(tests, offsets_of_anything_else_have_none);
    tcase_add_test(tests, addresses_of_nothing_have_no_frames);
    tcase_add_test(tests, exported_functions_have_the_symbols_name);
    tcase_add_test(tests, functions_without_a_name_are_told_apart);
    suite_add_tcase(suite, tests);
    return unit_main(suite);
}
