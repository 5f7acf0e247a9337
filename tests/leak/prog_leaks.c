/* Programs that lose memory in the ways that everybody knows, each with its
 * repaired twin, and some that seem to and do not. */
#include "case.h"

#include <dirent.h>
#include <dlfcn.h>
#include <netdb.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <sys/timerfd.h>
#include <time.h>

struct item {
    struct item *next, *previous;
    char text[48];
};

/* Volatile: what is only ever written a compiler would not write at all. */
static void *volatile global, **volatile table;
static struct item *volatile list;

static APART struct item *
make(struct item *next)
{
    struct item *i = calloc(1, sizeof *i);

    i->next = next;
    if (next != NULL)
        next->previous = i;
    return i;
}

static APART void
push(void)
{
    list = make(list);
}

static APART void
free_list(void)
{
    while (list != NULL) {
        struct item *i = list;

        list = i->next;
        free(i);
    }
}

/* ---- lost on the way ---- */

static APART void
take_text(int repaired)
{
    char *text = malloc(100);

    strcpy(text, "who frees this?");
    if (text[0] == 'w' && !repaired)
        return;
    free(text);
}

static void
error_path(void)
{
    for (int i = 0; i < 3; i++)
        take_text(0);
}

static void
error_path_repaired(void)
{
    for (int i = 0; i < 3; i++)
        take_text(1);
}

static APART void
overwritten(void)
{
    global = malloc(1000);
    global = malloc(1000);
}

static APART void
overwritten_repaired(void)
{
    global = malloc(1000);
    free(global);
    global = malloc(1000);
}

static APART void
realloc_fails(void)
{
    global = malloc(1000);
    global = realloc(global, (size_t)1 << 60);
}

static APART void
realloc_fails_repaired(void)
{
    void *more;

    global = malloc(1000);
    more = realloc(global, (size_t)1 << 60);
    if (more != NULL)
        global = more;
}

static APART void
realloc_moves(void)
{
    void *volatile p = malloc(100);

    p = realloc(p, 10000);
}

static APART void
realloc_moves_repaired(void)
{
    void *volatile p = malloc(100);

    p = realloc(p, 10000);
    free(p);
}

static APART void
strdup_in_a_loop(void)
{
    for (int i = 0; i < 20; i++)
        global = strdup("the same words each time");
    global = NULL;
}

static APART void
strdup_in_a_loop_repaired(void)
{
    for (int i = 0; i < 20; i++)
        free(strdup("the same words each time"));
}

static APART void
read_lines(int repaired)
{
    FILE *f = fopen("/proc/self/status", "r");
    char *line = NULL;
    size_t room = 0;

    while (getline(&line, &room, f) > 0)
        continue;
    fclose(f);
    if (repaired)
        free(line);
}

static void
getline_buffer(void)
{
    read_lines(0);
}

static void
getline_buffer_repaired(void)
{
    read_lines(1);
}

static APART void
look_up(int repaired)
{
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST,
                             .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;

    (void)getaddrinfo("127.0.0.1", NULL, &hints, &found);
    if (repaired)
        freeaddrinfo(found);
}

static void
result_of_a_library(void)
{
    look_up(0);
}

static void
result_of_a_library_repaired(void)
{
    look_up(1);
}

static APART void
large(void)
{
    memset(malloc(3 << 20), 1, 3 << 20);
}

static APART void
large_repaired(void)
{
    free(memset(malloc(3 << 20), 1, 3 << 20));
}

static APART void
aligned(void)
{
    void *p;

    (void)!posix_memalign(&p, 4096, 100);
    (void)!posix_memalign(&p, 64, 3000);
    p = aligned_alloc(1 << 20, 1 << 20);
}

static APART void
aligned_repaired(void)
{
    void *p;

    (void)!posix_memalign(&p, 4096, 100);
    free(p);
    (void)!posix_memalign(&p, 64, 3000);
    free(p);
    free(aligned_alloc(1 << 20, 1 << 20));
}

static jmp_buf back;

static APART void
jump_away(void)
{
    char *volatile held = malloc(250);

    held[0] = 1;
    longjmp(back, 1);
    free(held);
}

