/* A program as one writes it for Boehm's collector. Built against the header
 * of Weir and against libgc's it prints the same. */
#define GC_THREADS
#include <gc.h>

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct list {
    struct list *next;
    char *text;
};

static struct list **kept; /* uncollectable */

static struct list *
list_of(int n)
{
    struct list *first = NULL;
    char text[32];

    for (int i = 0; i < n; i++) {
        struct list *l = GC_NEW(struct list);

        snprintf(text, sizeof text, "number %d", i);
        l->text = GC_STRDUP(text);
        l->next = first;
        first = l;
    }
    return first;
}

static int
is_whole(const struct list *l, int n)
{
    char text[32];

    for (; l != NULL; l = l->next) {
        snprintf(text, sizeof text, "number %d", --n);
        if (strcmp(l->text, text) != 0)
            return 0;
    }
    return n == 0;
}

static void *
thread(void *result)
{
    struct list *l = list_of(20000);

    GC_gcollect();
    *(int *)result = is_whole(l, 20000);
    return NULL;
}

static int asked;

static void *
no_memory(size_t bytes)
{
    asked += bytes > 1000;
    return NULL;
}

static void
blocks(void)
{
    char *p = GC_MALLOC(100), *q = GC_MALLOC_ATOMIC(100), *r;
    int zero = 1;

    for (int i = 0; i < 100; i++)
        zero &= p[i] == 0;
    memset(q, 'x', 100);
    r = GC_REALLOC(q, 10000);
    printf("zero %d, realloc %d\n", zero, r[0] == 'x' && r[99] == 'x');
    printf("base %d %d, size %d\n", GC_base(p + 50) == p, GC_base(&p) == NULL,
           GC_size(p) >= 100 && GC_size(p) < 200);
    printf("texts %s %s\n", GC_STRDUP("abc"), GC_STRNDUP("abcdef", 4));
    printf("hidden %d\n", GC_REVEAL_POINTER(GC_HIDE_POINTER(p)) == p);
    GC_FREE(r);
    GC_FREE(NULL);
}

static void
collected(void)
{
    uintptr_t no = GC_get_gc_no();
    size_t heap;

    kept = GC_MALLOC_UNCOLLECTABLE(sizeof *kept * 2);
    kept[1] = list_of(5000);
    for (int i = 0; i < 200; i++)
        (void)list_of(5000);
    GC_gcollect();
    heap = GC_get_heap_size();
    printf("cycles %d, small %d\n", GC_get_gc_no() > no,
           heap > 0 && heap < 100 << 20);
    printf("kept %d\n", is_whole(kept[1], 5000));
    GC_FREE(kept);
}

/* ---- the end of blocks ---- */

enum { LOST = 100 };

static volatile int ended, wrong;

static void
end(void *object, void *arg)
{
    struct list *l = object;

    wrong |= arg != &ended || l->text == NULL || strcmp(l->text, "end") != 0;
    ended++;
}

__attribute__((noinline)) static void
lose(void **link)
{
    for (int i = 0; i < LOST; i++) {
        struct list *l = GC_NEW(struct list);

        l->text = GC_STRDUP("end");
        GC_REGISTER_FINALIZER(l, end, (void *)&ended, NULL, NULL);
        link[i] = l;
        GC_general_register_disappearing_link(&link[i], l);
    }
}

static int
gone(void **link)
{
    int n = 0;

    for (int i = 0; i < LOST; i++)
        n += link[i] == NULL;
    return n;
}

/* Some may be kept by chance; up to a minute for the thread that calls. */
static void
ends(void)
{
    void **link = GC_MALLOC_ATOMIC(LOST * sizeof *link);

    lose(link);
    for (int i = 0; i < 60000 && (ended < LOST / 2 || gone(link) < LOST / 2);
         i++) {
        (void)list_of(10);
        GC_gcollect();
        GC_invoke_finalizers();
        usleep(1000);
    }
    printf("ended %d, right %d, gone %d\n", ended >= LOST / 2, !wrong,
           gone(link) >= LOST / 2);
}

int
main(void)
{
    pthread_t t[4];
    int ok[4];

    GC_INIT();
    blocks();
    collected();
    ends();
    for (int i = 0; i < 4; i++)
        pthread_create(&t[i], NULL, thread, &ok[i]);
    for (int i = 0; i < 4; i++)
        pthread_join(t[i], NULL);
    printf("threads %d\n", ok[0] && ok[1] && ok[2] && ok[3]);
    GC_set_oom_fn(no_memory);
    ok[0] = GC_MALLOC((size_t)1 << 50) == NULL;
    printf("refused %d %d\n", ok[0], asked);
    GC_disable();
    printf("disabled %d\n", GC_is_disabled());
    GC_enable();
    return 0;
}
