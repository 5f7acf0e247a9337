/* weir benchstat: benchmarks before and after, and whether it is chance. */
#include <errno.h>
#include <getopt.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>
#include "analyse/bench_table.h"
#include "weir/cmd.h"
#include "weir/terminal.h"

enum { MOST_IGNORED = 32, EXIT_WORSE = 3 };

struct benchstat {
    struct wr_benches benches;
    struct wr_bench_table_options options;
    const char *ignored[MOST_IGNORED];
    const char *unit;
    regex_t bench;
    bool has_bench, csv, json, fail;
    double fail_percent;
    bool bad; /* a line of a file was none */
};

enum letter { ALPHA = 256, CONFIDENCE, CSV, IGNORE, UNIT, FAIL };

static int
wrong(const char *what, const char *text)
{
    wr_say("benchstat: %s: \"%s\"", what, text);
    return wr_usage_error("benchstat") + 1;
}

static int
parse_level(double *to, const char *text)
{
    char *end;
    *to = strtod(text, &end);
    if (end == text || *end || !(*to >= 0 && *to <= 1))
        return wrong("a number from 0 to 1, not", text);
    return 0;
}

static int
parse_percent(struct benchstat *s, const char *text)
{
    char *end;
    s->fail = true;
    s->fail_percent = strtod(text, &end);
    if (end == text || (*end && strcmp(end, "%") != 0) ||
        !(s->fail_percent >= 0))
        return wrong("a number of percent, not", text);
    return 0;
}

static int
parse_ignored(struct benchstat *s, char *text)
{
    char *rest = NULL;
    for (char *key = strtok_r(text, ", ", &rest); key;
         key = strtok_r(NULL, ", ", &rest)) {
        if (s->benches.ignored_count == MOST_IGNORED)
            return wrong("32 keys at most, and this is one more", key);
        s->ignored[s->benches.ignored_count++] = key;
    }
    return 0;
}

static int
parse_bench(struct benchstat *s, const char *text)
{
    char why[128];
    int error;
    if (s->has_bench)
        regfree(&s->bench);
    error = regcomp(&s->bench, text, REG_EXTENDED | REG_NOSUB);
    s->has_bench = error == 0;
    if (error == 0)
        return 0;
    regerror(error, &s->bench, why, sizeof why);
    return wrong(why, text);
}

static int
take(struct benchstat *s, int letter)
{
    switch (letter) {
    case ALPHA:
        return parse_level(&s->options.alpha, optarg);
    case CONFIDENCE:
        return parse_level(&s->options.confidence, optarg);
    case IGNORE:
        return parse_ignored(s, optarg);
    case FAIL:
        return parse_percent(s, optarg);
    case 'b':
        return parse_bench(s, optarg);
    case UNIT:
        s->unit = optarg;
        return 0;
    case CSV:
        s->csv = true;
        return 0;
    case 'j':
        s->json = true;
        return 0;
    case 'h':
        return wr_help_print(stdout, wr_command_find("benchstat")), 1;
    default:
        return wr_usage_error("benchstat") + 1;
    }
}

/* 0, or the exit status + 1. */
static int
parse(struct benchstat *s, int argc, char **argv)
{
    static const struct option known[] = {
        {"alpha", required_argument, NULL, ALPHA},
        {"bench", required_argument, NULL, 'b'},
        {"confidence", required_argument, NULL, CONFIDENCE},
        {"csv", no_argument, NULL, CSV},
        {"fail-if-worse", required_argument, NULL, FAIL},
        {"ignore", required_argument, NULL, IGNORE},
        {"json", no_argument, NULL, 'j'},
        {"unit", required_argument, NULL, UNIT},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0}};
    int letter, status = 0;
    s->benches.ignored = s->ignored;
    optind = 1;
    while (status == 0 &&
           (letter = getopt_long(argc, argv, "b:jh", known, NULL)) != -1)
        status = take(s, letter);
    if (status == 0 && s->csv && s->json)
        return wrong("one format at a time", "--csv --json");
    if (status == 0 && optind == argc) {
        wr_say("benchstat: which files? One is shown, more are compared with "
               "the first");
        return wr_usage_error("benchstat") + 1;
    }
    return status;
}

/* Files that are given twice are told apart: new.txt#0, new.txt#1. */
static void
label_file(char *label, size_t room, int argc, char **argv, int i)
{
    int same = 0, before = 0;
    for (int k = optind; k < argc; k++) {
        same += strcmp(argv[k], argv[i]) == 0;
        before += k < i && strcmp(argv[k], argv[i]) == 0;
    }
    if (same > 1)
        snprintf(label, room, "%s#%d", argv[i], before);
    else
        snprintf(label, room, "%s", argv[i]);
}

