/* A program that searches itself through include/weir/leak.h; it gets the
 * functions from the library it is preloaded with. Prints what it finds. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <weir/leak.h>

#pragma weak weir_leak_check
#pragma weak weir_leak_print
#pragma weak weir_root_add
#pragma weak weir_root_add_masked
#pragma weak weir_root_remove
#pragma weak weir_leak_ignore
#pragma weak weir_leak_ignore_begin
#pragma weak weir_leak_ignore_end

void __lsan_disable(void) __attribute__((weak));
void __lsan_enable(void) __attribute__((weak));
void __lsan_ignore_object(const void *) __attribute__((weak));
void __lsan_register_root_region(const void *, size_t) __attribute__((weak));
void __lsan_unregister_root_region(const void *, size_t) __attribute__((weak));
int __lsan_do_recoverable_leak_check(void) __attribute__((weak));

#define APART __attribute__((noinline, noclone))

static void *volatile global;
static volatile uintptr_t hidden[4];

static APART void
wipe(void)
{
    volatile char stack[64 << 10];

    memset((char *)stack, 0, sizeof stack);
}

static APART void
lose(size_t bytes)
{
    void *volatile *p = malloc(bytes);

    *p = calloc(1, 24);
}

static APART void
hide(uintptr_t flip, uintptr_t add)
{
    hidden[1] = ((uintptr_t)calloc(1, 200) ^ flip) | add;
}

static APART void
check_now(const char *what)
{
    struct weir_leaks l;
    weir_err err;

    err = weir_leak_check(&l, NULL, NULL);
    printf("%s: %d %llu %llu %d\n", what, (int)err,
           (unsigned long long)l.direct.blocks,
           (unsigned long long)l.indirect.blocks, l.proved);
}

/* Nothing old is in its frame. */
static APART void
check(const char *what)
{
    wipe();
    check_now(what);
}

static void
show(const struct weir_leak *l, void *count)
{
    ++*(int *)count;
    global = malloc(10); /* it may allocate */
    free(global);
    printf("leak: %zu bytes, %s, %llu hang, %s, %s, %s\n", l->bytes,
           l->direct ? "direct" : "indirect",
           (unsigned long long)l->hanging.blocks,
           l->frames > 1 && l->stack[0] != 0 ? "stack" : "no stack",
           l->age_ns > 0 && l->age_ns < 60000000000 ? "aged" : "no age",
           l->tid == (uint32_t)getpid() ? "ours" : "another thread's");
}

static APART void
ignore(void)
{
    void *volatile *p = malloc(333);

    *p = malloc(24);
    printf("ignore: %d\n", (int)weir_leak_ignore((char *)p + 5));
}

static void
roots(void)
{
    hide((uintptr_t)-1, 0);
    check("turned round");
    weir_root_add_masked((void *)hidden, sizeof hidden, (uintptr_t)-1,
                         (uintptr_t)-1);
    check("with its key");
    printf("remove: %d\n", (int)weir_root_remove((void *)hidden));
    printf("again: %d\n", (int)weir_root_remove((void *)hidden));
    check("without it");
    printf("nonsense: %d %d\n", (int)weir_root_add(NULL, 8),
           (int)weir_root_add((void *)hidden, 0));
}

/* Memory that the program may only read, and that goes. */
static void
read_only_root(void)
{
    void **page = mmap(NULL, 8192, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    page[7] = malloc(120);
    mprotect(page, 4096, PROT_READ);
    check("read only");
    weir_root_add(page, 8192);
    check("read only, as a root");
    munmap(page, 8192);
    check("gone");
}

/* Programs written for LeakSanitizer. */
static APART void
lsan(void)
{
    if (__lsan_disable == NULL || __lsan_do_recoverable_leak_check == NULL)
        return;
    __lsan_disable();
    lose(700);
    __lsan_enable();
    void *volatile *p = malloc(800);
    *p = malloc(24);
    __lsan_ignore_object((void *)p);
    __lsan_register_root_region((void *)hidden, sizeof hidden);
    __lsan_unregister_root_region((void *)hidden, sizeof hidden);
    wipe();
    printf("lsan: %d\n", __lsan_do_recoverable_leak_check());
}

int
main(void)
{
    int count = 0;
    uint64_t blocks = 0;
    weir_err err;
    pid_t child;

    setvbuf(stdout, NULL, _IOLBF, 0);
    if (weir_leak_check == NULL)
        return 77;
    check("nothing");
    ignore();
    check("ignored");
    weir_leak_ignore_begin();
    weir_leak_ignore_begin();
    lose(500);
    weir_leak_ignore_end();
    lose(500);
    weir_leak_ignore_end();
    weir_leak_ignore_end(); /* one too many */
    check("in a scope");
    lose(400);
    check("lost");
    weir_leak_check(NULL, show, &count);
    printf("%d told\n", count);
    wipe();
    err = weir_leak_print(STDOUT_FILENO, &blocks);
    printf("print: %d %llu\n", (int)err, (unsigned long long)blocks);
    lsan();
    roots();
    read_only_root();
    child = fork();
    if (child == 0) {
        lose(600);
        check("in a child");
        _exit(0);
    }
    waitpid(child, NULL, 0);
    return 0;
}
