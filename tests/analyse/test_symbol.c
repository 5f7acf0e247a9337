/* Names of addresses: our own, of shared libraries, of files that moved.
 *
 * Started with a file it reads addresses from standard input and prints their
 * frames as llvm-symbolizer does, for the script that compares the two:
 *     test_analyse_symbol FILE < ADDRESSES */
#include "analyse/symbol.h"
#include "analyse/maker.h"

#include <dlfcn.h>
#include <link.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "region/fake.h"
#include "region/read.h"

static struct wr_symboliser *s;
static struct wr_profile *p;
static char program[512];

static void
setup(void)
{
    ssize_t n = readlink("/proc/self/exe", program, sizeof program - 1);
    ck_assert_int_gt(n, 0);
    program[n] = '\0';
    s = wr_symboliser_new();
    p = maker_heap();
}

static void
teardown(void)
{
    wr_symboliser_free(s);
    wr_profile_free(p);
}

/* --- Places in this program --------------------------------------------- */

static __attribute__((noinline)) uint64_t
here(void)
{
    return (uint64_t)__builtin_return_address(0) - 1;
}

static inline __attribute__((always_inline)) uint64_t
innermost(void)
{
    uint64_t pc = here(); /* INNERMOST */
    __asm__ volatile("" ::: "memory");
    return pc;
}

static inline __attribute__((always_inline)) uint64_t
between(void)
{
    return innermost() + 0; /* BETWEEN */
}

__attribute__((noinline)) uint64_t wr_test_outermost(void);

uint64_t
wr_test_outermost(void)
{
    return between(); /* OUTERMOST */
}

/* The line of this file that holds a remark. */
static int64_t
line_of(const char *remark)
{
    char line[256], wanted[64];
    int64_t n = 0, found = 0;
    FILE *f = fopen(__FILE__, "r");
    ck_assert_ptr_nonnull(f);
    snprintf(wanted, sizeof wanted, "/* %s */", remark);
    while (!found && fgets(line, sizeof line, f)) {
        n++;
        if (strstr(line, wanted))
            found = n;
    }
    fclose(f);
    return found;
}

struct place {
    uint64_t address, start, offset;
};

static int
find_segment(struct dl_phdr_info *info, size_t size, void *place)
{
    struct place *at = place;
    (void)size;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *h = &info->dlpi_phdr[i];
        uint64_t start = info->dlpi_addr + h->p_vaddr;
        if (h->p_type == PT_LOAD && at->address >= start &&
            at->address < start + h->p_memsz) {
            at->start = start & ~UINT64_C(4095);
            at->offset = h->p_offset & ~UINT64_C(4095);
            return 1;
        }
    }
    return 0;
}

/* A profile with one frame at the address, which is in `path`. */
static void
profile_of(uint64_t address, const char *path, const char *build_id)
{
    struct place at = {.address = address};
    ck_assert_int_eq(dl_iterate_phdr(find_segment, &at), 1);
    struct wr_mapping m = {.start = at.start,
                           .limit = at.start + (1 << 24),
                           .offset = at.offset,
                           .file = wr_profile_string(p, path),
                           .build_id = wr_profile_string(p, build_id)};
    uint32_t frame =
        wr_profile_location(p, wr_profile_mapping(p, &m), address, NULL, 0);
    int64_t values[4] = {1, 1, 1, 1};
    wr_profile_sample(p, &frame, 1, values, NULL, 0);
}

static const struct wr_line *
line(uint32_t n)
{
    const struct wr_location *l = &p->locations[p->frames[0]];
    ck_assert_uint_lt(n, l->line_count);
    return &p->lines[l->first_line + n];
}

static void
assert_line(uint32_t n, const char *name, const char *remark)
{
    const struct wr_function *f = &p->functions[line(n)->function];
    ck_assert_str_eq(maker_string(p, f->name), name);
    ck_assert_int_eq(line(n)->line, line_of(remark));
    ck_assert_ptr_nonnull(strstr(maker_string(p, f->file), "test_symbol.c"));
}

static void
assert_our_frames(void)
{
    ck_assert_uint_eq(p->locations[0].line_count, 3);
    assert_line(0, "innermost", "INNERMOST");
    assert_line(1, "between", "BETWEEN");
    assert_line(2, "wr_test_outermost", "OUTERMOST");
}

/* --- Profiles ----------------------------------------------------------- */

START_TEST(inlined_frames_come_innermost_first)
{
    profile_of(wr_test_outermost(), program, "");
    wr_profile_symbolise(p, s, 0, false);
    assert_our_frames();
    ck_assert(wr_profile_check(p));
}
END_TEST

START_TEST(the_mapping_says_that_it_has_names)
{
    profile_of(wr_test_outermost(), program, "");
    wr_profile_symbolise(p, s, 0, false);
    const struct wr_mapping *m = &p->mappings[0];
    ck_assert(m->has_functions && m->has_files && m->has_lines &&
              m->has_inlines);
}
END_TEST

