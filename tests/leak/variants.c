/* One loss in many forms of control and data flow. Nothing is wiped: copies of
 * the address stay in frames that were left, as in any program.
 *
 *     variants VARIANT-FATE [ask|end]        as in case.h, but `end` is that
 *                                            main returns
 *
 * FATE says what becomes of each block at the end of its way: it is lost,
 * freed or kept.
 */
#define LEAVE go_on
static void go_on(void);
#include "case.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>

enum fate { LOST, FREED, KEPT };
static enum fate fate;
static void *kept[64];
static int kept_count, lost_count;

/* As a program does that is not at its end: it says where it is. */
static void
go_on(void)
{
    printf("%s %d\n", "has lost", lost_count);
    fflush(stdout);
}

/* The end of the way. */
static APART void
sink(void *p)
{
    if (fate == LOST && p != NULL)
        lost_count++;
    if (fate == FREED)
        free(p);
    if (fate == KEPT)
        kept[kept_count++] = p;
}

/* Somebody writes into the block, a few frames further down. */
static APART void
fill(char *p, int bytes)
{
    memset(p, 'x', bytes - 1);
    p[bytes - 1] = '\0';
}

static APART char *
source(void)
{
    char *p = malloc(100);

    fill(p, 100);
    return p;
}

/* Constants that a compiler does not know. */
static volatile int yes = 1, five = 5;

struct box {
    int number;
    char *text;
    struct box *next;
};

union either {
    char *text;
    uintptr_t number;
};

/* ---- flow of control ---- */

#define FLOW(name, statement)                                                  \
    static APART void name(void)                                               \
    {                                                                          \
        char *p = NULL;                                                        \
        statement;                                                             \
        sink(p);                                                               \
    }

FLOW(straight, p = source())
FLOW(in_if, if (yes) p = source())
FLOW(in_else, if (!yes) p = NULL; else p = source())
FLOW(
    in_switch, switch (five) {
case 5:
    p = source();
    break;
default:
    break;
    })
FLOW(
    falls_through, switch (five) {
case 5:
    p = source();
default:
    yes = 1;
    })
FLOW(
    in_while, while (yes) {
        p = source();
        break;
    })
FLOW(in_for, for (int i = 0; i < 1; i++) p = source())
FLOW(in_do, do p = source(); while (!yes))
FLOW(over_goto, goto there; there : p = source())
FLOW(
    back_by_goto, again
    : if (p == NULL) {
        p = source();
        goto again;
    })
FLOW(by_condition, p = yes ? source() : NULL)
FLOW(by_comma, p = (fill((char[9]){0}, 9), source()))
FLOW(by_calloc, p = calloc(5, 20); fill(p, 100))
FLOW(by_realloc, p = realloc(source(), 9000); fill(p, 9000))
FLOW(by_strdup, p = strdup("a text that is copied"))
FLOW(by_aligned_alloc, p = aligned_alloc(64, 128); fill(p, 128))

/* ---- loops that run more than once ---- */

static APART void
each_turn(void)
{
    for (int i = 0; i < 8; i++)
        sink(source());
}

static APART void
each_turn_in_one_variable(void)
{
    char *p;

    for (int i = 0; i < 8; i++) {
        p = source();
        fill(p, 100);
        sink(p);
    }
}

static APART void
recursion(int depth)
{
    char *p = source();

    if (depth > 1)
        recursion(depth - 1);
    sink(p);
}

static APART void
each_level(void)
{
    recursion(8);
}

/* ---- flow of data in a function ---- */

static APART void
copied(void)
{
    char *a = source(), *b = a, *c = b;

    sink(c);
}

static APART void
by_pointer_to_it(void)
{
    char *p, **at = &p, ***far = &at;

    **far = source();
    sink(*at);
}

static APART void
in_struct(void)
{
    struct box box = {.text = source()}, other = box;

    sink(other.text);
}

static APART void
in_union(void)
{
    union either e = {.text = source()};

    sink((void *)e.number);
}

static APART void
in_array(void)
{
    char *all[5] = {NULL};

    for (int i = 0; i < 5; i++)
        all[i] = source();
    for (int i = 0; i < 5; i++)
        sink(all[i]);
}

static APART void
in_array_of_variable_length(void)
{
    char *all[five];

    for (int i = 0; i < five; i++)
        all[i] = source();
    for (int i = 0; i < five; i++)
        sink(all[i]);
}

static APART void
copied_as_bytes(void)
{
    struct box box = {.text = source()}, other;

    memcpy(&other, &box, sizeof other);
    sink(other.text);
}

/* ---- into functions and out of them ---- */

static APART void
fill_parameter(char **out)
{
    *out = source();
}

static APART void
out_by_parameter(void)
{
    char *p;

    fill_parameter(&p);
    sink(p);
}

static APART void
fill_member(struct box *out)
{
    out->text = source();
}

static APART void
out_by_member(void)
{
    struct box box;

    fill_member(&box);
    sink(box.text);
}

