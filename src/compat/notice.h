/* What a program of Boehm's collector is told of on threads of its own, when
 * they allocate: libgc calls its hooks there, and they rely on it.
 */
#ifndef WR_COMPAT_NOTICE_H
#define WR_COMPAT_NOTICE_H

#include <stdatomic.h>

enum {
    WR_COMPAT_CYCLE = 1, /* one has ended */
    WR_COMPAT_ENDS = 2   /* finalizers wait to be invoked */
};

extern _Atomic unsigned wr_compat_notices;

/* Call what waits to be told. */
void wr_compat_tell(void);

static inline void
wr_compat_look(void)
{
    if (__builtin_expect(
            atomic_load_explicit(&wr_compat_notices, memory_order_relaxed) != 0,
            0))
        wr_compat_tell();
}

#endif