static APART void
jumped_over(void)
{
    if (setjmp(back) == 0)
        jump_away();
    memset(&back, 0, sizeof back);
}

static APART void
jumped_over_repaired(void)
{
    char *volatile held = malloc(250);

    if (setjmp(back) == 0)
        longjmp(back, 1);
    free(held);
    memset(&back, 0, sizeof back);
}

/* ---- structures ---- */

static APART void
fill_table(void)
{
    table = malloc(10 * sizeof *table);
    for (int i = 0; i < 10; i++)
        table[i] = malloc(200);
}

static APART void
items_of_a_container(void)
{
    fill_table();
    memset((void *)table, 0, 10 * sizeof *table);
    free((void *)table);
    table = NULL;
}

static APART void
items_of_a_container_repaired(void)
{
    fill_table();
    for (int i = 0; i < 10; i++)
        free(table[i]);
    free((void *)table);
    table = NULL;
}

static APART void
container_and_items(void)
{
    fill_table();
    table = NULL;
}

static APART void
chain(void)
{
    for (int i = 0; i < 5; i++)
        push();
    list->next->previous = NULL; /* nothing leads back to it */
    list = NULL;
}

static APART void
chain_repaired(void)
{
    for (int i = 0; i < 5; i++)
        push();
    free_list();
}

static APART void
rest_of_a_list(void)
{
    for (int i = 0; i < 5; i++)
        push();
    list->next->previous = NULL;
    list->next->next->previous = NULL;
    list->next = NULL;
}

static APART void
ring(void)
{
    struct item *a = make(NULL), *b = make(a), *c = make(b);

    a->next = c;
    a->previous = c;
}

static APART void
ring_repaired(void)
{
    struct item *a = make(NULL), *b = make(a), *c = make(b);

    a->next = c;
    a->previous = c;
    free(a);
    free(b);
    free(c);
}

static APART void
two_rings(void)
{
    ring();
    ring();
}

static APART void
points_at_itself(void)
{
    struct item *a = make(NULL);

    a->next = a->previous = a;
}

static APART struct item *
make_tree(int depth)
{
    struct item *top = make(NULL);

    if (depth > 0) {
        top->next = make_tree(depth - 1);
        top->previous = make_tree(depth - 1);
    }
    return top;
}

static APART void
tree(void)
{
    list = make_tree(3);
    list = NULL;
}

/* Two lost ones hold a third. */
static APART void
shared_by_two(void)
{
    struct item *shared = make(NULL);

    (void)make(shared);
    (void)make(shared);
    shared->previous = NULL;
}

/* A lost one that a kept one does not know, but which knows a kept one. */
static APART void
points_at_kept(void)
{
    push();
    (void)make(list);
    list->previous = NULL;
}

/* ---- what only grows ---- */

static APART void
growing_list(void)
{
    for (int i = 0; i < 1000; i++)
        push();
}

static APART void
growing_list_repaired(void)
{
    growing_list();
    free_list();
}

enum { ENTRIES = 64 };
static struct item *volatile cache[ENTRIES];

/* A cache by number, whose lists get longer and longer; */
static APART void
cache_without_bound(void)
{
    for (int i = 0; i < 1000; i++)
        cache[i % ENTRIES] = make(cache[i % ENTRIES]);
}

/* and two of one entry a place: who evicts must free. */
static APART void
evict(int repaired)
{
    for (int i = 0; i < 1000; i++) {
        if (repaired)
            free(cache[i % ENTRIES]);
        cache[i % ENTRIES] = make(NULL);
    }
}

static void
evicted(void)
{
    evict(0);
}

static void
evicted_repaired(void)
{
    evict(1);
}

/* Some bytes that hold a big array; */
static APART void
view_of_a_big_array(void)
{
    global = (char *)malloc(1 << 20) + 5000;
}

static APART void
view_of_a_big_array_repaired(void)
{
    char *big = malloc(1 << 20);

    memset(big, 1, 1 << 20);
    global = malloc(16);
    memcpy(global, big + 5000, 16);
    free(big);
}

/* ---- files and timers ---- */