static APART struct box
make_box(void)
{
    return (struct box){five, source(), NULL};
}

static APART void
out_by_struct(void)
{
    sink(make_box().text);
}

static APART void
take_struct(struct box box)
{
    sink(box.text);
}

static APART void
in_by_struct(void)
{
    take_struct(make_box());
}

static APART void
take_reference(char **p)
{
    char *own = *p;

    fill(own, 100);
    sink(own);
}

static APART void
in_by_reference(void)
{
    char *p = source();

    take_reference(&p);
}

static APART void
take_array(char **all)
{
    sink(all[2]);
}

static APART void
in_by_array(void)
{
    char *all[5] = {[2] = source()};

    take_array(all);
}

static APART void
take_number(uintptr_t n)
{
    sink((void *)n);
}

static APART void
in_by_number(void)
{
    take_number((uintptr_t)source());
}

static APART void
take_some(int n, ...)
{
    va_list all;

    va_start(all, n);
    for (int i = 0; i < n; i++)
        sink(va_arg(all, char *));
    va_end(all);
}

static APART void
in_by_variable_arguments(void)
{
    take_some(8, source(), source(), source(), source(), source(), source(),
              source(), source());
}

static APART void
lost_in_callee(void)
{
    take_reference((char *[]){source()});
}

static APART void
returns_early(void)
{
    char *p = source();

    if (yes) {
        sink(p);
        return;
    }
    fill(p, 100);
}

/* ---- chains of calls ---- */

#define STEP(name, next)                                                       \
    static APART void name(char *p)                                            \
    {                                                                          \
        char *own = p;                                                         \
        next(own);                                                             \
    }

STEP(step_5, sink)
STEP(step_4, step_5)
STEP(step_3, step_4)
STEP(step_2, step_3)
STEP(step_1, step_2)

#define CHAIN(name, first)                                                     \
    static APART void name(void)                                               \
    {                                                                          \
        first(source());                                                       \
    }

CHAIN(one_call_down, step_5)
CHAIN(two_calls_down, step_4)
CHAIN(three_calls_down, step_3)
CHAIN(five_calls_down, step_1)

static APART void
go_down(char *p, int depth)
{
    char *copies[4] = {p, p, p, p};

    if (depth > 0)
        go_down(copies[depth % 4], depth - 1);
    else
        sink(copies[0]);
}

static APART void
fifty_calls_down(void)
{
    go_down(source(), 50);
}

static APART void
thousand_calls_down(void)
{
    go_down(source(), 1000);
}

static APART char *
come_up(int depth)
{
    char *p = depth > 0 ? come_up(depth - 1) : source();

    return p;
}

static APART void
fifty_calls_up(void)
{
    sink(come_up(50));
}

static APART void
in_large_frame(void)
{
    char *copies[1000];

    for (int i = 0; i < 1000; i++)
        copies[i] = i == 0 ? source() : copies[i - 1];
    sink(copies[999]);
}

/* ---- by pointers to functions and by globals ---- */

static char *(*source_pointer)(void) = source;
static void (*sink_pointer)(void *) = sink;
static void (*const steps[])(char *) = {step_1, step_3, step_5};

static APART void
by_global_pointer(void)
{
    sink_pointer(source_pointer());
}

static APART void
by_table_of_functions(void)
{
    steps[five % 3](source());
}

static APART int
compare(const void *a, const void *b)
{
    char *p = source();

    sink(p);
    return *(const int *)a - *(const int *)b;
}

static APART void
in_a_callback(void)
{
    int numbers[] = {2, 1};

    qsort(numbers, 2, sizeof *numbers, compare);
}

static char *volatile global;

static APART void
take_global(void)
{
    char *p = global;

    global = NULL;
    sink(p);
}

static APART void
by_global(void)
{
    global = source();
    take_global();
}

static APART void
overwritten(void)
{
    for (int i = 0; i < 5; i++) {
        char *old = global;

        global = source();
        sink(old);
    }
}

static APART char *
remember(char *p)
{
    static char *last;
    char *before = last;

    last = p;
    return before;
}

static APART void
by_static_variable(void)
{
    (void)remember(source());
    sink(remember(NULL));
}

/* A list is freed, not what it holds. */
static APART void
list_of_texts(void)
{
    struct box *list = NULL;

    for (int i = 0; i < 5; i++) {
        struct box *b = calloc(1, sizeof *b);

        b->text = source();
        b->next = list;
        list = b;
    }
    while (list != NULL) {
        struct box *b = list;

        list = b->next;
        sink(b->text);
        b->text = NULL;
        free(b);
    }
}

/* ---- other ways out ---- */

static jmp_buf back;

static APART void
jump(void)
{
    char *p = source();

    sink(p);
    longjmp(back, 1);
}

static APART void
jumped_over(void)
{
    if (setjmp(back) == 0)
        jump();
}

