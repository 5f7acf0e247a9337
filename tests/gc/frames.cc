/* Collected memory where frames are left in other ways than by return: by
 * longjmp, out of a handler on a stack of its own, by an exception. And layouts
 * in C++. Prints what it has done; stops at the first block that is not whole.
 */
#include <csetjmp>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <weir/weir.h>

#define MUST(x)                                                                \
    do {                                                                       \
        if (!(x)) {                                                            \
            std::fprintf(stderr, "line %d: not so: %s\n", __LINE__, #x);       \
            std::abort();                                                      \
        }                                                                      \
    } while (0)

namespace {

const uint64_t magic = 0x706c616365;

struct node {
    node *next;
    uint64_t number, word;
};
WEIR_TYPE(node, next);

struct list {
    size_t length;
    node *item[];
};
WEIR_TYPE(list, item[0]);

node *
chain_of(unsigned n)
{
    node *first = nullptr;

    for (unsigned i = 0; i < n; i++) {
        node *one = weir_new_typed(node);

        MUST(one != nullptr && one->next == nullptr && one->word == 0);
        one->next = first;
        one->number = i;
        one->word = magic;
        first = one;
    }
    return first;
}

bool
is_chain(const node *c, unsigned n)
{
    for (; c != nullptr; c = c->next)
        if (n-- == 0 || c->number != n || c->word != magic)
            return false;
    return n == 0;
}

/* What was lost is other blocks after it. */
void
collect()
{
    int tries = 0;

    while (weir_gc_collect() != WEIR_OK)
        MUST(++tries < 100);
    for (int i = 0; i < 20; i++)
        MUST(is_chain(chain_of(100), 100));
}

/* ---- longjmp ---- */

sigjmp_buf back;

__attribute__((noinline)) void
leave_by_longjmp(unsigned depth, node *c)
{
    node *own = chain_of(10);

    collect();
    MUST(is_chain(own, 10) && is_chain(c, 10));
    if (depth == 0)
        siglongjmp(back, 1);
    leave_by_longjmp(depth - 1, own);
    MUST(is_chain(own, 10));
}

void
jump()
{
    node *volatile kept = chain_of(50);
    volatile int times = 0;

    if (sigsetjmp(back, 1) != 0) {
        collect();
        MUST(is_chain(kept, 50));
    }
    if (++times <= 3)
        leave_by_longjmp(8, chain_of(10));
    MUST(is_chain(kept, 50));
}

/* ---- a handler on a stack of its own ---- */

volatile bool out_by_jump;
volatile int handled;

void
handle(int)
{
    node *own = chain_of(30); /* nobody else has it */

    collect();
    MUST(is_chain(own, 30));
    handled = handled + 1;
    if (out_by_jump)
        siglongjmp(back, 1);
}

void
interrupt()
{
    stack_t s = {};
    struct sigaction a = {};
    node *volatile kept = chain_of(50); /* the handler cannot see it */

    s.ss_size = 1 << 18;
    s.ss_sp = std::malloc(s.ss_size);
    a.sa_handler = handle;
    a.sa_flags = SA_ONSTACK;
    MUST(sigaltstack(&s, nullptr) == 0);
    MUST(sigaction(SIGUSR1, &a, nullptr) == 0);
    for (int i = 0; i < 3; i++)
        MUST(std::raise(SIGUSR1) == 0);
    MUST(is_chain(kept, 50));
    out_by_jump = true;
    if (sigsetjmp(back, 1) == 0)
        std::raise(SIGUSR1);
    collect();
    MUST(is_chain(kept, 50) && handled == 4);
    s.ss_flags = SS_DISABLE;
    MUST(sigaltstack(&s, nullptr) == 0);
    std::free(s.ss_sp);
}

/* ---- exceptions ---- */

struct failure {
    node *chain; /* while it is thrown it is the only one */
};

/* Collects while frames are unwound. */
struct guard {
    node *own = chain_of(10);

    ~guard()
    {
        collect();
        MUST(is_chain(own, 10));
    }
};

__attribute__((noinline)) void
fail(unsigned depth)
{
    guard g;

    if (depth == 0)
        throw failure{chain_of(40)};
    fail(depth - 1);
}

void
except()
{
    node *kept = chain_of(50);
    std::exception_ptr later;

    try {
        fail(6);
        MUST(false);
    } catch (const failure &f) {
        collect();
        MUST(is_chain(f.chain, 40));
        later = std::current_exception();
    }
    collect();
    try {
        std::rethrow_exception(later);
    } catch (const failure &f) {
        MUST(is_chain(f.chain, 40));
    }
    MUST(is_chain(kept, 50));
}

/* ---- layouts ---- */

void
lay_out()
{
    list *l = weir_new_typed_flex(list, item, 100);
    node *many = weir_new_typed_array(node, 100);

    for (unsigned i = 0; i < 100; i++) {
        l->item[i] = chain_of(i);
        many[i].next = chain_of(i);
        many[i].number = ~(uint64_t)0;
    }
    collect();
    for (unsigned i = 0; i < 100; i++)
        MUST(is_chain(l->item[i], i) && is_chain(many[i].next, i));
}

} // namespace

int
main()
{
    weir_gc_set_percent(20);
    jump();
    interrupt();
    except();
    lay_out();
    std::puts("longjmp, handlers, exceptions, layouts");
}