static APART void
unclosed_file(void)
{
    for (int i = 0; i < 5; i++)
        (void)!fopen("/dev/null", "r");
}

static APART void
unclosed_file_repaired(void)
{
    for (int i = 0; i < 5; i++)
        fclose(fopen("/dev/null", "r"));
}

static APART void
unclosed_folder(void)
{
    (void)readdir(opendir("/proc"));
}

static APART void
unclosed_folder_repaired(void)
{
    closedir(opendir("/proc"));
}

static void
tick(union sigval value)
{
    (void)value;
}

static APART timer_t
start_timer(void *what)
{
    struct itimerspec soon = {.it_value.tv_sec = 3600};
    struct sigevent event = {.sigev_notify = SIGEV_THREAD,
                             .sigev_notify_function = tick};
    timer_t timer;

    event.sigev_value.sival_ptr = what;
    timer_create(CLOCK_MONOTONIC, &event, &timer);
    timer_settime(timer, 0, &soon, NULL);
    return timer;
}

static APART void
timer_not_stopped(void)
{
    for (int i = 0; i < 3; i++)
        (void)start_timer(malloc(100));
}

static APART void
timer_not_stopped_repaired(void)
{
    for (int i = 0; i < 3; i++) {
        void *what = malloc(100);

        timer_delete(start_timer(what));
        free(what);
    }
}

static APART void
timer_stopped_only(void)
{
    for (int i = 0; i < 3; i++)
        timer_delete(start_timer(malloc(100)));
}

static APART void
timer_file(void)
{
    (void)timerfd_create(CLOCK_MONOTONIC, 0);
}

/* ---- threads ---- */

static void *
thread_reads(void *argument)
{
    return (void *)(uintptr_t)(*(char *)argument != 0);
}

static void *
thread_frees(void *argument)
{
    free(argument);
    return NULL;
}

static APART void
run_to_its_end(void *(*function)(void *))
{
    pthread_t t;

    pthread_create(&t, NULL, function, calloc(1, 500));
    pthread_join(t, NULL);
}

static void
thread_argument(void)
{
    run_to_its_end(thread_reads);
}

static void
thread_argument_repaired(void)
{
    run_to_its_end(thread_frees);
}

static pthread_key_t key;

static void *
thread_sets_key(void *argument)
{
    pthread_setspecific(key, argument);
    return NULL;
}

static void
key_without_destructor(void)
{
    pthread_key_create(&key, NULL);
    run_to_its_end(thread_sets_key);
}

static void
key_without_destructor_repaired(void)
{
    pthread_key_create(&key, free);
    run_to_its_end(thread_sets_key);
}

static __thread void *volatile own;

static void *
thread_keeps(void *argument)
{
    own = argument;
    return NULL;
}

static void
storage_of_an_ended_thread(void)
{
    run_to_its_end(thread_keeps);
}

static APART void
detached(void)
{
    pthread_t t;

    for (int i = 0; i < 4; i++) {
        pthread_create(&t, NULL, thread_frees, malloc(50));
        pthread_detach(t);
    }
}

static void *
thread_gives(void *unused)
{
    (void)unused;
    return malloc(50);
}

static void *volatile given;

static APART void
result_of_a_joined_thread(void)
{
    pthread_t t;

    pthread_create(&t, NULL, thread_gives, NULL);
    pthread_join(t, (void **)&given);
    given = NULL;
}

static APART void
result_of_a_thread_not_joined(void)
{
    pthread_t t;

    pthread_create(&t, NULL, thread_gives, NULL);
}

static APART void
never_joined(void)
{
    pthread_t t;

    for (int i = 0; i < 4; i++)
        pthread_create(&t, NULL, thread_frees, malloc(50));
}

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void *
thread_blocks(void *unused)
{
    void *volatile held = malloc(900);

    (void)unused;
    (void)held;
    threads_to_wait_for--;
    pthread_mutex_lock(&lock);
    free(held);
    pthread_mutex_unlock(&lock);
    return NULL;
}

/* Blocked for ever, with what it holds: not lost, it may go on. */
static APART void
blocked_thread(void)
{
    pthread_mutex_lock(&lock);
    for (int i = 0; i < 4; i++)
        in_thread(thread_blocks);
}

