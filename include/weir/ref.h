/* Reference counts, with weak references.
 *
 *     struct node {
 *         weir_weak *parent;                  weak: see below
 *         struct node *child[2];
 *     };
 *
 *     static void
 *     node_gone(void *p)
 *     {
 *         struct node *n = p;
 *
 *         weir_weak_put(n->parent);
 *         weir_ref_put(n->child[0]);
 *         weir_ref_put(n->child[1]);
 *     }
 *
 *     struct node *n = weir_ref_new(sizeof *n, node_gone, NULL);
 *     weir_ref_get(n);                        a second holder
 *     weir_ref_put(n);
 *     weir_ref_put(n);                        the last one: node_gone(n)
 *
 * An object is cleared memory with a count in front of it: weir_ref_new gives
 * it one holder, each weir_ref_get one more, each weir_ref_put one less. When
 * there is none the destructor is called, once, by the thread that was last.
 *
 * A weak reference does not keep the object: weir_weak_get gives it, with one
 * holder more, as long as it has others, and then NULL for ever. The memory is
 * given back when the weak references are gone too.
 *
 * Objects that hold each other in a ring are never released: that is the price
 * of counting. Break the ring where a child points back at its parent, by a
 * weak reference there, as above. What was forgotten is in weir leaks.
 *
 * Threads: any number may get and put; an object's contents are theirs to
 * guard. What one thread wrote before its put, the destructor sees. Errors:
 * weir_ref_new and weir_ref_weak: NULL, no memory. Misuse: putting what has no
 * holder stops the program with a sentence, as long as its memory is not used
 * anew. Cost: an atomic addition; 32 bytes an object.
 */
#ifndef WEIR_REF_H
#define WEIR_REF_H

#include <stddef.h>
#include <stdint.h>
#include <weir/alloc.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct weir_weak weir_weak;

/* bytes of zero, aligned to 16; gone (or NULL) is called at the end. */
void *weir_ref_new(size_t bytes, void (*gone)(void *object),
                   const weir_alloc *alloc);
/* One holder more; object. NULL is fine here and below. */
void *weir_ref_get(void *object);
void weir_ref_put(void *object);
/* How many hold it now: of use where no other thread does. */
uint32_t weir_ref_count(const void *object);

/* A weak reference to an object that the caller holds. */
weir_weak *weir_ref_weak(void *object);
/* The object with one holder more, or NULL when it is gone. */
void *weir_weak_get(weir_weak *w);
void weir_weak_put(weir_weak *w);

#ifdef __cplusplus
}
#endif
#endif
