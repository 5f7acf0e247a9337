/* Modules that come and go: two libraries take turns at one address. */
#include "unit.h"

#include <alloca.h>
#include <dlfcn.h>
#include <link.h>
#include <pthread.h>
#include <stdatomic.h>

#include "profile/both.h"
#include "profile/unwind.h"
#include "profile/unwind_cache.h"
#include "profile/unwind_module.h"

typedef long visit_fn(void (*fn)(void));

/* a and b differ only in the size of a frame: same length, same tables. c
 * has one more function. */
enum { A, B, C, LIBRARIES };
static char folder[] = "/tmp/weir-unwind-XXXXXX";
static char path[LIBRARIES][64];
static struct both both;

static void
compile(int which, const char *options)
{
    char command[512];
    FILE *compiler;

    snprintf(path[which], sizeof(path[which]), "%s/lib%d.so", folder, which);
    snprintf(command, sizeof(command),
             "cc -x c -shared -fPIC -O1 -fasynchronous-unwind-tables "
             "-Wl,--build-id=none %s -o %s -",
             options, path[which]);
    compiler = popen(command, "w");
    ck_assert_ptr_nonnull(compiler);
    fputs("long visit(void (*fn)(void)) {\n"
          "    volatile char array[SIZE];\n"
          "    array[1] = 1;\n"
          "    fn();\n"
          "    return array[1] + SIZE;\n"
          "}\n"
          "long filled(void (*fn)(void), long value) {\n"
          "    volatile long array[SIZE];\n"
          "    for (int i = 0; i < SIZE; i++)\n"
          "        array[i] = value;\n"
          "    fn();\n"
          "    return array[1] + SIZE;\n"
          "}\n"
          "#ifdef MORE\n"
          "__attribute__((used)) static int more(int i) { return i + 1; }\n"
          "#endif\n",
          compiler);
    ck_assert_int_eq(pclose(compiler), 0);
}

static void
build(void)
{
    ck_assert_ptr_nonnull(mkdtemp(folder));
    compile(A, "-DSIZE=1000");
    compile(B, "-DSIZE=5000");
    compile(C, "-DSIZE=3000 -DMORE");
}

static void
clean(void)
{
    for (int i = 0; i < LIBRARIES; i++)
        unlink(path[i]);
    rmdir(folder);
}

static void
setup(void)
{
    both_start();
    both_know_stack();
}

static void
capture(void)
{
    both_capture(&both);
}

/* Captures through the library's function; returns where that lies. */
static uintptr_t
visit_and_compare(int which)
{
    void *library = dlopen(path[which], RTLD_NOW);
    visit_fn *visit;

    ck_assert_ptr_nonnull(library);
    visit = (visit_fn *)dlsym(library, "visit");
    ck_assert_ptr_nonnull(visit);
    for (int i = 0; i < 2; i++) {
        visit(capture);
        both_expect_same(&both);
    }
    ck_assert_int_eq(dlclose(library), 0);
    return (uintptr_t)visit;
}

/* ---- what a thread remembers of its walk before ---- */

typedef long filled_fn(void (*fn)(void), long value);

static uintptr_t inner_place;
static volatile int sink;

static __attribute__((noinline)) void
capture_at_place(void)
{
    inner_place = (uintptr_t)__builtin_frame_address(0);
    both_capture(&both);
    sink++;
}

static __attribute__((noinline)) void
capture_at_place_too(void)
{
    inner_place = (uintptr_t)__builtin_frame_address(0);
    both_capture(&both);
    sink--;
}

/* Two call sites, one place on the stack. */
static __attribute__((noinline)) long
call(filled_fn *filled, void (*fn)(void), uintptr_t value)
{
    return value == 0 ? filled(fn, 0) + 1 : filled(fn, (long)value) + 2;
}

/* Takes so much of the stack first. */
static __attribute__((noinline)) void
call_below(size_t bytes, filled_fn *filled, void (*fn)(void), uintptr_t value)
{
    volatile char *p = alloca(bytes + 16);

    p[0] = (char)call(filled, fn, value);
    p[1] = 1;
}

/* Captures through a library's frame that is full of this value. */
static void
capture_filled(int which, size_t below, void (*fn)(void), uintptr_t value,
               bool permanent)
{
    void *library = dlopen(path[which], RTLD_NOW);
    filled_fn *filled = (filled_fn *)dlsym(library, "filled");

    if (permanent)
        wr_unwind_init();
    for (int i = 0; i < 2; i++) {
        call_below(below, filled, fn, value);
        both_expect_same(&both);
        ck_assert_uint_ne(both.again_n, 0);
    }
    dlclose(library);
    wr_unwind_flush();
}

/* B's frame comes to where A's was, as seen from the frames further in. What
 * A left on the stack, with its return address, is all there: B's frame has
 * it where A's ended. */