static APART void
blocked_thread_repaired(void)
{
    pthread_t t[4];

    pthread_mutex_lock(&lock);
    for (int i = 0; i < 4; i++)
        t[i] = in_thread(thread_blocks);
    pthread_mutex_unlock(&lock);
    for (int i = 0; i < 4; i++)
        pthread_join(t[i], NULL);
}

/* ---- modules ---- */

/* Its global holds what it allocates. LEAK_MODULE says where it is. */
static APART void *
open_module(void)
{
    void *module = dlopen(getenv("LEAK_MODULE"), RTLD_NOW);
    void (*hold)(void) = module != NULL ? dlsym(module, "hold") : NULL;

    if (hold != NULL)
        hold();
    return module;
}

static void
closed_module(void)
{
    void *module = open_module();

    if (module != NULL)
        dlclose(module);
}

static void
open_module_holds(void)
{
    (void)open_module();
}

/* ---- what no search can see ---- */

static APART void
xored(void)
{
    global = (void *)((uintptr_t)malloc(80) ^ (uintptr_t)-1);
}

/* A list in which each item has its neighbours' addresses xored. */
static APART void
xored_list(void)
{
    uintptr_t *a = calloc(1, 64), *b = calloc(1, 64), *c = calloc(1, 64);

    a[0] = (uintptr_t)b;
    b[0] = (uintptr_t)a ^ (uintptr_t)c;
    c[0] = (uintptr_t)b;
    global = a;
}

/* 32 bits of it, counted in units of 16 bytes. */
static volatile uint32_t compressed_word;

static APART void
compressed(void)
{
    compressed_word = (uint32_t)((uintptr_t)malloc(80) >> 4);
}

int
main(int argc, char **argv)
{
    static const struct test_case cases[] = {
        CASE(error_path),
        CASE(error_path_repaired),
        CASE(overwritten),
        CASE(overwritten_repaired),
        CASE(realloc_fails),
        CASE(realloc_fails_repaired),
        CASE(realloc_moves),
        CASE(realloc_moves_repaired),
        CASE(strdup_in_a_loop),
        CASE(strdup_in_a_loop_repaired),
        CASE(getline_buffer),
        CASE(getline_buffer_repaired),
        CASE(result_of_a_library),
        CASE(result_of_a_library_repaired),
        CASE(large),
        CASE(large_repaired),
        CASE(aligned),
        CASE(aligned_repaired),
        CASE(jumped_over),
        CASE(jumped_over_repaired),
        CASE(items_of_a_container),
        CASE(items_of_a_container_repaired),
        CASE(container_and_items),
        CASE(chain),
        CASE(chain_repaired),
        CASE(rest_of_a_list),
        CASE(ring),
        CASE(ring_repaired),
        CASE(two_rings),
        CASE(points_at_itself),
        CASE(tree),
        CASE(shared_by_two),
        CASE(points_at_kept),
        CASE(growing_list),
        CASE(growing_list_repaired),
        CASE(cache_without_bound),
        CASE(evicted),
        CASE(evicted_repaired),
        CASE(view_of_a_big_array),
        CASE(view_of_a_big_array_repaired),
        CASE(unclosed_file),
        CASE(unclosed_file_repaired),
        CASE(unclosed_folder),
        CASE(unclosed_folder_repaired),
        CASE(timer_not_stopped),
        CASE(timer_not_stopped_repaired),
        CASE(timer_stopped_only),
        CASE(timer_file),
        CASE(thread_argument),
        CASE(thread_argument_repaired),
        CASE(key_without_destructor),
        CASE(key_without_destructor_repaired),
        CASE(storage_of_an_ended_thread),
        CASE(detached),
        CASE(result_of_a_joined_thread),
        CASE(result_of_a_thread_not_joined),
        CASE(never_joined),
        CASE(blocked_thread),
        CASE(blocked_thread_repaired),
        CASE(closed_module),
        CASE(open_module_holds),
        CASE(xored),
        CASE(xored_list),
        CASE(compressed),
    };

    return run_cases(argc, argv, cases, sizeof cases / sizeof *cases);
}
