/* The definition that a watched call is passed on to. */
#ifndef WR_PRELOAD_NEXT_H
#define WR_PRELOAD_NEXT_H

#include <dlfcn.h>
#include <stdatomic.h>

#include "base/base.h"

/* The next definition of that name after ours; looked up once, by the first
 * who needs it. */
#define NEXT(name)                                                             \
    __extension__({                                                            \
        static _Atomic(void *) real_##name;                                    \
        void *p = atomic_load_explicit(&real_##name, memory_order_acquire);    \
        if (wr_unlikely(p == NULL)) {                                          \
            p = dlsym(RTLD_NEXT, #name);                                       \
            atomic_store_explicit(&real_##name, p, memory_order_release);      \
        }                                                                      \
        (__typeof__(&name))p;                                                  \
    })

#endif