static bool
wanted(const struct benchstat *s, const struct wr_bench_result *r)
{
    const struct wr_benches *b = &s->benches;
    return (!s->unit || strcmp(b->units.text[r->unit], s->unit) == 0) &&
           (!s->has_bench ||
            regexec(&s->bench, b->names.text[r->name], 0, NULL, 0) == 0);
}

/* One argument: PATH, or LABEL=PATH. */
static int
read_file(struct benchstat *s, int argc, char **argv, int i)
{
    char label[4096];
    char *equals = strchr(argv[i], '=');
    const char *path = equals ? equals + 1 : argv[i];
    bool standard = strcmp(path, "-") == 0;
    size_t before = s->benches.count;
    FILE *f = standard ? stdin : fopen(path, "re");
    if (!f) {
        wr_say("benchstat: %s: %s", path, strerror(errno));
        return -1;
    }
    if (equals)
        snprintf(label, sizeof label, "%.*s", (int)(equals - argv[i]), argv[i]);
    else
        label_file(label, sizeof label, argc, argv, i);
    long bad = wr_benches_read(&s->benches, f, path, label, stderr);
    if (!standard)
        fclose(f);
    s->bad |= bad > 0;
    if (bad == 0 && s->benches.count == before) {
        wr_say("benchstat: %s has no results of benchmarks, lines like "
               "\"BenchmarkX 100 12.5 ns/op\"",
               path);
        return -1;
    }
    return bad < 0 ? -1 : 0;
}

static int
keep_wanted(struct benchstat *s)
{
    struct wr_benches *b = &s->benches;
    size_t kept = 0;
    for (size_t i = 0; i < b->count; i++)
        if (wanted(s, &b->results[i]))
            b->results[kept++] = b->results[i];
    b->count = kept;
    if (kept > 0)
        return 0;
    wr_say("benchstat: no result has %s%s%s", s->unit ? "the unit " : "",
           s->unit ? s->unit : "", s->has_bench ? " and such a name" : "");
    return -1;
}

/* Has something become worse, by more than is allowed? */
static bool
is_worse(const struct benchstat *s, const struct wr_bench_tables *t,
         const struct wr_bench_table *table, uint32_t i)
{
    const struct wr_bench_cell *c = &table->cells[i];
    const struct wr_bench_cell *base = c - i % table->column_count;
    enum wr_bench_better better = t->benches->facts[table->unit].better;
    enum wr_bench_verdict worse =
        better == WR_BENCH_HIGHER ? WR_BENCH_DOWN : WR_BENCH_UP;
    double change = (c->centre / base->centre - 1) * 100;
    return c->n > 0 && better != WR_BENCH_NEITHER && c->verdict == worse &&
           (base->centre == 0 ||
            (change < 0 ? -change : change) > s->fail_percent);
}

static int
count_worse(const struct benchstat *s, const struct wr_bench_tables *t)
{
    int worse = 0;
    for (size_t k = 0; k < t->count; k++) {
        const struct wr_bench_table *table = &t->table[k];
        for (uint32_t i = 0; i < table->row_count * table->column_count; i++) {
            if (!is_worse(s, t, table, i))
                continue;
            char text[WR_BENCH_TEXT_MAX];
            wr_bench_change_text(text, &table->cells[i],
                                 &table->cells[i - i % table->column_count]);
            wr_say("benchstat: %s is worse: %s %s",
                   t->benches->names.text[table->rows[i / table->column_count]],
                   text, t->benches->units.text[table->unit]);
            worse++;
        }
    }
    return worse;
}

static int
show(const struct benchstat *s)
{
    struct wr_bench_tables t;
    int status = 0;
    if (wr_bench_tables_make(&t, &s->benches, &s->options) != 0) {
        wr_say("out of memory");
        status = 1;
    } else {
        FILE *out = wr_terminal_open();
        if (s->csv)
            wr_bench_tables_print_csv(&t, out, stderr);
        else if (s->json)
            wr_bench_tables_print_json(&t, out);
        else
            wr_bench_tables_print(&t, out);
        wr_terminal_close(out);
        if (s->fail && count_worse(s, &t) > 0)
            status = EXIT_WORSE;
    }
    wr_bench_tables_fini(&t);
    return status ? status : s->bad;
}

int
wr_cmd_benchstat(int argc, char **argv)
{
    struct benchstat s = {.options = {.alpha = 0.05, .confidence = 0.95}};
    int status = parse(&s, argc, argv);
    if (status == 0) {
        for (int i = optind; i < argc && status == 0; i++)
            status = read_file(&s, argc, argv, i) != 0;
        if (status == 0)
            status = keep_wanted(&s) != 0;
        status = 1 + (status ? 1 : show(&s));
    }
    if (s.has_bench)
        regfree(&s.bench);
    wr_benches_fini(&s.benches);
    return status - 1;
}
