/* Adapters: other libraries' memory under a name, and within a budget.
 *
 *     #include <sqlite3.h>
 *     #include <weir/adapt.h>
 *
 *     WEIR_ADAPT(database);             functions database_malloc and so on
 *     WEIR_ADAPT_SQLITE(database);      int database_sqlite(void)
 *
 *     weir_budget_new(&database_budget, "database", NULL, 64 << 20, 0);
 *     if (database_sqlite() != SQLITE_OK)     before sqlite3_initialize
 *         ...
 *
 * WEIR_ADAPT(name) makes, in this source file, static functions name_malloc,
 * name_calloc, name_realloc, name_free and name_strdup on the program's malloc,
 * and a variable name_budget. They are frames of their own in every stack, so
 * what is allocated through them is found in profiles by that name:
 *
 *     weir top -focus '^database_' PID
 *
 * With a budget each block is reserved in it, whole, from its allocation to its
 * free, by whichever thread; beyond the limit they give NULL, as if there were
 * no memory. The other macros plug them into a library, each where that offers
 * it, before the library allocates:
 *
 *     WEIR_ADAPT_SQLITE(name)    int name_sqlite(void): sqlite3_config
 *     WEIR_ADAPT_JANSSON(name)   void name_jansson(void)
 *     WEIR_ADAPT_LIBXML2(name)   int name_libxml2(void): 0 if it worked
 *     WEIR_ADAPT_ZLIB(name)      void name_zlib(z_stream *): for one stream
 *     WEIR_ADAPT_LUA(name)       a lua_Alloc: lua_newstate(name_lua, NULL)
 *     WEIR_ADAPT_OPENSSL(name)   int name_openssl(void): 1 if it worked
 *     WEIR_ADAPT_CURL(name)      CURLcode name_curl(long flags), instead of
 *                                curl_global_init
 *
 * Libraries that ask by macro get them before they are included:
 *
 *     #define uthash_malloc(n)         index_malloc(n)
 *     #define uthash_free(p, n)        index_free(p)
 *     #define STBDS_REALLOC(c, p, n)   array_realloc(p, n)
 *     #define STBDS_FREE(c, p)         array_free(p)
 *
 * Units: bytes. Threads: any. Ownership: the budget is the program's, and is
 * set before the first block and freed after the last. Misuse: a budget that
 * comes or goes between a block and its free stops the program with a sentence;
 * a macro whose library's header is not included does not compile.
 */
#ifndef WEIR_ADAPT_H
#define WEIR_ADAPT_H

#include <stddef.h>
#include <string.h>
#include <weir/alloc.h>
#include <weir/budget.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What the functions do: malloc and its kin, reserved in b if it is not NULL.
 * free gives back what the block took. */
void *weir_adapt_malloc(weir_budget *b, size_t bytes);
void *weir_adapt_calloc(weir_budget *b, size_t n, size_t bytes);
void *weir_adapt_realloc(weir_budget *b, void *p, size_t bytes);
void weir_adapt_free(weir_budget *b, void *p);
size_t weir_adapt_size(void *p);

#ifdef __cplusplus
}
#endif

/* A function of its own in stacks: neither inlined nor left by a jump. */
#define WEIR_ADAPT_FUNCTION __attribute__((noinline, unused)) static
#define WEIR_ADAPT_STAYS(p) __asm__ volatile("" : "+r"(p))

