/* A program as one writes it for Boehm's collector. Built against the header
 * of Weir and against libgc's it prints the same. */
#define GC_THREADS
#include <gc.h>
#include <gc/gc_mark.h>
#include <gc/gc_typed.h>

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

static int
aligned(size_t to)
{
    char *p = GC_memalign(to, 100), *q;
    int right = (uintptr_t)p % to == 0 && p[99] == 0;

    memset(p, 'y', 100);
    q = GC_REALLOC(p, 10000);
    right &= q[0] == 'y' && q[99] == 'y' && GC_size(q) >= 10000;
    p = GC_memalign(to, 10);
    GC_FREE(p);
    return right;
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
    r = GC_REALLOC(r, 20000);
    printf("aligned %d\n", aligned(64) && aligned(4096) && r[99] == 'x');
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

static void
end_again(void *object, void *arg)
{
    end(object, arg);
}

static void
told_of_old(void)
{
    GC_finalization_proc fn = end, last;
    struct list *l = GC_NEW(struct list);
    void *arg = &arg, *with;

    GC_REGISTER_FINALIZER(l, end, (void *)&ended, &fn, &arg);
    printf("old %d", fn == NULL && arg == NULL);
    GC_REGISTER_FINALIZER_NO_ORDER(l, end_again, (void *)&wrong, &fn, &arg);
    GC_REGISTER_FINALIZER(l, NULL, NULL, &last, &with);
    printf(" %d %d\n", fn == end && arg == &ended,
           last == end_again && with == &wrong);
}

static volatile int told;

static void
tell(void)
{
    told++;
}

/* Finalizers wait until they are asked for. */
static void
demanded(void)
{
    void **link = GC_MALLOC_ATOMIC(2 * LOST * sizeof *link);
    int before = ended, waits;

    GC_set_finalizer_notifier(tell);
    GC_set_finalize_on_demand(1);
    lose(link);
    for (int i = 0; i < LOST; i++) { /* and the second half are the links now */
        link[LOST + i] = link[i];
        GC_move_disappearing_link(&link[i], &link[LOST + i]);
    }
    memset(link, 0, LOST * sizeof *link);
    for (int i = 0; i < 60000 && !told; i++) {
        GC_gcollect();
        (void)list_of(10);
        usleep(1000);
    }
    waits = ended == before && GC_should_invoke_finalizers();
    for (int i = 0; i < 60000 &&
                    (ended - before < LOST / 2 || gone(link + LOST) < LOST / 2);
         i++) {
        GC_gcollect();
        GC_invoke_finalizers();
        usleep(1000);
    }
    printf("told %d, waits %d, ended %d, moved %d\n", told > 0, waits,
           ended - before >= LOST / 2, gone(link + LOST) >= LOST / 2);
    GC_set_finalize_on_demand(0);
}

static pthread_t first; /* the program has no other then */
static volatile int elsewhere;

static void
end_here(void *object, void *arg)
{
    (void)object;
    elsewhere |= !pthread_equal(pthread_self(), first);
    ++*(volatile int *)arg;
}

__attribute__((noinline)) static void
lose_rings(volatile int *n)
{
    for (int i = 0; i < LOST; i++) {
        struct list *a = GC_NEW(struct list), *b = GC_NEW(struct list);

        a->next = b;
        b->next = a;
        GC_REGISTER_FINALIZER_NO_ORDER(a, end_here, (void *)n, NULL, NULL);
        GC_REGISTER_FINALIZER_NO_ORDER(b, end_here, (void *)n, NULL, NULL);
    }
}

/* Finalizers are called by who collects, before that returns, and by who asks
 * for it: they need no locks. */
static void
here(void)
{
    volatile int n[2] = {0};

    first = pthread_self();
    lose_rings(&n[0]);
    (void)list_of(10);
    GC_gcollect();
    GC_set_finalize_on_demand(1);
    lose_rings(&n[1]);
    (void)list_of(10);
    GC_gcollect();
    printf("rings %d, waiting %d", n[0] >= LOST, n[1] == 0);
    printf(", invoked %d", GC_invoke_finalizers() >= LOST);
    printf(", all %d, elsewhere %d\n", n[1] >= LOST, elsewhere);
    GC_set_finalize_on_demand(0);
}

/* ---- where pointers are ---- */

struct pair {
    void *number; /* is none */
    struct list *list;
};

__attribute__((noinline)) static void
fill(struct pair **pair, void **link, GC_descr d)
{
    for (int i = 0; i < LOST; i++) {
        struct pair *p = i % 2 == 0
                             ? GC_MALLOC_EXPLICITLY_TYPED(sizeof *p * 2, d)
                             : GC_CALLOC_EXPLICITLY_TYPED(3, sizeof *p, d);

        p += i % 2 * 2; /* of three the last */
        pair[i] = p;
        p->list = list_of(10);
        p->number = link[i] = GC_NEW(struct list);
        GC_general_register_disappearing_link(&link[i], link[i]);
    }
}

static void
typed(void)
{
    GC_word bits[GC_BITMAP_SIZE(struct pair)] = {0};
    struct pair **pair = GC_MALLOC(LOST * sizeof *pair);
    void **link = GC_MALLOC_ATOMIC(LOST * sizeof *link);
    int whole = 1;

    GC_set_bit(bits, GC_WORD_OFFSET(struct pair, list));
    fill(pair, link, GC_make_descriptor(bits, GC_WORD_LEN(struct pair)));
    for (int i = 0; i < 60000 && gone(link) < LOST / 2; i++) {
        (void)list_of(10);
        GC_gcollect();
    }
    for (int i = 0; i < LOST; i++)
        whole &= is_whole(pair[i]->list, 10);
    printf("typed %d, numbers %d\n", whole, gone(link) >= LOST / 2);
}

/* A kind that the program makes, as runtimes of languages do. */
static void
kinds(void)
{
    int kind = (int)GC_new_kind(GC_new_free_list(),
                                GC_DS_LENGTH | sizeof(void *) * 2, 0, 1);
    struct pair **pair = GC_MALLOC(LOST * sizeof *pair);
    int whole = 1;

    for (int i = 0; i < LOST; i++) {
        pair[i] = GC_generic_malloc(sizeof **pair, kind);
        pair[i]->list = list_of(10);
    }
    GC_gcollect();
    for (int i = 0; i < LOST; i++)
        whole &= is_whole(pair[i]->list, 10);
    printf("kind %d\n", whole);
}

/* An interpreter's stack: a block without pointers, but for the part that the
 * program says is in use. */
enum { STACK = 1000 };

static struct list **stack;
static GC_push_other_roots_proc others;

static void
push_stack(void)
{
    GC_push_all(stack, stack + STACK);
    if (others != NULL)
        others();
}

static void
pushed(void)
{
    int whole = 1;

    others = GC_get_push_other_roots();
    GC_set_push_other_roots(push_stack);
    stack = GC_MALLOC_ATOMIC(STACK * sizeof *stack);
    for (int i = 0; i < STACK; i++)
        stack[i] = list_of(3);
    GC_gcollect();
    for (int i = 0; i < STACK; i++)
        (void)list_of(3);
    GC_gcollect();
    for (int i = 0; i < STACK; i++)
        whole &= is_whole(stack[i], 3);
    printf("pushed %d\n", whole);
    GC_set_push_other_roots(others);
}

static void *
with_base(struct GC_stack_base *base, void *arg)
{
    return base->mem_base != NULL ? arg : NULL;
}

static void
figures(void)
{
    struct GC_prof_stats_s p;
    GC_word heap = 0, all = 0;

    GC_get_heap_usage_safe(&heap, NULL, NULL, NULL, &all);
    GC_get_prof_stats(&p, sizeof p);
    printf("figures %d %d %d\n", heap > 0 && all > heap,
           p.heapsize_full > 0 && p.gc_no > 0,
           GC_call_with_stack_base(with_base, &p) == &p);
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
    told_of_old();
    demanded();
    here();
    typed();
    kinds();
    pushed();
    figures();
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
