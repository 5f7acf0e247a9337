/* Release at the end of a scope, however it is left.
 *
 *     weir_err
 *     copy_lines(const char *path)
 *     {
 *         weir_cleanup(weir_buffer_free) struct weir_buffer line = {0};
 *         FILE *f = fopen(path, "r");
 *
 *         if (f == NULL)
 *             return WEIR_EIO;
 *         weir_defer(close_file, f);
 *         ...
 *         return WEIR_OK;               close_file(f), then the buffer's free
 *     }
 *
 * weir_defer(fn, arg), a declaration, has fn(arg), a void (*)(void *) such as
 * free, called when the scope around it ends: by its closing brace, return,
 * break, continue or goto out of it. Last in, first out; arg is taken when
 * weir_defer is reached, as in Go. Unlike in Go it is the scope that counts,
 * not the function: in a loop it runs every time around.
 *
 * weir_cleanup(fn) before a declaration has fn(&variable) called, with the
 * value that it has then. weir_cleanup_free is that for pointers of malloc.
 * Who gives the thing away sets the variable to what is nothing to release:
 *
 *     weir_cleanup_free char *copy = strdup(text);
 *     ...
 *     return weir_take(char *, copy);         copy is NULL then
 *
 * What is not run: at exit(), longjmp over the scope, a signal that ends the
 * program; by pthread_exit and cancellation only in files compiled with
 * -fexceptions. Declared, never jumped over: goto or switch past a weir_defer
 * into its scope runs it with rubbish.
 *
 * Threads: any. Errors: none. Cost: that of the call. gcc and clang, C99 on and
 * C++ (cleanup is an attribute of theirs).
 */
#ifndef WEIR_DEFER_H
#define WEIR_DEFER_H

#include <stdlib.h>

#ifdef __cplusplus
extern "C" {
#endif

struct weir_deferred {
    void (*fn)(void *);
    void *arg;
};

/* What the macros below have called. */
static inline void
weir_deferred_run(struct weir_deferred *d)
{
    d->fn(d->arg);
}

static inline void
weir_cleanup_free_run(void *variable)
{
    free(*(void **)variable);
}

#ifdef __cplusplus
}
#endif

#define weir_cleanup(fn)  __attribute__((cleanup(fn)))
#define weir_cleanup_free weir_cleanup(weir_cleanup_free_run)

#define weir_defer(fn, arg)          WEIR_DEFER_AT(__LINE__, fn, arg)
#define WEIR_DEFER_AT(line, fn, arg) WEIR_DEFER_AS(line, fn, arg)
#define WEIR_DEFER_AS(line, fn, arg)                                           \
    __attribute__((cleanup(weir_deferred_run),                                 \
                   unused)) struct weir_deferred weir_deferred_##line = {fn,   \
                                                                         arg}

/* The pointer, and NULL in its place. */
#define weir_take(T, pointer) ((T)weir_take_from(&(pointer)))
static inline void *
weir_take_from(void *variable)
{
    void **p = (void **)variable;
    void *was = *p;

    *p = NULL;
    return was;
}

#endif