START_TEST(the_distance_from_the_functions_start_is_known)
{
    uint64_t pc = wr_test_outermost();
    profile_of(pc, program, "");
    wr_profile_symbolise(p, s, 0, false);
    ck_assert_uint_eq(line(0)->entry, pc - (uint64_t)wr_test_outermost);
}
END_TEST

START_TEST(names_that_are_there_stay)
{
    profile_of(wr_test_outermost(), program, "");
    struct wr_line mine = {maker_function(p, "mine"), 1, 0};
    wr_profile_set_lines(p, p->frames[0], &mine, 1);
    wr_profile_symbolise(p, s, 0, false);
    ck_assert_str_eq(maker_frame(p, 0, 0), "mine");
    ck_assert_uint_eq(p->locations[0].line_count, 1);
}
END_TEST

START_TEST(a_second_profile_gets_the_same_names)
{
    for (int i = 0; i < 3; i++) {
        wr_profile_free(p);
        p = maker_heap();
        profile_of(wr_test_outermost(), program, "");
        wr_profile_symbolise(p, s, 0, false);
        assert_our_frames();
    }
}
END_TEST

START_TEST(a_file_that_is_not_there_leaves_the_profile_as_it_was)
{
    profile_of(wr_test_outermost(), "/no/such/program", "");
    wr_profile_symbolise(p, s, 0, false);
    ck_assert_uint_eq(p->locations[0].line_count, 0);
    ck_assert(!p->mappings[0].has_functions);
}
END_TEST

START_TEST(a_file_that_is_no_program_leaves_the_profile_as_it_was)
{
    profile_of(wr_test_outermost(), __FILE__, "");
    wr_profile_symbolise(p, s, 0, false);
    ck_assert_uint_eq(p->locations[0].line_count, 0);
}
END_TEST

START_TEST(another_build_of_the_file_is_not_believed)
{
    profile_of(wr_test_outermost(), program,
               "0123456789012345678901234567890123456789");
    wr_profile_symbolise(p, s, 0, false);
    ck_assert_uint_eq(p->locations[0].line_count, 0);
    ck_assert(!p->mappings[0].has_functions);
}
END_TEST

START_TEST(a_program_that_was_deleted_is_found_while_it_runs)
{
    profile_of(wr_test_outermost(), "/no/such/program", "");
    wr_profile_symbolise(p, s, (int)getpid(), true);
    assert_our_frames();
}
END_TEST

START_TEST(a_library_has_names)
{
    Dl_info info;
    ck_assert_int_ne(dladdr((void *)qsort, &info), 0);
    profile_of((uint64_t)info.dli_saddr + 1, info.dli_fname, "");
    wr_profile_symbolise(p, s, 0, false);
    const struct wr_function *f = &p->functions[line(0)->function];
    const char *name = maker_string(p, f->name);
    ck_assert_msg(strstr(name, "qsort") != NULL, "%s", name);
}
END_TEST

START_TEST(the_kernels_library_has_names)
{
    void *vdso = dlopen("linux-vdso.so.1", RTLD_NOW | RTLD_NOLOAD);
    void *clock = vdso ? dlsym(vdso, "__vdso_clock_gettime") : NULL;
    if (!clock)
        return;
    profile_of((uint64_t)clock + 2, "[vdso]", "");
    wr_profile_symbolise(p, s, 0, false);
    const struct wr_function *f = &p->functions[line(0)->function];
    ck_assert_ptr_nonnull(strstr(maker_string(p, f->name), "clock_gettime"));
}
END_TEST

START_TEST(addresses_outside_of_the_code_get_no_names)
{
    profile_of(wr_test_outermost(), program, "");
    uint64_t data = p->mappings[0].start + (1 << 24) - 8;
    uint32_t l = wr_profile_location(p, 0, data, NULL, 0);
    wr_profile_symbolise(p, s, 0, false);
    ck_assert_uint_eq(p->locations[l].line_count, 0);
}
END_TEST

/* --- Single addresses --------------------------------------------------- */

START_TEST(an_address_of_a_region_has_a_name)
{
    static struct fake fake;
    struct wr_region_view view;
    char why[WR_WHY];
    struct place at = {.address = wr_test_outermost()};
    ck_assert_int_eq(dl_iterate_phdr(find_segment, &at), 1);
    fake_init(&fake);
    fake.module[1].start = at.start;
    fake.module[1].end = at.start + (1 << 20);
    fake.module[1].file_offset = at.offset;
    fake.module[1].build_id_len = 0;
    snprintf(fake.module[1].path, sizeof fake.module[1].path, "%s", program);
    ck_assert_int_eq(wr_view_over(&view, &fake, sizeof fake, why, sizeof why),
                     0);
    ck_assert_str_eq(wr_symboliser_name(s, &view, at.address), "innermost");
    ck_assert_ptr_null(wr_symboliser_name(s, &view, 0x10));
    ck_assert_ptr_null(wr_symboliser_name(s, &view, FAKE_PLUGIN + 1));
    wr_region_close(&view);
}
END_TEST

/* --- Code made at run time, by a process that is no more ---------------- */

enum { GONE = 4194305 }; /* above the highest process id there can be */

