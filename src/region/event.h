/* Events: how a lower floor tells a higher one what happened.
 *
 * Down by call, up by event: a floor never includes what lies above it; it
 * calls through this table, which the higher floors fill once, at start
 * (wr_start), before the program runs threads. An empty entry means that
 * nobody listens. No entry may allocate from the heap, take a lock that
 * stands before the caller's in os/lock.h, or fail.
 */
#ifndef WR_REGION_EVENT_H
#define WR_REGION_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct wr_text;
struct wr_mcache;
struct wr_span;

struct wr_events {
    /* A thread got its cache: it is in `cache`, of the calling thread. */
    void (*thread_attached)(struct wr_mcache *cache);
    /* The calling thread gives its cache back. */
    void (*thread_detached)(struct wr_mcache *cache);
    /* How many bytes that thread is to allocate before its next sample
     * (INT64_MAX: never). */
    int64_t (*next_sample)(struct wr_mcache *cache);
    /* The block of so many bytes was picked as a sample, by the calling
     * thread; the heap keeps the answer with it. */
    uint32_t (*sampled)(struct wr_mcache *cache, void *block, size_t bytes);
    /* A sampled block is being freed; tag: what sampled answered. */
    void (*sample_freed)(uint32_t tag, void *block, size_t bytes);
    /* It will be, and it is the collector that frees it: the program has lost
     * it. */
    void (*sample_lost)(uint32_t tag);
    /* The thread needs a span with free blocks for that slot, of blocks that
     * the collector frees: it may sweep its own. Its cache; no lock is held. */
    void (*sweep)(struct wr_mcache *cache, unsigned slot);
    /* A block of malloc's of that class, which the collector could not reach,
     * is being freed or resized. */
    void (*suspect_used)(unsigned class_id);
    /* A block of malloc's of that class that is free is freed: was that perhaps
     * the collector's doing? Then nothing happens. */
    bool (*freed_again)(unsigned class_id);
    /* The calling thread takes those free blocks of the span: bit i is block
     * first + i. Soon they are live. Told as wr_taking_told says. */
    void (*taking)(struct wr_span *s, unsigned first, uint64_t bits);
    /* While records are kept (wr_mheap_keep_records), or wr_mheap_tell_gone
     * says so: a span that had blocks is gone, or its end, and those pages may
     * become another. mheap's lock is held. */
    void (*span_gone)(uintptr_t base, size_t pages);
    /* What [from, end) of the heap holds is about to go: blocks there were
     * freed, and are taken again or given back, or a large one is being freed,
     * cut or moved. Told as wr_going_told says. Locks of the heap but mheap's
     * may be held. */
    void (*going)(uintptr_t from, uintptr_t end);
    /* Memory lies idle, or was freed in spans: wr_scavenge has something to do.
     * No lock is held. */
    void (*memory_idle)(void);
    /* Pages were taken for blocks. No lock is held. */
    void (*memory_taken)(void);
    /* Somebody outside asks something (region/ask.h). In a signal handler. */
    void (*answer_wanted)(void);
    /* A forked child has a region of its own, which nobody reads yet. Perhaps
     * in malloc or in a signal handler. */
    void (*region_taken)(void);
    /* So many bytes more are the heap's than before, and it has more than
     * wr_mheap_alarm says. The caller may go on after a while, and its cache
     * may be emptied. No lock is held. */
    void (*memory_near)(size_t grown);
    /* A large block of so many bytes would pass wr_mheap_ceiling: may it be
     * made? No lock is held. */
    bool (*memory_over)(size_t bytes);
    /* The soft limit is near: who keeps memory in reserve is to give back so
     * many bytes. On the background thread. */
    void (*memory_wanted)(uint64_t bytes);
    /* The soft limit is another, or what is held was looked at anew (the
     * counters limit, limit_held). Any thread; no lock is held. */
    void (*limit_moved)(void);
    /* A thread in a scope is about to take so many bytes for blocks: may it?
     * The calling thread's cache. No lock is held. */
    bool (*scope_grows)(struct wr_mcache *cache, size_t bytes);
    /* It gives its cache back while it is in a scope. */
    void (*scope_ends)(struct wr_mcache *cache);
    /* The background thread's look at the limit: nanoseconds until it is to
     * look again, 0: not any more. may_open: as wr_pulse_begin. */
    uint64_t (*watch)(bool may_open);
    /* Once a second on the background thread, as long as it is there; the time
     * is wr_os_monotonic's. May it not leave? */
    bool (*tick)(uint64_t now_ns);
    /* The background thread is to do what it was asked for; it may be told to
     * stop meanwhile (world/background.h). */
    void (*asked)(void);
    /* The program is about to be stopped over this block (it may be any
     * address): add what is known of it and of the caller. */
    void (*explain)(struct wr_text *t, const void *block);
};

extern struct wr_events wr_events;

#endif
