/* Feed a fuzz target the files of its corpus: fuzz_X DIRECTORY... Ends with
 * 0 when all went well, 1 when there was nothing to feed. With any compiler,
 * so the corpus is part of the ordinary tests. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

#define INPUT_MAX (1 << 20)

/* The buffer is as long as the file, so that a sanitizer sees one byte too
 * many being read. */
static int
feed(const char *path)
{
    FILE *f = fopen(path, "rb");
    static uint8_t file[INPUT_MAX];
    uint8_t *input;
    size_t n;

    if (f == NULL)
        return 0;
    n = fread(file, 1, sizeof file, f);
    fclose(f);
    input = malloc(n + (n == 0));
    if (input == NULL)
        return 0;
    memcpy(input, file, n);
    LLVMFuzzerTestOneInput(input, n);
    free(input);
    return 1;
}

static int
feed_directory(const char *name)
{
    DIR *d = opendir(name);
    struct dirent *e;
    char path[4096];
    int fed = 0;

    if (d == NULL)
        return 0;
    while ((e = readdir(d)) != NULL) {
        if (e->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "%s/%s", name, e->d_name);
        fed += feed(path);
    }
    closedir(d);
    return fed;
}

int
main(int argc, char **argv)
{
    int fed = 0;

    for (int i = 1; i < argc; i++)
        fed += feed_directory(argv[i]);
    printf("%d inputs\n", fed);
    return fed > 0 ? 0 : 1;
}
