/* What the heap asks of the processor, said so that it takes one instruction.
 *
 * Sixteen bytes looked at in one go: p is a multiple of 16; bit i of an answer
 * is byte i. Other threads may be writing the bytes: each is seen as it was
 * before or after.
 */
#ifndef WR_OS_CPU_H
#define WR_OS_CPU_H

#include <stdbool.h>
#include <stdint.h>

#if defined(__SANITIZE_THREAD__)
#define WR_CPU_WATCHED 1 /* a tool has to see which steps are atomic */
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define WR_CPU_WATCHED 1
#endif
#endif

/* A word that others may be writing, for a different thing to be found by it
 * than what the caller looks for. */
static inline uintptr_t
wr_cpu_peek(const void *word)
{
#ifdef WR_CPU_WATCHED
    return __atomic_load_n((const uintptr_t *)word, __ATOMIC_RELAXED);
#else
    return *(const uintptr_t *)word;
#endif
}

/* What tells the calling thread from all others: where its thread-local
 * variables are. */
static inline uintptr_t
wr_cpu_thread(void)
{
#ifdef __x86_64__
    uintptr_t self;

    __asm__("mov %%fs:0, %0" : "=r"(self));
    return self;
#else
    return (uintptr_t)__builtin_thread_pointer();
#endif
}

/* The address p is in a register, or on the stack, from here on, for who stops
 * the thread and looks; what follows in the program is done after it. */
static inline void *
wr_cpu_held(uintptr_t p)
{
    __asm__ volatile("" : "+r"(p) : : "memory");
    return (void *)p;
}

/* x's bits moved n places down, those that fall out coming in at the top. */
static inline uint64_t
wr_cpu_rotate(uint64_t x, unsigned n)
{
    return x >> n | x << (-n & 63);
}

/* What glibc mixes into addresses that it mangles (PTR_MANGLE), and such a word
 * as it was before; 0 where it mangles addresses of code and stacks alone.
 * wr_cpu_secret: on a thread of libc's. */
static inline uint64_t
wr_cpu_secret(void)
{
#ifdef __x86_64__
    uint64_t secret;

    __asm__("mov %%fs:0x30, %0" : "=r"(secret));
    return secret;
#else
    return 0;
#endif
}

static inline uintptr_t
wr_cpu_unmangled(uintptr_t word, uint64_t secret)
{
#ifdef __x86_64__
    return wr_cpu_rotate(word, 17) ^ secret;
#else
    (void)word;
    (void)secret;
    return 0;
#endif
}

/* The number of the lowest set bit; x is not 0. On processors that know no
 * tzcnt the same bytes are a bsf. */
static inline uint64_t
wr_cpu_lowest_bit(uint64_t x)
{
#ifdef __x86_64__
    uint64_t n;

    __asm__("rep bsf %1, %0" : "=r"(n) : "r"(x) : "cc");
    return n;
#else
    return (uint64_t)__builtin_ctzll(x);
#endif
}

/* How many bits of x are set. */
static inline uint32_t
wr_cpu_count(uint64_t x)
{
    x -= (x >> 1) & UINT64_C(0x5555555555555555);
    x = (x & UINT64_C(0x3333333333333333)) +
        ((x >> 2) & UINT64_C(0x3333333333333333));
    x = (x + (x >> 4)) & UINT64_C(0x0f0f0f0f0f0f0f0f);
    return (uint32_t)(x * UINT64_C(0x0101010101010101) >> 56);
}

/* Add one to a byte that others read: did it become 0? */
static inline bool
wr_cpu_wraps(uint8_t *byte)
{
#if defined(__x86_64__) && !defined(WR_CPU_WATCHED)
    bool zero;

    __asm__("incb %1" : "=@ccz"(zero), "+m"(*byte));
    return zero;
#else
    uint8_t sum = (uint8_t)(__atomic_load_n(byte, __ATOMIC_RELAXED) + 1);

    __atomic_store_n(byte, sum, __ATOMIC_RELAXED);
    return sum == 0;
#endif
}