static APART void
handle(int signal)
{
    (void)signal;
    sink(source());
}

static APART void
in_a_handler(void)
{
    signal(SIGUSR2, handle);
    raise(SIGUSR2);
}

/* ---- threads ---- */

static void *
thread_loses(void *unused)
{
    (void)unused;
    step_1(source());
    return NULL;
}

static void *
thread_exits(void *unused)
{
    (void)unused;
    sink(source());
    pthread_exit(NULL);
}

static void *
thread_takes(void *p)
{
    step_3(p);
    return NULL;
}

static void *
thread_returns(void *unused)
{
    (void)unused;
    return source();
}

static APART void *
run_thread(void *(*function)(void *), void *argument)
{
    pthread_t t;
    void *result;

    pthread_create(&t, NULL, function, argument);
    pthread_join(t, &result);
    return result;
}

static APART void
in_a_thread(void)
{
    run_thread(thread_loses, NULL);
}

static APART void
in_a_thread_that_exits(void)
{
    run_thread(thread_exits, NULL);
}

static APART void
argument_of_a_thread(void)
{
    run_thread(thread_takes, source());
}

static APART void
result_of_a_thread(void)
{
    sink(run_thread(thread_returns, NULL));
}

static APART void
in_four_threads(void)
{
    for (int i = 0; i < 4; i++)
        run_thread(thread_loses, NULL);
}

/* The thread itself is still there: it waits. */
static void *
thread_stays(void *unused)
{
    (void)unused;
    step_1(source());
    wait_for_ever();
    return NULL;
}

static APART void
in_a_thread_that_waits(void)
{
    in_thread(thread_stays);
    settle();
}

#define EACH_FATE(name)                                                        \
    {#name "-lost", name}, {#name "-freed", name},                             \
    {                                                                          \
#name "-kept", name                                                    \
    }

int
main(int argc, char **argv)
{
    static const struct test_case cases[] = {
        EACH_FATE(straight),
        EACH_FATE(in_if),
        EACH_FATE(in_else),
        EACH_FATE(in_switch),
        EACH_FATE(falls_through),
        EACH_FATE(in_while),
        EACH_FATE(in_for),
        EACH_FATE(in_do),
        EACH_FATE(over_goto),
        EACH_FATE(back_by_goto),
        EACH_FATE(by_condition),
        EACH_FATE(by_comma),
        EACH_FATE(by_calloc),
        EACH_FATE(by_realloc),
        EACH_FATE(by_strdup),
        EACH_FATE(by_aligned_alloc),
        EACH_FATE(each_turn),
        EACH_FATE(each_turn_in_one_variable),
        EACH_FATE(each_level),
        EACH_FATE(copied),
        EACH_FATE(by_pointer_to_it),
        EACH_FATE(in_struct),
        EACH_FATE(in_union),
        EACH_FATE(in_array),
        EACH_FATE(in_array_of_variable_length),
        EACH_FATE(copied_as_bytes),
        EACH_FATE(out_by_parameter),
        EACH_FATE(out_by_member),
        EACH_FATE(out_by_struct),
        EACH_FATE(in_by_struct),
        EACH_FATE(in_by_reference),
        EACH_FATE(in_by_array),
        EACH_FATE(in_by_number),
        EACH_FATE(in_by_variable_arguments),
        EACH_FATE(lost_in_callee),
        EACH_FATE(returns_early),
        EACH_FATE(one_call_down),
        EACH_FATE(two_calls_down),
        EACH_FATE(three_calls_down),
        EACH_FATE(five_calls_down),
        EACH_FATE(fifty_calls_down),
        EACH_FATE(thousand_calls_down),
        EACH_FATE(fifty_calls_up),
        EACH_FATE(in_large_frame),
        EACH_FATE(by_global_pointer),
        EACH_FATE(by_table_of_functions),
        EACH_FATE(in_a_callback),
        EACH_FATE(by_global),
        EACH_FATE(overwritten),
        EACH_FATE(by_static_variable),
        EACH_FATE(list_of_texts),
        EACH_FATE(jumped_over),
        EACH_FATE(in_a_handler),
        EACH_FATE(in_a_thread),
        EACH_FATE(in_a_thread_that_exits),
        EACH_FATE(argument_of_a_thread),
        EACH_FATE(result_of_a_thread),
        EACH_FATE(in_four_threads),
        EACH_FATE(in_a_thread_that_waits),
    };
    const char *end = argc > 1 ? strrchr(argv[1], '-') : NULL;

    if (end != NULL)
        fate = strcmp(end, "-kept") == 0    ? KEPT
               : strcmp(end, "-freed") == 0 ? FREED
                                            : LOST;
    if (argc < 3 || strcmp(argv[2], "end") != 0)
        return run_cases(argc, argv, cases, sizeof cases / sizeof *cases);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (strcmp(argv[1], cases[i].name) == 0)
            cases[i].run();
    go_on();
    return 0;
}
