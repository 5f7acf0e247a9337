/* Of Boehm's interface what has no effect on Weir: weir/compat/gc.h includes
 * it, so that programs compile unchanged. What tunes libgc's own ways is
 * remembered and told again; what tells libgc of something that Weir sees by
 * itself does nothing.
 *
 *     GC_set_full_freq(20);
 *     GC_get_full_freq();          20, and cycles are as ever
 *
 * Threads: any.
 */
#ifndef WEIR_COMPAT_GC_TUNED_H
#define WEIR_COMPAT_GC_TUNED_H

#include "gc.h"

#ifdef __cplusplus
extern "C" {
#endif

#define GC_TUNED(type, name)                                                   \
    extern type GC_##name;                                                     \
    void GC_set_##name(type value);                                            \
    type GC_get_##name(void)
GC_TUNED(int, all_interior_pointers);
GC_TUNED(int, no_dls);
GC_TUNED(unsigned long, time_limit);
GC_TUNED(int, dont_expand);
GC_TUNED(int, dont_precollect);
GC_TUNED(int, full_freq);
GC_TUNED(int, force_unmap_on_gcollect);
GC_TUNED(int, pages_executable);
GC_TUNED(int, rate);
GC_TUNED(int, max_prior_attempts);
GC_TUNED(GC_word, max_retries);
GC_TUNED(size_t, min_bytes_allocd);
GC_TUNED(GC_word, non_gc_bytes);
GC_TUNED(int, java_finalization);
GC_TUNED(int, find_leak); /* weir/leak.h, and `weir leaks` */
#undef GC_TUNED
void GC_set_handle_fork(int on);
void GC_atfork_prepare(void);
void GC_atfork_parent(void);
void GC_atfork_child(void);
void GC_start_performance_measurement(void);
int GC_get_parallel(void);
void GC_register_displacement(size_t bytes);
void *GC_is_visible(void *p);
void GC_dump(void);

#ifdef __cplusplus
}
#endif
#endif