static void
replace_below(void (*second)(void), bool permanent)
{
    unsigned meetings = 0;

    for (size_t more = 31872; more < 32128; more += 16) {
        uintptr_t place, in_library, back;

        capture_filled(A, more, capture_at_place, 0, permanent);
        place = inner_place;
        in_library = both.ours[2];
        back = both.ours[3];
        capture_filled(B, 0, second, back, false);
        meetings += inner_place == place && both.ours[2] == in_library;
    }
    ck_assert_uint_gt(meetings, 0);
}

START_TEST(a_remembered_frame_of_a_library_that_went_is_not_believed)
{
    if (_i & 1)
        wr_unwind_init();
    replace_below(_i & 2 ? capture_at_place : capture_at_place_too, false);
}
END_TEST

START_TEST(a_remembered_frame_of_a_permanent_one_that_went_is_not_either)
{
    replace_below(_i ? capture_at_place : capture_at_place_too, true);
}
END_TEST

/* Were the libraries ever at the same place? If not, nothing was tested. */
static void
take_turns(int first, int second, bool flush)
{
    unsigned meetings = 0;
    uintptr_t last = 0;

    for (int i = 0; i < 200; i++) {
        uintptr_t at = visit_and_compare(i & 1 ? second : first);

        meetings += at == last;
        last = at;
        if (flush)
            wr_unwind_flush();
    }
    ck_assert_uint_gt(meetings, 10);
}

START_TEST(a_library_of_the_same_shape_is_new_after_a_flush)
{
    take_turns(A, B, true);
}
END_TEST

START_TEST(permanent_modules_do_not_hide_that_others_change)
{
    wr_unwind_init();
    take_turns(A, B, true);
}
END_TEST

START_TEST(a_library_of_another_shape_is_noticed_without_a_flush)
{
    void *a, *c;
    uintptr_t pc;
    struct wr_unwind_module first, second;

    a = dlopen(path[A], RTLD_NOW);
    pc = (uintptr_t)dlsym(a, "visit");
    ck_assert(wr_unwind_module_find(pc, &first));
    dlclose(a);
    c = dlopen(path[C], RTLD_NOW);
    ck_assert_ptr_eq(dlsym(c, "visit"), (void *)pc);
    ck_assert(wr_unwind_module_find(pc, &second));
    dlclose(c);
    ck_assert_uint_ne(first.identity, second.identity);
    take_turns(A, C, false);
}
END_TEST

/* When numbers come round again, all that was noted with them goes. */
START_TEST(more_libraries_than_numbers_are_told_apart)
{
    uint64_t epoch = wr_unwind_cache_epoch;

    for (int i = 0; i < 3 << WR_UNWIND_MODULE_BITS; i++) {
        struct wr_unwind_module module;

        wr_unwind_flush();
        ck_assert(wr_unwind_module_find((uintptr_t)build, &module));
        ck_assert(
            wr_unwind_module_is(&module, wr_unwind_module_number(&module)));
        if (i % 16 == 0)
            visit_and_compare(i / 16 & 1);
    }
    ck_assert_uint_ge(wr_unwind_cache_epoch, epoch + 2);
}
END_TEST

/* A word that ends the stack, said to be learnt from another module: libc
 * for code of the program, the program for all other. */
static void
poison(uintptr_t pc)
{
    struct wr_cfi_code code = {0};
    struct wr_cfi_row row = {0};
    struct wr_unwind_module program, libc, module;

    row.how[WR_REG_RA] = WR_CFI_UNDEFINED;
    ck_assert(wr_unwind_module_find((uintptr_t)build, &program));
    ck_assert(wr_unwind_module_find((uintptr_t)&fputs, &libc));
    module = pc - program.cfi.start < program.cfi.end - program.cfi.start
                 ? libc
                 : program;
    wr_unwind_cache_put(
        pc, wr_unwind_condense(&code, &row, wr_unwind_module_number(&module)));
}

static __attribute__((noinline)) void
capture_poisoned(void)
{
    static struct both before;

    for (size_t i = 0; i == 0 || i < before.n; i++) {
        both_capture(&both);
        both_expect_same(&both);
        before = both;
        poison(before.ours[i] - 1);
        both_capture(&both);
        both_expect_same(&both);
    }
}

/* The program's frames come first, then libc's: the poison of one about the
 * other must be noticed, however often that module was asked for before. */
START_TEST(a_word_about_another_module_is_not_believed)
{
    capture_poisoned();
}
END_TEST

START_TEST(a_number_holds_until_a_flush)
{
    struct wr_unwind_module before, after;
    uintptr_t pc = (uintptr_t)&fputs;
    unsigned number;

    ck_assert(wr_unwind_module_find(pc, &before));
    number = wr_unwind_module_number(&before);
    ck_assert_uint_ne(number, 0);
    ck_assert_uint_eq(wr_unwind_module_number(&before), number);
    ck_assert(wr_unwind_module_is(&before, number));
    ck_assert(!wr_unwind_module_is(&before, number + 1));
    wr_unwind_flush();
    ck_assert(wr_unwind_module_find(pc, &after));
    ck_assert(!wr_unwind_module_is(&after, number));
}
END_TEST

