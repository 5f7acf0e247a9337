/* Registers of here and of interrupted code; asking whether memory is there.
 */
#include "unit.h"

#include <errno.h>
#include <sys/mman.h>

#include "os/regs.h"

static size_t page;

static void
setup(void)
{
    page = (size_t)sysconf(_SC_PAGESIZE);
}

static char *
two_pages(void)
{
    char *p = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    ck_assert_ptr_ne(p, MAP_FAILED);
    return p;
}

START_TEST(memory_that_is_there_is_readable)
{
    static const char constant[16] = "constant";
    char *p = two_pages();
    long here = 0;

    ck_assert(wr_regs_readable((uintptr_t)&here & ~(uintptr_t)7));
    ck_assert(wr_regs_readable((uintptr_t)constant & ~(uintptr_t)7));
    ck_assert(wr_regs_readable((uintptr_t)p));
    ck_assert(wr_regs_readable((uintptr_t)p + 2 * page - 8));
    ck_assert(wr_regs_readable((uintptr_t)p + page - 4));
}
END_TEST

START_TEST(memory_that_is_not_there_is_not_readable)
{
    char *p = two_pages();

    munmap(p + page, page);
    ck_assert(wr_regs_readable((uintptr_t)p + page - 8));
    ck_assert(!wr_regs_readable((uintptr_t)p + page));
    ck_assert(!wr_regs_readable((uintptr_t)p + page - 4));
    mprotect(p, page, PROT_NONE);
    ck_assert(!wr_regs_readable((uintptr_t)p));
}
END_TEST

START_TEST(no_address_is_too_odd_to_ask)
{
    ck_assert(!wr_regs_readable(0));
    ck_assert(!wr_regs_readable(8));
    ck_assert(!wr_regs_readable(UINTPTR_MAX));
    ck_assert(!wr_regs_readable(UINTPTR_MAX - 7));
    ck_assert(!wr_regs_readable((uintptr_t)1 << 63));
    ck_assert(!wr_regs_readable((uintptr_t)1 << 50));
}
END_TEST

START_TEST(asking_changes_neither_errno_nor_the_signal_mask)
{
    unsigned long all = ~0ul;
    sigset_t before, after;

    sigprocmask(SIG_SETMASK, NULL, &before);
    errno = 77;
    ck_assert(wr_regs_readable((uintptr_t)&all));
    ck_assert(!wr_regs_readable(8));
    ck_assert_int_eq(errno, 77);
    sigprocmask(SIG_SETMASK, NULL, &after);
    for (int signal = 1; signal < 64; signal++)
        ck_assert_int_eq(sigismember(&before, signal),
                         sigismember(&after, signal));
}
END_TEST

static __attribute__((noinline)) void
capture(struct wr_regs *regs)
{
    wr_regs_capture(regs);
}

START_TEST(a_capture_tells_where_it_is)
{
    struct wr_regs regs;
    uintptr_t frame = (uintptr_t)__builtin_frame_address(0);

    capture(&regs);
    ck_assert_uint_ge(regs.pc, (uintptr_t)capture);
    ck_assert_uint_lt(regs.pc, (uintptr_t)capture + 1024);
    ck_assert_uint_lt(regs.r[WR_REG_SP], frame);
    ck_assert_uint_gt(regs.r[WR_REG_SP], frame - 65536);
}
END_TEST

START_TEST(callee_saved_registers_are_captured)
{
    /* libc's own record of the same registers */
    struct wr_regs regs, libcs;
    ucontext_t uc;

    getcontext(&uc);
    wr_regs_capture(&regs);
    wr_regs_from_context(&libcs, &uc);
    ck_assert_uint_eq(regs.r[WR_REG_FP], libcs.r[WR_REG_FP]);
    ck_assert_uint_eq(regs.r[WR_REG_SP], libcs.r[WR_REG_SP]);
    ck_assert_uint_gt(regs.pc, libcs.pc);
    ck_assert_uint_lt(regs.pc, libcs.pc + 1024);
}
END_TEST

static volatile uintptr_t interrupted_sp;

static void
on_signal(int signal, siginfo_t *info, void *context)
{
    struct wr_regs regs;

    (void)signal;
    (void)info;
    wr_regs_from_context(&regs, context);
    interrupted_sp = regs.r[WR_REG_SP];
}

START_TEST(a_context_tells_the_interrupted_stack)
{
    struct sigaction action = {.sa_sigaction = on_signal,
                               .sa_flags = SA_SIGINFO};
    uintptr_t here = (uintptr_t)__builtin_frame_address(0);

    sigaction(SIGUSR1, &action, NULL);
    raise(SIGUSR1);
    ck_assert_uint_le(interrupted_sp, here);
    ck_assert_uint_gt(interrupted_sp, here - 65536);
}
END_TEST

START_TEST(an_address_without_signature_stays_as_it_is)
{
    ck_assert_uint_eq(wr_regs_strip(0), 0);
    ck_assert_uint_eq(wr_regs_strip((uintptr_t)capture), (uintptr_t)capture);
    ck_assert_uint_eq(wr_regs_strip(0x7fffffffffff), 0x7fffffffffff);
}
END_TEST

START_TEST(only_the_way_back_from_a_handler_is_taken_for_it)
{
    unsigned char code[16] = {0};

    ck_assert(!wr_regs_is_sigreturn(code));
    ck_assert(!wr_regs_is_sigreturn((const void *)capture));
}
END_TEST

START_TEST(a_frame_tells_where_its_return_address_is)
{
    unsigned saved = wr_frame_slot(-8, true, -16);
    unsigned kept = wr_frame_slot(-8, false, 0);

    ck_assert_uint_eq(saved, 2);
    ck_assert_uint_ne(kept, 0);
    ck_assert_uint_eq(wr_frame_ra_at(1000, saved), 992);
    ck_assert_uint_eq(wr_frame_ra_at(1000, kept), 992);
    ck_assert_uint_eq(wr_frame_slot(8, false, 0), 0);
    ck_assert_uint_eq(wr_frame_slot(-8, true, -8), 0);
    ck_assert_uint_eq(wr_frame_slot(-12, false, 0), 0);
}
END_TEST

static Suite *
suite(void)
{
    Suite *s = suite_create("registers");
    TCase *t = tcase_create("regs");

    tcase_add_checked_fixture(t, setup, NULL);
    tcase_add_test(t, memory_that_is_there_is_readable);
    tcase_add_test(t, memory_that_is_not_there_is_not_readable);
    tcase_add_test(t, no_address_is_too_odd_to_ask);
    tcase_add_test(t, asking_changes_neither_errno_nor_the_signal_mask);
    tcase_add_test(t, a_capture_tells_where_it_is);
    tcase_add_test(t, callee_saved_registers_are_captured);
    tcase_add_test(t, a_context_tells_the_interrupted_stack);
    tcase_add_test(t, an_address_without_signature_stays_as_it_is);
    tcase_add_test(t, only_the_way_back_from_a_handler_is_taken_for_it);
    tcase_add_test(t, a_frame_tells_where_its_return_address_is);
    suite_add_tcase(s, t);
    return s;
}

int
main(void)
{
    return unit_main(suite());
}
