/* The calls that tell about the heap or tune it, and the sized frees. They
 * are loosely documented: what is checked is what a caller can rely on. */
#define _GNU_SOURCE
#include "cases.h"
#include <dlfcn.h>
#include <malloc.h>
#include <unistd.h>

static void
mallinfo2_follows_a_block(void)
{
    size_t bytes = 64u << 20;
    struct mallinfo2 before = mallinfo2();
    char *p = malloc(bytes);
    memset(p, 1, bytes);
    struct mallinfo2 with = mallinfo2();
    free(p);
    struct mallinfo2 after = mallinfo2();
    size_t b = before.uordblks + before.hblkhd;
    size_t w = with.uordblks + with.hblkhd;
    size_t a = after.uordblks + after.hblkhd;
    expect(w >= b + bytes && w < b + bytes + (4u << 20));
    expect(a + bytes <= w);
}

static void
mallinfo_answers(void)
{
    struct mallinfo m = mallinfo();
    expect(m.uordblks >= 0 && m.arena >= 0);
}

static void
trim_answers_yes_or_no(void)
{
    void *p[200];
    for (int i = 0; i < 200; i++)
        p[i] = memset(malloc(50000), 1, 50000);
    for (int i = 0; i < 200; i++)
        free(p[i]);
    int gave = malloc_trim(0);
    expect(gave == 0 || gave == 1);
    char *q = malloc(50000);
    paint(q, 50000, 1);
    expect(painted(q, 50000, 1));
    free(q);
}

static void
info_is_xml(void)
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *f = open_memstream(&text, &bytes);
    expect(malloc_info(0, f) == 0);
    fclose(f);
    expect(strncmp(text, "<malloc version", 15) == 0);
    expect(strstr(text, "</malloc>") != NULL);
    free(text);
    expect(malloc_info(1, stdout) != 0);
}

static void
stats_go_to_stderr(void)
{
    FILE *f = tmpfile();
    int kept = dup(2);
    dup2(fileno(f), 2);
    malloc_stats();
    dup2(kept, 2);
    close(kept);
    expect(lseek(fileno(f), 0, SEEK_END) > 0);
    fclose(f);
}

static void
mallopt_is_accepted(void)
{
    expect(mallopt(M_MMAP_THRESHOLD, 1 << 20) == 1);
    expect(mallopt(M_TRIM_THRESHOLD, 1 << 20) == 1);
    expect(mallopt(M_ARENA_MAX, 2) == 1);
    expect(mallopt(M_TOP_PAD, 4096) == 1);
}

/* glibc 2.36 has none; what offers them must free what it is given. */
static void
sized_frees(void)
{
    void (*sized)(void *, size_t) =
        (void (*)(void *, size_t))dlsym(RTLD_DEFAULT, "free_sized");
    void (*aligned_sized)(void *, size_t, size_t) =
        (void (*)(void *, size_t, size_t))dlsym(RTLD_DEFAULT,
                                                "free_aligned_sized");
    expect(!getenv("WEIR") || (sized && aligned_sized));
    if (!sized || !aligned_sized)
        return;
    sized(NULL, 0);
    aligned_sized(NULL, 64, 0);
    for (int turn = 0; turn < 20000; turn++) {
        size_t n = (size_t)turn % 300 == 0 ? 1u << 20 : (size_t)turn % 5000;
        errno = ENOTTY;
        sized(memset(malloc(n), 1, n), n);
        sized(calloc(3, n), 3 * n);
        sized(realloc(malloc(5), n + 1), n + 1);
        aligned_sized(aligned_alloc(64, n / 64 * 64), 64, n / 64 * 64);
        expect(errno == ENOTTY);
    }
}

/* glibc dropped it from its headers and defaults in 2.26. */
static void
no_cfree(void)
{
    Dl_info at;
    void *cfree = dlsym(RTLD_DEFAULT, "cfree");
    expect(!cfree || !dladdr(cfree, &at) || !strstr(at.dli_fname, "libweir"));
}

static const struct test_case cases[] = {
    {"mallinfo2 shows a block while it lives", mallinfo2_follows_a_block},
    {"mallinfo answers", mallinfo_answers},
    {"malloc_trim answers 0 or 1 and harms nothing", trim_answers_yes_or_no},
    {"malloc_info writes XML and refuses options", info_is_xml},
    {"malloc_stats writes to stderr", stats_go_to_stderr},
    {"mallopt accepts what programs set", mallopt_is_accepted},
    {"the sized frees free", sized_frees},
    {"cfree is not there", no_cfree},
};

int
main(void)
{
    return RUN_CASES(cases);
}
