/* Blocks that libc allocates for the program, which the program frees, and
 * the other way round: both sides must mean the same heap. */
#define _GNU_SOURCE
#include "cases.h"
#include <dirent.h>
#include <fcntl.h>
#include <glob.h>
#include <locale.h>
#include <netdb.h>
#include <regex.h>
#include <search.h>
#include <unistd.h>
#include <wchar.h>

static void
strings_of_libc(void)
{
    for (size_t n = 0; n < 100000; n = n * 2 + 1) {
        char *long_one = malloc(n + 1);
        memset(long_one, 'x', n), long_one[n] = 0;
        char *copy = strdup(long_one), *part = strndup(long_one, n / 2);
        expect(strcmp(copy, long_one) == 0 && strlen(part) == n / 2);
        char *said = NULL;
        expect(asprintf(&said, "%s-%zu", copy, n) > 0);
        expect(strncmp(said, long_one, n) == 0);
        said = realloc(said, n + 4096);
        expect(said[n] == '-');
        free(said), free(part), free(copy), free(long_one);
    }
    wchar_t *wide = wcsdup(L"wide");
    expect(wcscmp(wide, L"wide") == 0);
    free(wide);
}

static void
lines_of_libc(void)
{
    FILE *f = tmpfile();
    for (int i = 0; i < 300; i++)
        fprintf(f, "%0*d\n", 1 + i * 7, i);
    rewind(f);
    char *line = malloc(1);
    size_t room = 1;
    int count = 0;
    while (getline(&line, &room, f) > 0)
        expect(atoi(line) == count), count++;
    expect(count == 300);
    rewind(f);
    expect(getdelim(&line, &room, '9', f) > 0);
    free(line);
    fclose(f);
}

static void
streams_into_memory(void)
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *f = open_memstream(&text, &bytes);
    for (int i = 0; i < 20000; i++)
        fprintf(f, "%08d", i);
    fclose(f);
    expect(bytes == 160000 && strncmp(text + 8 * 777, "00000777", 8) == 0);
    free(text);
    static char area[64];
    f = fmemopen(area, sizeof area, "w");
    fputs("in an area", f);
    fclose(f);
    expect(strcmp(area, "in an area") == 0);
}

static void
paths_of_libc(void)
{
    char *here = getcwd(NULL, 0), *real = realpath("/proc/self/../self", NULL);
    expect(here && here[0] == '/' && real);
    free(here), free(real);
    glob_t g;
    expect(glob("/etc/*", 0, NULL, &g) == 0 && g.gl_pathc > 0);
    globfree(&g);
    struct dirent **names;
    int n = scandir("/etc", &names, NULL, alphasort);
    expect(n > 2);
    for (int i = 0; i < n; i++)
        free(names[i]);
    free(names);
}

static void
scanned_strings(void)
{
    char *word = NULL, *rest = NULL;
    expect(sscanf("alpha beta", "%ms %m[a-z]", &word, &rest) == 2);
    expect(strcmp(word, "alpha") == 0 && strcmp(rest, "beta") == 0);
    free(word), free(rest);
}

static int
compare(const void *a, const void *b)
{
    return strcmp(a, b);
}

static void
trees_and_patterns(void)
{
    void *tree = NULL;
    char *key[200];
    for (int i = 0; i < 200; i++) {
        expect(asprintf(&key[i], "key %d", i * 7919 % 200) > 0);
        tsearch(key[i], &tree, compare);
    }
    for (int i = 0; i < 200; i++)
        expect(tfind(key[i], &tree, compare) != NULL);
    tdestroy(tree, free);
    regex_t re;
    expect(regcomp(&re, "^(a|b)*c{3,7}[[:alpha:]]+$", REG_EXTENDED) == 0);
    expect(regexec(&re, "ababcccz", 0, NULL, 0) == 0);
    regfree(&re);
}

static int
descending(const void *a, const void *b)
{
    return *(const int *)b - *(const int *)a;
}

static void
environment_and_sorting(void)
{
    for (int i = 0; i < 300; i++) {
        char name[32];
        snprintf(name, sizeof name, "NAME_%d", i);
        setenv(name, "first", 1);
        setenv(name, "second and longer", 1);
        expect(strcmp(getenv(name), "second and longer") == 0);
    }
    clearenv();
    static int number[50000];
    for (int i = 0; i < 50000; i++)
        number[i] = i * 31 % 50000;
    qsort(number, 50000, sizeof *number, descending); /* mallocs its copy */
    expect(number[0] == 49999 && number[49999] == 0);
}

static void
locales_and_names(void)
{
    expect(setlocale(LC_ALL, "C.UTF-8") != NULL);
    expect(setlocale(LC_ALL, "C") != NULL);
    struct addrinfo want = {.ai_flags = AI_NUMERICHOST}, *got = NULL;
    expect(getaddrinfo("127.0.0.1", "80", &want, &got) == 0);
    freeaddrinfo(got);
}

static void
standard_output_has_a_buffer(void)
{
    int kept = dup(1), null = open("/dev/null", O_WRONLY);
    fflush(stdout);
    dup2(null, 1);
    for (int i = 0; i < 5000; i++)
        printf("%d\n", i);
    fflush(stdout);
    dup2(kept, 1);
    close(kept), close(null);
}

static const struct test_case cases[] = {
    {"strdup, strndup, asprintf and wcsdup give blocks of the same heap",
     strings_of_libc},
    {"getline and getdelim resize the caller's block", lines_of_libc},
    {"memory streams hand over their block", streams_into_memory},
    {"getcwd, realpath, glob and scandir give blocks of the same heap",
     paths_of_libc},
    {"sscanf %m gives blocks of the same heap", scanned_strings},
    {"search trees and regular expressions work", trees_and_patterns},
    {"the environment and qsort work", environment_and_sorting},
    {"locales and address look-ups work", locales_and_names},
    {"stdio's buffers work", standard_output_has_a_buffer},
};

int
main(void)
{
    return RUN_CASES(cases);
}
