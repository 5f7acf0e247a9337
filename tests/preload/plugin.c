/* A library that prog_dlopen loads and unloads: it allocates in its
 * constructor, its destructor and its thread-local storage. */
#include <stdlib.h>
#include <string.h>

#ifndef OWN_BYTES
#define OWN_BYTES 3000
#endif

static char *kept;
static __thread char own[OWN_BYTES];
static __thread void *own_block;

__attribute__((constructor)) static void
begin(void)
{
    kept = strdup("made by the constructor");
    free(malloc(70000));
}

__attribute__((destructor)) static void
end(void)
{
    free(kept);
    free(calloc(7, 1111));
}

/* A block for the caller, who frees it; the thread's own area is used. */
char *
plugin_make(int n)
{
    if (!own_block)
        own_block = malloc(500);
    memset(own, n, sizeof own);
    free(own_block);
    own_block = 0;
    char *block = malloc((size_t)n + 1);
    memset(block, own[0], (size_t)n);
    block[n] = 0;
    return block;
}
