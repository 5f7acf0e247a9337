/* Sum a column of a large CSV file in one of several ways; stream.sh measures.
 *
 *     bench_csv WAY FILE
 *
 * Ways: stream (weir_stream_record), lines (weir_stream_line alone), whole
 * (read it all into memory, then the same records), read (read it all, look
 * at nothing), libcsv. Prints the records, the fields, the sum, and the most
 * memory that was resident.
 */
#include <csv.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <weir/stream.h>

static unsigned long long records, fields, sum;
static size_t column;

static unsigned long long
number(const char *text, size_t n)
{
    unsigned long long x = 0;

    while (n-- > 0 && *text >= '0' && *text <= '9')
        x = x * 10 + (unsigned long long)(*text++ - '0');
    return x;
}

static void
add_records(weir_stream *s)
{
    const weir_field *field;
    size_t n;

    while (weir_stream_record(s, ',', &field, &n) == WEIR_OK && n > 0) {
        records++;
        fields += n;
        if (n > 3)
            sum += number(field[3].text, field[3].bytes);
    }
}

static void
stream(const char *path)
{
    weir_stream *s;

    if (weir_stream_open(&s, path, NULL) != WEIR_OK)
        exit(1);
    add_records(s);
    weir_stream_free(s);
}

static void
lines(const char *path)
{
    weir_stream *s;
    const char *text;
    size_t n;

    if (weir_stream_open(&s, path, NULL) != WEIR_OK)
        exit(1);
    while (weir_stream_line(s, &text, &n) == WEIR_OK && text != NULL) {
        records++;
        sum += n;
    }
    weir_stream_free(s);
}

struct memory {
    char *text;
    size_t bytes, at;
};

static ssize_t
from_memory(void *arg, void *to, size_t bytes)
{
    struct memory *m = arg;
    size_t n = m->bytes - m->at < bytes ? m->bytes - m->at : bytes;

    memcpy(to, m->text + m->at, n);
    m->at += n;
    return (ssize_t)n;
}

static struct memory
read_all(const char *path)
{
    struct memory m = {NULL, 0, 0};
    struct stat st;
    int fd = open(path, O_RDONLY);
    ssize_t n;

    if (fd < 0 || fstat(fd, &st) != 0 ||
        (m.text = malloc((size_t)st.st_size)) == NULL)
        exit(1);
    while ((n = read(fd, m.text + m.bytes, (size_t)st.st_size - m.bytes)) > 0)
        m.bytes += (size_t)n;
    close(fd);
    return m;
}

static void
whole(const char *path)
{
    struct memory m = read_all(path);
    weir_stream *s;

    if (weir_stream_from(&s, from_memory, &m, NULL) != WEIR_OK)
        exit(1);
    add_records(s);
    weir_stream_free(s);
    free(m.text);
}

static void
take_field(void *text, size_t n, void *arg)
{
    (void)arg;
    fields++;
    if (column++ == 3)
        sum += number(text, n);
}

static void
take_record(int c, void *arg)
{
    (void)c;
    (void)arg;
    records++;
    column = 0;
}

static void
peer(const char *path)
{
    static char buffer[64 << 10];
    struct csv_parser p;
    int fd = open(path, O_RDONLY);
    ssize_t n;

    if (fd < 0 || csv_init(&p, CSV_STRICT) != 0)
        exit(1);
    while ((n = read(fd, buffer, sizeof buffer)) > 0)
        csv_parse(&p, buffer, (size_t)n, take_field, take_record, NULL);
    csv_fini(&p, take_field, take_record, NULL);
    csv_free(&p);
    close(fd);
}

/* KiB, of this program alone: what wait tells has its parent's in it. */
static unsigned long long
peak(void)
{
    FILE *f = fopen("/proc/self/status", "r");
    char line[256];
    unsigned long long kib = 0;

    while (f != NULL && fgets(line, sizeof line, f))
        sscanf(line, "VmHWM: %llu", &kib);
    if (f != NULL)
        fclose(f);
    return kib;
}

int
main(int argc, char **argv)
{
    const char *way = argc == 3 ? argv[1] : "";

    if (strcmp(way, "stream") == 0)
        stream(argv[2]);
    else if (strcmp(way, "lines") == 0)
        lines(argv[2]);
    else if (strcmp(way, "whole") == 0)
        whole(argv[2]);
    else if (strcmp(way, "read") == 0)
        sum = read_all(argv[2]).bytes;
    else if (strcmp(way, "libcsv") == 0)
        peer(argv[2]);
    else
        return 2;
    printf("%llu records, %llu fields, %llu\n%llu\n", records, fields, sum,
           peak());
    return 0;
}
