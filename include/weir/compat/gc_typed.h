/* Boehm's gc_typed.h on Weir: see weir/compat/gc.h, and weir/type.h, which says
 * the same in terms of a structure's members.
 *
 *     GC_word bits[GC_BITMAP_SIZE(struct node)] = {0};
 *     GC_set_bit(bits, GC_WORD_OFFSET(struct node, next));
 *     GC_descr d = GC_make_descriptor(bits, GC_WORD_LEN(struct node));
 *     struct node *n = GC_MALLOC_EXPLICITLY_TYPED(sizeof *n, d);
 *
 * Threads: any. Units: bytes, but for bitmaps, which are of words.
 */
#ifndef WEIR_COMPAT_GC_TYPED_H
#define WEIR_COMPAT_GC_TYPED_H

#include "gc.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef GC_word *GC_bitmap;
typedef GC_word GC_descr;

#define GC_WORDSZ         (8 * sizeof(GC_word))
#define GC_get_bit(bm, i) (((bm)[(i) / GC_WORDSZ] >> ((i) % GC_WORDSZ)) & 1)
#define GC_set_bit(bm, i)                                                      \
    ((bm)[(i) / GC_WORDSZ] |= (GC_word)1 << ((i) % GC_WORDSZ))
#define GC_WORD_OFFSET(T, f) (offsetof(T, f) / sizeof(GC_word))
#define GC_WORD_LEN(T)       (sizeof(T) / sizeof(GC_word))
#define GC_BITMAP_SIZE(T)    ((GC_WORD_LEN(T) + GC_WORDSZ - 1) / GC_WORDSZ)

/* What lies behind the described words holds no pointers. */
GC_descr GC_make_descriptor(const GC_word *bitmap, size_t words);
void *GC_malloc_explicitly_typed(size_t bytes, GC_descr descr);
void *GC_malloc_explicitly_typed_ignore_off_page(size_t bytes, GC_descr descr);
void *GC_calloc_explicitly_typed(size_t count, size_t bytes, GC_descr descr);

#define GC_MALLOC_EXPLICITLY_TYPED(bytes, d)                                   \
    GC_malloc_explicitly_typed((bytes), (d))
#define GC_CALLOC_EXPLICITLY_TYPED(n, bytes, d)                                \
    GC_calloc_explicitly_typed((n), (bytes), (d))

#ifdef __cplusplus
}
#endif
#endif