static void
write_map(void)
{
    char path[64];
    snprintf(path, sizeof path, "/tmp/perf-%d.map", GONE);
    FILE *f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    fputs("7e0000001000 40 made at run time\n", f);
    fclose(f);
}

static void
remove_map(void)
{
    char path[64];
    snprintf(path, sizeof path, "/tmp/perf-%d.map", GONE);
    unlink(path);
}

START_TEST(code_that_lies_in_no_file_has_the_name_of_its_map)
{
    uint32_t frames[2];
    int64_t values[4] = {1, 1, 1, 1};
    write_map();
    frames[0] = wr_profile_location(p, WR_NONE, 0x7e0000001010, NULL, 0);
    frames[1] = wr_profile_location(p, WR_NONE, 0x7e0000009000, NULL, 0);
    wr_profile_sample(p, frames, 2, values, NULL, 0);
    wr_profile_symbolise(p, s, GONE, false);
    remove_map();
    ck_assert_str_eq(maker_frame(p, 0, 0), "made at run time");
    ck_assert_uint_eq(p->locations[frames[1]].line_count, 0);
    ck_assert(wr_profile_check(p));
}
END_TEST

START_TEST(an_address_of_a_region_may_be_code_made_at_run_time)
{
    static struct fake fake;
    struct wr_region_view view;
    char why[WR_WHY];
    fake_init(&fake);
    fake.header.pid = GONE;
    ck_assert_int_eq(wr_view_over(&view, &fake, sizeof fake, why, sizeof why),
                     0);
    ck_assert_ptr_null(wr_symboliser_name(s, &view, 0x7e0000001010));
    write_map();
    ck_assert_str_eq(wr_symboliser_name(s, &view, 0x7e0000001010),
                     "made at run time");
    remove_map();
    wr_region_close(&view);
}
END_TEST

START_TEST(frames_of_nothing_are_none)
{
    const struct wr_frame *frames;
    ck_assert_uint_eq(wr_symboliser_frames(s, program, 1, &frames), 0);
    ck_assert_uint_eq(wr_symboliser_frames(s, "/none", 1, &frames), 0);
    wr_symboliser_free(NULL);
}
END_TEST

/* Next to what they cost the first time; in processor time, which a busy
 * machine does not stretch. */
START_TEST(addresses_seen_before_cost_little)
{
    uint64_t took[2];
    uint64_t base = wr_test_outermost();
    for (int round = 0; round < 2; round++) {
        wr_profile_free(p);
        p = maker_heap();
        for (uint64_t i = 0; i < 2000; i++)
            profile_of(base - 1000 + i, program, "");
        uint64_t start = wr_clock_ns(CLOCK_THREAD_CPUTIME_ID);
        wr_profile_symbolise(p, s, 0, false);
        took[round] = wr_clock_ns(CLOCK_THREAD_CPUTIME_ID) - start;
    }
    ck_assert_uint_lt(took[1], took[0] / 2);
}
END_TEST

static void
print_frames(const char *file)
{
    char text[64];
    const struct wr_frame *f;
    while (fgets(text, sizeof text, stdin)) {
        uint64_t address = strtoull(text, NULL, 16);
        size_t n = wr_symboliser_frames(s, file, address, &f);
        printf("0x%llx\n", (unsigned long long)address);
        for (size_t i = 0; i < n; i++)
            printf("%s\n%s:%lld:0\n", f[i].system_name,
                   *f[i].file ? f[i].file : "??", (long long)f[i].line);
        printf(n ? "\n" : "\?\?\n\?\?:0:0\n\n");
    }
}

int
main(int argc, char **argv)
{
    if (argc > 1) {
        s = wr_symboliser_new();
        print_frames(argv[1]);
        wr_symboliser_free(s);
        return 0;
    }
    Suite *suite = suite_create("analyse/symbol");
    TCase *tests = tcase_create("symbol");
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, inlined_frames_come_innermost_first);
    tcase_add_test(tests, the_mapping_says_that_it_has_names);
    tcase_add_test(tests, the_distance_from_the_functions_start_is_known);
    tcase_add_test(tests, names_that_are_there_stay);
    tcase_add_test(tests, a_second_profile_gets_the_same_names);
    tcase_add_test(tests,
                   a_file_that_is_not_there_leaves_the_profile_as_it_was);
    tcase_add_test(tests,
                   a_file_that_is_no_program_leaves_the_profile_as_it_was);
    tcase_add_test(tests, another_build_of_the_file_is_not_believed);
    tcase_add_test(tests, a_program_that_was_deleted_is_found_while_it_runs);
    tcase_add_test(tests, a_library_has_names);
    tcase_add_test(tests, the_kernels_library_has_names);
    tcase_add_test(tests, addresses_outside_of_the_code_get_no_names);
    tcase_add_test(tests, an_address_of_a_region_has_a_name);
    tcase_add_test(tests, code_that_lies_in_no_file_has_the_name_of_its_map);
    tcase_add_test(tests, an_address_of_a_region_may_be_code_made_at_run_time);
    tcase_add_test(tests, frames_of_nothing_are_none);
    tcase_add_test(tests, addresses_seen_before_cost_little);
    suite_add_tcase(suite, tests);
    return unit_main(suite);
}
