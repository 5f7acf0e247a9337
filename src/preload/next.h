/* The definition that a watched call is passed on to: the next after ours.
 * Where a program got this library by way of another one libc comes before it,
 * and nothing after: ours are not called then, and libc's are the first. */
#ifndef WR_PRELOAD_NEXT_H
#define WR_PRELOAD_NEXT_H

#include <dlfcn.h>
#include <stdatomic.h>

#include "base/base.h"

static inline void *
next_of(const char *name)
{
    void *p = dlsym(RTLD_NEXT, name);

    return p != NULL
               ? p
               : dlsym(dlopen("libc.so.6", RTLD_LAZY | RTLD_NOLOAD), name);
}

/* Looked up once, by the first who needs it. */
#define NEXT(name)                                                             \
    __extension__({                                                            \
        static _Atomic(void *) real_##name;                                    \
        void *p = atomic_load_explicit(&real_##name, memory_order_acquire);    \
        if (wr_unlikely(p == NULL)) {                                          \
            p = next_of(#name);                                                \
            atomic_store_explicit(&real_##name, p, memory_order_release);      \
        }                                                                      \
        (__typeof__(&name))p;                                                  \
    })

#endif