/* Take one from a number that others read: is nothing left? */
static inline bool
wr_cpu_runs_out(int32_t *number)
{
#if defined(__x86_64__) && !defined(WR_CPU_WATCHED)
    bool zero;

    __asm__("decl %1" : "=@ccz"(zero), "+m"(*number));
    return zero;
#else
    int32_t left = __atomic_load_n(number, __ATOMIC_RELAXED) - 1;

    __atomic_store_n(number, left, __ATOMIC_RELAXED);
    return left == 0;
#endif
}

/* Eight bytes; tools that watch threads see an atomic load. */
static inline uint64_t
wr_cpu_load(const uint8_t *p)
{
    return __atomic_load_n((const uint64_t *)(const void *)p, __ATOMIC_RELAXED);
}

/* The top bits of eight bytes, and nothing else, each moved to its byte's
 * lowest bit. */
static inline uint64_t
wr_cpu_tops(uint64_t x)
{
    return x >> 7 & UINT64_C(0x0101010101010101);
}

/* Those moved together: each lands at its place by the multiplication, and no
 * two sums meet. */
static inline uint32_t
wr_cpu_gather(uint64_t x)
{
    return (uint32_t)(wr_cpu_tops(x) * UINT64_C(0x0102040810204080) >> 56);
}

/* Of eight bytes, or of `many`, those whose top bit is clear, and their
 * number. The latter one by one: a wider load would wait for a byte that was
 * stored just now. */
static inline uint32_t
wr_cpu_top_clear_8(const uint8_t *p, uint32_t *n)
{
    uint64_t x = ~wr_cpu_load(p);

    *n = (uint32_t)(wr_cpu_tops(x) * UINT64_C(0x0101010101010101) >> 56);
    return wr_cpu_gather(x);
}

static inline __attribute__((always_inline)) uint32_t
wr_cpu_top_clear_few(const uint8_t *p, unsigned many, uint32_t *n)
{
    uint32_t bits = 0;

    *n = 0;
#pragma GCC unroll 4
    for (unsigned i = 0; i < many; i++) {
        uint32_t clear = (__atomic_load_n(p + i, __ATOMIC_RELAXED) >> 7) ^ 1;

        bits |= clear << i;
        *n += clear;
    }
    return bits;
}

#if defined(__SSE2__) && !defined(WR_CPU_WATCHED)

typedef char wr_cpu_16 __attribute__((vector_size(16), may_alias));

/* Of sixteen. */
static inline uint32_t
wr_cpu_top_clear(const uint8_t *p)
{
    const wr_cpu_16 *bytes = (const wr_cpu_16 *)(const void *)p;

    return ~(uint32_t)__builtin_ia32_pmovmskb128(*bytes) & 0xffff;
}

/* Bytes that are that value when those bits are set in them. */
static inline uint32_t
wr_cpu_equal(const uint8_t *p, uint8_t bits, uint8_t value)
{
    const wr_cpu_16 *bytes = (const wr_cpu_16 *)(const void *)p;
    wr_cpu_16 equal = (wr_cpu_16)((*bytes | (char)bits) == (char)value);

    return (uint32_t)__builtin_ia32_pmovmskb128(equal);
}

#else

static inline uint32_t
wr_cpu_top_clear(const uint8_t *p)
{
    return wr_cpu_gather(~wr_cpu_load(p)) | wr_cpu_gather(~wr_cpu_load(p + 8))
                                                << 8;
}

/* Zero bytes of x, as set top bits: exact, no carry leaves a byte. */
static inline uint64_t
wr_cpu_zero_tops(uint64_t x)
{
    const uint64_t low = UINT64_C(0x7f7f7f7f7f7f7f7f);

    return ~(((x & low) + low) | x | low);
}

static inline uint32_t
wr_cpu_equal(const uint8_t *p, uint8_t bits, uint8_t value)
{
    uint64_t all = UINT64_C(0x0101010101010101) * value;
    uint64_t set = UINT64_C(0x0101010101010101) * bits;
    uint64_t low = (wr_cpu_load(p) | set) ^ all;
    uint64_t high = (wr_cpu_load(p + 8) | set) ^ all;

    return wr_cpu_gather(wr_cpu_zero_tops(low)) |
           wr_cpu_gather(wr_cpu_zero_tops(high)) << 8;
}

#endif

#endif