#define WEIR_ADAPT(name)                                                       \
    static weir_budget *name##_budget;                                         \
    WEIR_ADAPT_FUNCTION void *name##_malloc(size_t bytes)                      \
    {                                                                          \
        void *p = weir_adapt_malloc(name##_budget, bytes);                     \
        WEIR_ADAPT_STAYS(p);                                                   \
        return p;                                                              \
    }                                                                          \
    WEIR_ADAPT_FUNCTION void *name##_calloc(size_t n, size_t bytes)            \
    {                                                                          \
        void *p = weir_adapt_calloc(name##_budget, n, bytes);                  \
        WEIR_ADAPT_STAYS(p);                                                   \
        return p;                                                              \
    }                                                                          \
    WEIR_ADAPT_FUNCTION void *name##_realloc(void *old, size_t bytes)          \
    {                                                                          \
        void *p = weir_adapt_realloc(name##_budget, old, bytes);               \
        WEIR_ADAPT_STAYS(p);                                                   \
        return p;                                                              \
    }                                                                          \
    WEIR_INLINE void name##_free(void *p)                                      \
    {                                                                          \
        weir_adapt_free(name##_budget, p);                                     \
    }                                                                          \
    WEIR_INLINE char *name##_strdup(const char *text)                          \
    {                                                                          \
        size_t bytes = strlen(text) + 1;                                       \
        char *copy = (char *)name##_malloc(bytes);                             \
        return copy != NULL ? (char *)memcpy(copy, text, bytes) : NULL;        \
    }                                                                          \
    struct name##_adapted /* for the semicolon */

#define WEIR_ADAPT_SQLITE(name)                                                \
    static void *name##_sqlite_malloc(int n)                                   \
    {                                                                          \
        return n > 0 ? name##_malloc((size_t)n) : NULL;                        \
    }                                                                          \
    static void *name##_sqlite_realloc(void *p, int n)                         \
    {                                                                          \
        return name##_realloc(p, (size_t)n);                                   \
    }                                                                          \
    static int name##_sqlite_size(void *p)                                     \
    {                                                                          \
        return (int)weir_adapt_size(p);                                        \
    }                                                                          \
    static int name##_sqlite_round(int n)                                      \
    {                                                                          \
        return (n + 7) & ~7;                                                   \
    }                                                                          \
    static int name##_sqlite_begin(void *unused)                               \
    {                                                                          \
        (void)unused;                                                          \
        return SQLITE_OK;                                                      \
    }                                                                          \
    static void name##_sqlite_end(void *unused)                                \
    {                                                                          \
        (void)unused;                                                          \
    }                                                                          \
    WEIR_INLINE int name##_sqlite(void)                                        \
    {                                                                          \
        sqlite3_mem_methods m = {name##_sqlite_malloc,  name##_free,           \
                                 name##_sqlite_realloc, name##_sqlite_size,    \
                                 name##_sqlite_round,   name##_sqlite_begin,   \
                                 name##_sqlite_end,     NULL};                 \
        return sqlite3_config(SQLITE_CONFIG_MALLOC, &m);                       \
    }                                                                          \
    struct name##_sqlite_adapted

#define WEIR_ADAPT_JANSSON(name)                                               \
    WEIR_INLINE void name##_jansson(void)                                      \
    {                                                                          \
        json_set_alloc_funcs(name##_malloc, name##_free);                      \
    }                                                                          \
    struct name##_jansson_adapted

#define WEIR_ADAPT_LIBXML2(name)                                               \
    WEIR_INLINE int name##_libxml2(void)                                       \
    {                                                                          \
        return xmlMemSetup(name##_free, name##_malloc, name##_realloc,         \
                           name##_strdup);                                     \
    }                                                                          \
    struct name##_libxml2_adapted

#define WEIR_ADAPT_ZLIB(name)                                                  \
    static void *name##_zlib_malloc(void *unused, unsigned n, unsigned bytes)  \
    {                                                                          \
        (void)unused;                                                          \
        return name##_calloc(n, bytes);                                        \
    }                                                                          \
    static void name##_zlib_free(void *unused, void *p)                        \
    {                                                                          \
        (void)unused;                                                          \
        name##_free(p);                                                        \
    }                                                                          \
    WEIR_INLINE void name##_zlib(z_stream *s)                                  \
    {                                                                          \
        s->zalloc = name##_zlib_malloc;                                        \
        s->zfree = name##_zlib_free;                                           \
        s->opaque = NULL;                                                      \
    }                                                                          \
    struct name##_zlib_adapted

#define WEIR_ADAPT_LUA(name)                                                   \
    WEIR_INLINE void *name##_lua(void *unused, void *p, size_t old, size_t n)  \
    {                                                                          \
        (void)unused;                                                          \
        (void)old;                                                             \
        if (n > 0)                                                             \
            return name##_realloc(p, n);                                       \
        name##_free(p);                                                        \
        return NULL;                                                           \
    }                                                                          \
    struct name##_lua_adapted

#define WEIR_ADAPT_OPENSSL(name)                                               \
    static void *name##_ssl_malloc(size_t n, const char *file, int line)       \
    {                                                                          \
        (void)file;                                                            \
        (void)line;                                                            \
        return name##_malloc(n);                                               \
    }                                                                          \
    static void *name##_ssl_realloc(void *p, size_t n, const char *file,       \
                                    int line)                                  \
    {                                                                          \
        (void)file;                                                            \
        (void)line;                                                            \
        return name##_realloc(p, n);                                           \
    }                                                                          \
    static void name##_ssl_free(void *p, const char *file, int line)           \
    {                                                                          \
        (void)file;                                                            \
        (void)line;                                                            \
        name##_free(p);                                                        \
    }                                                                          \
    WEIR_INLINE int name##_openssl(void)                                       \
    {                                                                          \
        return CRYPTO_set_mem_functions(name##_ssl_malloc, name##_ssl_realloc, \
                                        name##_ssl_free);                      \
    }                                                                          \
    struct name##_openssl_adapted

#define WEIR_ADAPT_CURL(name)                                                  \
    WEIR_INLINE CURLcode name##_curl(long flags)                               \
    {                                                                          \
        return curl_global_init_mem(flags, name##_malloc, name##_free,         \
                                    name##_realloc, name##_strdup,             \
                                    name##_calloc);                            \
    }                                                                          \
    struct name##_curl_adapted

#endif
