/* What a program of Boehm's collector is told of on threads of its own, when
 * they allocate: libgc calls its hooks and finalizers there, and they rely on
 * it.
 */
#ifndef WR_COMPAT_NOTICE_H
#define WR_COMPAT_NOTICE_H

/* Call what waits to be called. */
void wr_compat_tell(void);

/* How often there is something is looked at by each thread. */
enum { WR_COMPAT_OFTEN = 16 };

extern _Thread_local unsigned wr_compat_blocks;

/* One more block was asked for. */
static inline void
wr_compat_look(void)
{
    if (__builtin_expect(++wr_compat_blocks % WR_COMPAT_OFTEN == 0, 0))
        wr_compat_tell();
}

#endif
