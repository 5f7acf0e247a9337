/* The write barrier: stalls below a millisecond, for who tells of each store.
 *
 *     struct node {
 *         struct node *next;
 *     };
 *
 *     int main(void)
 *     {
 *         weir_gc_use_barrier();                  the promise: from here on
 *         ...
 *         weir_store(&n->next, other);            instead of n->next = other
 *         ...
 *
 * A collector that marks a large heap while the program changes it has to learn
 * of the changes. Without help the kernel tells Weir which pages were written,
 * and for the last of them the program stands still, for milliseconds. A
 * program that promises to store its pointers by the calls of this header
 * stands still for its variables, stacks and registers alone, twice a cycle.
 *
 * The promise is about each word that may hold the address of a managed block
 * (weir/gc.h), or of one of malloc's that leads to such, where the word itself
 * is in a managed block or in one of malloc's. It is overwritten by these calls
 * alone. Not meant are
 *   - variables, static ones and those of a thread, stacks, and memory that
 *     the program maps itself: plain stores do, there;
 *   - the first store into each word of a block that was just made, also as
 *     *n = (struct node){...}: a plain one does. (What realloc adds to a block
 *     is not new in that sense.)
 *   - freeing and realloc: of blocks that hold such words, too.
 *
 * Who breaks it may lose blocks: WEIR=gccheckmark=1 looks behind each cycle and
 * stops the program with a sentence that names the word. Likely to break it are
 * memmove, memcpy, memset and qsort over arrays of pointers: weir_move and
 * weir_clear take their places; sort a copy, and weir_move it back.
 * Thread-local variables of a library that came by dlopen, stacks of coroutines
 * that are made of malloc's blocks, and values that pthread_setspecific has for
 * more than 32 keys are in malloc's memory too: let them have no pointers that
 * nobody else has. Memory that read and the like fill carries no pointers.
 *
 * While no cycle marks a store is four instructions more than a plain one.
 *
 * Threads: any, and signal handlers. weir_store releases: who reads the word
 * and follows it sees what was written before, as after a lock. Where several
 * threads write a word at once, use weir_swap or weir_store_if.
 * Failure: none.
 */
#ifndef WEIR_STORE_H
#define WEIR_STORE_H

#include <stddef.h>
#include <stdint.h>
#include <weir/error.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The promise, of the process and its forked children, for good. WEIR_ENOMEM:
 * it has no effect, and stores by these calls do no harm. */
weir_err weir_gc_use_barrier(void);

/* *at = p. at: the address of a pointer. */
#define weir_store(at, p) weir_store_word((at), (1 ? (p) : *(at)))
/* The same as one step, and what was there before. */
#define weir_swap(at, p)                                                       \
    ((__typeof__(*(at)))weir_swap_word((at), (1 ? (p) : *(at))))
/* The same if `was` is there: 1. Else 0. */
#define weir_store_if(at, was, p)                                              \
    weir_store_word_if((at), (1 ? (was) : *(at)), (1 ? (p) : *(at)))

/* memmove of bytes, and memset of them to 0, of whole words. */
void weir_move(void *to, const void *from, size_t bytes);
void weir_clear(void *at, size_t bytes);

/* p was had from where no collector looks, inverted or out of a word of
 * weir_gc_link, and is in use from now on. (weir_gc_weak_get says so itself.)
 * NULL is fine. */
void weir_reveal(const void *p);

/* ---- what they are made of ---- */

/* Not 0: a cycle marks, and is to be told what was overwritten. */
extern unsigned char weir_store_tells;
void weir_store_tell(const void *was);

typedef void *weir_word __attribute__((may_alias));

static inline void *
weir_address(const void *p)
{
    return (void *)(uintptr_t)p;
}

/* Is to be told, as of after the store. */
static inline void
weir_store_told(const void *was)
{
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    if (__builtin_expect(
            __atomic_load_n(&weir_store_tells, __ATOMIC_RELAXED) != 0, 0))
        weir_store_tell(was);
}

static inline void
weir_store_word(void *at, const void *p)
{
    weir_word *word = (weir_word *)at;
    void *was = __atomic_load_n(word, __ATOMIC_RELAXED);

    __atomic_store_n(word, weir_address(p), __ATOMIC_RELEASE);
    weir_store_told(was);
}

static inline void *
weir_swap_word(void *at, const void *p)
{
    void *was =
        __atomic_exchange_n((weir_word *)at, weir_address(p), __ATOMIC_ACQ_REL);

    weir_store_told(was);
    return was;
}

static inline int
weir_store_word_if(void *at, const void *was, const void *p)
{
    void *is = weir_address(was);

    if (!__atomic_compare_exchange_n((weir_word *)at, &is, weir_address(p), 0,
                                     __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
        return 0;
    weir_store_told(is);
    return 1;
}

#ifdef __cplusplus
}
#endif
#endif