START_TEST(a_permanent_module_has_number_0)
{
    struct wr_unwind_module module;
    uintptr_t pc = (uintptr_t)&fputs;

    wr_unwind_init();
    ck_assert(wr_unwind_module_find(pc, &module));
    ck_assert_uint_eq(wr_unwind_module_number(&module), 0);
    ck_assert(wr_unwind_module_is(&module, 0));
    ck_assert_uint_ge(pc, module.cfi.start);
    ck_assert_uint_lt(pc, module.cfi.end);
    wr_unwind_flush();
    ck_assert(wr_unwind_module_find(pc, &module));
    ck_assert(wr_unwind_module_is(&module, 0));
}
END_TEST

START_TEST(a_module_loaded_later_is_not_permanent)
{
    struct wr_unwind_module module;
    void *library;

    wr_unwind_init();
    library = dlopen(path[A], RTLD_NOW);
    ck_assert(
        wr_unwind_module_find((uintptr_t)dlsym(library, "visit"), &module));
    ck_assert_uint_ne(wr_unwind_module_number(&module), 0);
    dlclose(library);
}
END_TEST

/* Who calls wr_unwind_init too late must not get wrong stacks for it. */
START_TEST(a_permanent_module_that_goes_is_noticed_at_the_flush)
{
    void *library = dlopen(path[A], RTLD_NOW);
    uintptr_t visit = (uintptr_t)dlsym(library, "visit");

    wr_unwind_init();
    visit_and_compare(A);
    dlclose(library);
    wr_unwind_flush();
    ck_assert_uint_eq(visit_and_compare(B), visit);
}
END_TEST

static _Atomic bool holding, release;

/* The loader's lock is held while this runs. */
static int
hold(struct dl_phdr_info *info, size_t bytes, void *arg)
{
    (void)info;
    (void)bytes;
    (void)arg;
    holding = true;
    while (!release)
        usleep(100);
    return 1;
}

static void *
hold_the_loader(void *arg)
{
    dl_iterate_phdr(hold, NULL);
    return arg;
}

START_TEST(a_capture_never_waits_for_the_loader)
{
    void *library = dlopen(path[A], RTLD_NOW);
    visit_fn *visit = (visit_fn *)dlsym(library, "visit");
    pthread_t thread;

    pthread_create(&thread, NULL, hold_the_loader, NULL);
    while (!holding)
        usleep(100);
    wr_unwind_cache_clear();
    visit(capture);
    release = true;
    pthread_join(thread, NULL);
    both_expect_same(&both);
    dlclose(library);
}
END_TEST

START_TEST(no_module_is_where_none_was_loaded)
{
    struct wr_unwind_module module;
    char *p = malloc(16);

    for (int i = 0; i < 2; i++) {
        ck_assert(!wr_unwind_module_find(0, &module));
        ck_assert(!wr_unwind_module_find(UINTPTR_MAX, &module));
        ck_assert(!wr_unwind_module_find((uintptr_t)p, &module));
        wr_unwind_init();
    }
    free(p);
}
END_TEST

static Suite *
suite(void)
{
    Suite *s = suite_create("stacks through modules that go");
    TCase *t = tcase_create("modules");

    tcase_add_unchecked_fixture(t, build, clean);
    tcase_add_checked_fixture(t, setup, NULL);
    tcase_add_test(t, a_library_of_the_same_shape_is_new_after_a_flush);
    tcase_add_test(t, permanent_modules_do_not_hide_that_others_change);
    tcase_add_test(t, a_library_of_another_shape_is_noticed_without_a_flush);
    tcase_add_test(t, more_libraries_than_numbers_are_told_apart);
    tcase_add_test(t, a_word_about_another_module_is_not_believed);
    tcase_add_test(t, a_number_holds_until_a_flush);
    tcase_add_test(t, a_permanent_module_has_number_0);
    tcase_add_test(t, a_module_loaded_later_is_not_permanent);
    tcase_add_test(t, a_permanent_module_that_goes_is_noticed_at_the_flush);
    tcase_add_loop_test(
        t, a_remembered_frame_of_a_library_that_went_is_not_believed, 0, 4);
    tcase_add_loop_test(
        t, a_remembered_frame_of_a_permanent_one_that_went_is_not_either, 0, 2);
    tcase_add_test(t, a_capture_never_waits_for_the_loader);
    tcase_add_test(t, no_module_is_where_none_was_loaded);
    tcase_set_timeout(t, 60);
    suite_add_tcase(s, t);
    return s;
}

int
main(void)
{
    return unit_main(suite());
}
