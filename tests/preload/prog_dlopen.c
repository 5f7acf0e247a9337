/* Loading and unloading libraries whose code allocates while the loader
 * holds its lock. argv[1] is the library plugin.c was made into. */
#define _GNU_SOURCE
#include "cases.h"
#include <dlfcn.h>
#include <pthread.h>
#include <unistd.h>

static const char *path;
typedef char *make_function(int);

static void
load_use_unload(int n)
{
    void *library = dlopen(path, RTLD_NOW);
    expect(library != NULL);
    make_function *make = (make_function *)dlsym(library, "plugin_make");
    char *block = make(n);
    expect(strlen(block) == (size_t)n);
    expect(dlclose(library) == 0);
    free(block); /* outlives the code that made it */
}

static void
over_and_over(void)
{
    for (int i = 0; i < 300; i++)
        load_use_unload(1 + i % 100);
}

static void *
thread_loads(void *unused)
{
    for (int i = 0; i < 100; i++)
        load_use_unload(1 + i % 100);
    return NULL;
}

static void
by_many_threads(void)
{
    pthread_t t[6];
    for (int i = 0; i < 6; i++)
        pthread_create(&t[i], NULL, thread_loads, NULL);
    for (int i = 0; i < 6; i++)
        pthread_join(t[i], NULL);
}

static make_function *shared_make;

static void *
thread_uses(void *unused)
{
    for (int i = 1; i < 100; i++)
        free(shared_make(i));
    return NULL;
}

/* The storage of the library's thread variables comes from malloc, made at
 * the first use in each thread and freed at its end or the unloading. */
static void
thread_storage(void)
{
    for (int turn = 0; turn < 40; turn++) {
        pthread_t t[8];
        void *library = dlopen(path, RTLD_NOW);
        shared_make = (make_function *)dlsym(library, "plugin_make");
        for (int i = 0; i < 8; i++)
            pthread_create(&t[i], NULL, thread_uses, NULL);
        free(shared_make(3));
        for (int i = 0; i < 8; i++)
            pthread_join(t[i], NULL);
        dlclose(library);
    }
}

static void
other_namespace(void)
{
    void *library = dlmopen(LM_ID_NEWLM, path, RTLD_NOW);
    if (library) { /* has a libc of its own: its blocks are its own */
        expect(dlsym(library, "plugin_make") != NULL);
        dlclose(library);
    }
}

static void
errors_of_the_loader(void)
{
    for (int i = 0; i < 200; i++) {
        expect(dlopen("/nonexistent/lib.so", RTLD_NOW) == NULL);
        const char *why = dlerror(); /* its text is allocated */
        expect(why && strstr(why, "nonexistent"));
        expect(dlsym(RTLD_DEFAULT, "no_such_symbol_anywhere") == NULL);
        expect(dlerror() != NULL && dlerror() == NULL);
    }
}

static const struct test_case cases[] = {
    {"a library may allocate while it is loaded and unloaded", over_and_over},
    {"many threads load at once", by_many_threads},
    {"thread-local storage of a loaded library", thread_storage},
    {"a library in a namespace of its own", other_namespace},
    {"the loader's error texts", errors_of_the_loader},
};

int
main(int argc, char **argv)
{
    path = argv[1];
    return RUN_CASES(cases);
}
