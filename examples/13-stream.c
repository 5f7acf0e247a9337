/* 13: a file, whole and as a stream.
 *
 *     $ cc 13-stream.c $(pkg-config --cflags --libs weir weir-bench)
 *
 * Read whole, a file needs as much memory as it is long, however little of it
 * is looked at; the next one may be ten times as long. A stream needs its
 * buffer. A budget counts what each half takes at most.
 */
#include <string.h>
#include <unistd.h>
#include "compare.h"

enum { LINES = 200000 };

static char path[] = "/tmp/weir-example-XXXXXX";
static unsigned long long sum;

static void
make_file(void)
{
    int fd = mkstemp(path);
    FILE *f = fd >= 0 ? fdopen(fd, "w") : NULL;

    if (f == NULL)
        exit(1);
    for (int i = 0; i < LINES; i++)
        fprintf(f, "%d,\"Smith, J.\",%d,some more text\n", i, i % 100);
    if (fclose(f) != 0)
        exit(1);
}

static void
wrong(void)
{
    FILE *f = fopen(path, "r");
    char *text, *line;
    long bytes;

    if (f == NULL || fseek(f, 0, SEEK_END) != 0)
        exit(1);
    bytes = ftell(f);
    rewind(f);
    text = malloc((size_t)bytes + 1);
    if (text == NULL || fread(text, 1, (size_t)bytes, f) != (size_t)bytes)
        exit(1);
    text[bytes] = '\0';
    for (line = text; *line; line = strchr(line, '\n') + 1)
        sum += strtoull(strstr(line, "\",") + 2, NULL, 10);
    free(text);
    fclose(f);
}

static void
right(void)
{
    weir_stream *s;
    const weir_field *field;
    size_t n;

    if (weir_stream_open(&s, path, NULL) != WEIR_OK)
        exit(1);
    while (weir_stream_record(s, ',', &field, &n) == WEIR_OK && n > 0)
        sum -= strtoull(field[2].text, NULL, 10);
    weir_stream_free(s);
}

static unsigned long long
peak_of(const char *name, void (*work)(void))
{
    struct weir_budget_use use;
    weir_budget *b, *before;

    if (weir_budget_new(&b, name, NULL, WEIR_BUDGET_ANY, 0) != WEIR_OK)
        exit(1);
    before = weir_budget_enter(b);
    work();
    weir_budget_leave(before);
    weir_budget_read(b, &use);
    weir_budget_free(b);
    printf("%-28s %12llu B at most\n", name, (unsigned long long)use.peak);
    return use.peak;
}

int
main(void)
{
    unsigned long long w, r;

    make_file();
    w = peak_of("wrong: all of it", wrong);
    r = peak_of("right: a stream", right);
    unlink(path);
    /* Both have read the same: what one added the other took away. */
    return lesson(sum == 0 && w > 4 << 20 && r < 512 << 10);
}
