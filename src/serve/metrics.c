/* Metrics.
 *
 * 1. Each family is announced once, with its type, before its first sample;
 *    a family nobody has a value of is not announced.
 * 2. What one answer says of a process holds together: heap_alloc is within
 *    heap_inuse, released within idle, inuse and idle make heap_sys.
 */
#include "serve/metrics.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <weir/memstats.h>
#include "analyse/quote.h"
#include "region/collector.h"
#include "region/meter.h"
#include "serve/proc.h"

#define VERSION_CHARACTERS "0123456789.abcdefghijklmnopqrstuvwxyz+~-"

enum { QUANTILES = 5 }; /* of a summary */

/* What is told of one process. Doubles, because Prometheus has nothing else;
 * NaN is told of nobody. */
struct facts {
    const struct wr_source *source;
    bool labelled;
    double one, none; /* 1 and 0 */

    double alloc, total_alloc, sys, mallocs, frees;
    double heap_sys, heap_idle, heap_inuse, heap_released, heap_objects;
    double stack_inuse, stack_sys, mspan_inuse, mspan_sys, mcache_inuse,
        mcache_sys, buck_hash_sys, gc_sys, other_sys;
    double next_gc, last_gc, gc_cpu, gc_percent, gc_limit;
    double gc_cycles, gc_forced, gc_automatic, gc_limited, gc_goal, gc_live;
    double gc_stacks, gc_globals, gc_stops, gc_longest, gc_stopped;
    /* Seconds of processors: of who stood still, assisted, marked beside, and
     * where nobody wanted one; with and without the last. */
    double gc_cpu_stopped, gc_cpu_assist, gc_cpu_beside, gc_cpu_idle,
        gc_cpu_all, gc_cpu_seconds;
    double pauses[QUANTILES + 2]; /* seconds; their sum; how many */
    double running; /* threads the program has started and not ended */

    struct wr_proc proc;

    double peak, fragmentation, scavenged, map_failures;
    double soft_limit, soft_held, soft_level, soft_given, soft_seconds,
        soft_skipped, soft_refused, budget_refused;
    double samples, samples_freed, samples_lost, sample_rate, sites;
    double forks, unloads, threads_started;

    struct wr_meter_line *meter;
    size_t meters;
};

struct family {
    const char *name, *type, *help;
    size_t value;        /* offset in struct facts */
    const char *version; /* the label version, behind this; NULL: no label */
};

#define FACT(field) offsetof(struct facts, field)

static const struct family go_families[] = {
    {"go_cpu_classes_gc_mark_assist_cpu_seconds_total", "counter",
     "Processors' time of threads that marked because they allocated.",
     FACT(gc_cpu_assist), NULL},
    {"go_cpu_classes_gc_mark_dedicated_cpu_seconds_total", "counter",
     "Processors' time of marking beside the program.", FACT(gc_cpu_beside),
     NULL},
    {"go_cpu_classes_gc_mark_idle_cpu_seconds_total", "counter",
     "The same of processors that nobody wanted.", FACT(gc_cpu_idle), NULL},
    {"go_cpu_classes_gc_pause_cpu_seconds_total", "counter",
     "Processors' time that passed while the program stood still.",
     FACT(gc_cpu_stopped), NULL},
    {"go_cpu_classes_gc_total_cpu_seconds_total", "counter",
     "Processors' time of collections: all four.", FACT(gc_cpu_all), NULL},
    {"go_gc_cycles_automatic_gc_cycles_total", "counter",
     "Collections that the growth of the heap or time started.",
     FACT(gc_automatic), NULL},
    {"go_gc_cycles_forced_gc_cycles_total", "counter",
     "Collections that the program asked for.", FACT(gc_forced), NULL},
    {"go_gc_cycles_total_gc_cycles_total", "counter", "Collections.",
     FACT(gc_cycles), NULL},
    {"go_gc_duration_seconds", "summary",
     "How long each of the last 256 collections stopped the program; one "
     "without collected blocks has none.",
     FACT(pauses), NULL},
    {"go_gc_gogc_percent", "gauge",
     "Growth of the heap that starts a collection; GOGC=off, and a program "
     "without collected blocks, have the largest number.",
     FACT(gc_percent), NULL},
    {"go_gc_gomemlimit_bytes", "gauge",
     "Memory limit of the runtime; as in Go the largest number when none is "
     "set.",
     FACT(gc_limit), NULL},
    {"go_gc_heap_goal_bytes", "gauge",
     "Size of the heap at which the next collection is to end.", FACT(gc_goal),
     NULL},
    {"go_gc_heap_live_bytes", "gauge",
     "Bytes that the last collection found alive.", FACT(gc_live), NULL},
    {"go_gc_scan_globals_bytes", "gauge",
     "Bytes of roots outside of stacks that the last collection scanned.",
     FACT(gc_globals), NULL},
    {"go_gc_scan_stack_bytes", "gauge",
     "Bytes of stacks that the last collection scanned.", FACT(gc_stacks),
     NULL},
    {"go_goroutines", "gauge", "Threads the program has now.", FACT(running),
     NULL},
    {"go_info", "gauge", "Which runtime this is: Weir's version.", FACT(one),
     "weir-"},
    {"go_memstats_alloc_bytes", "gauge", "Bytes in allocated blocks.",
     FACT(alloc), NULL},
    {"go_memstats_alloc_bytes_total", "counter",
     "Bytes ever allocated, freed or not.", FACT(total_alloc), NULL},
    {"go_memstats_buck_hash_sys_bytes", "gauge",
     "Bytes of the profiler's tables.", FACT(buck_hash_sys), NULL},
    {"go_memstats_frees_total", "counter", "Blocks ever freed.", FACT(frees),
     NULL},
    {"go_memstats_gc_cpu_fraction", "gauge",
     "Share of the processor's time that collections took.", FACT(gc_cpu),
     NULL},
    {"go_memstats_gc_sys_bytes", "gauge", "Bytes of a collector's own tables.",
     FACT(gc_sys), NULL},
    {"go_memstats_heap_alloc_bytes", "gauge",
     "Bytes in allocated blocks of the heap.", FACT(alloc), NULL},
    {"go_memstats_heap_idle_bytes", "gauge",
     "Bytes of the heap's spans that hold no block.", FACT(heap_idle), NULL},
    {"go_memstats_heap_inuse_bytes", "gauge",
     "Bytes of the heap's spans that hold a block.", FACT(heap_inuse), NULL},
    {"go_memstats_heap_objects", "gauge", "Allocated blocks.",
     FACT(heap_objects), NULL},
    {"go_memstats_heap_released_bytes", "gauge",
     "Bytes of idle spans that went back to the system.", FACT(heap_released),
     NULL},
    {"go_memstats_heap_sys_bytes", "gauge",
     "Bytes of address space that the heap has from the system.",
     FACT(heap_sys), NULL},
    {"go_memstats_last_gc_time_seconds", "gauge",
     "When the last collection ended, in seconds since 1970; 0: there was "
     "none.",
     FACT(last_gc), NULL},
    {"go_memstats_lookups_total", "counter", "Always 0, as in Go since 1.9.",
     FACT(none), NULL},
    {"go_memstats_mallocs_total", "counter", "Blocks ever allocated.",
     FACT(mallocs), NULL},
    {"go_memstats_mcache_inuse_bytes", "gauge",
     "Bytes of the threads' caches in use.", FACT(mcache_inuse), NULL},
    {"go_memstats_mcache_sys_bytes", "gauge",
     "Bytes from the system for threads' caches.", FACT(mcache_sys), NULL},
    {"go_memstats_mspan_inuse_bytes", "gauge", "Bytes of span records in use.",
     FACT(mspan_inuse), NULL},
    {"go_memstats_mspan_sys_bytes", "gauge",
     "Bytes from the system for span records.", FACT(mspan_sys), NULL},
    {"go_memstats_next_gc_bytes", "gauge",
     "Size of the heap at which the next collection begins; 0: none will.",
     FACT(next_gc), NULL},
    {"go_memstats_other_sys_bytes", "gauge",
     "Bytes from the system for everything else.", FACT(other_sys), NULL},
    {"go_memstats_stack_inuse_bytes", "gauge",
     "Bytes of address space of the threads' stacks.", FACT(stack_inuse), NULL},
    {"go_memstats_stack_sys_bytes", "gauge",
     "Bytes from the system for the threads' stacks.", FACT(stack_sys), NULL},
    {"go_memstats_sys_bytes", "gauge",
     "Bytes from the system: all that end in _sys_bytes.", FACT(sys), NULL},
    {"go_sched_gomaxprocs_threads", "gauge",
     "Processors that the process may run on.", FACT(proc.processors), NULL},
    {"go_threads", "gauge",
     "Threads that the system knows of, with one of Weir's when it works.",
     FACT(proc.threads), NULL},
};

static const struct family other_families[] = {
    {"process_cpu_seconds_total", "counter",
     "Seconds of processor time, the program's own and the system's for it.",
     FACT(proc.cpu_seconds), NULL},
    {"process_max_fds", "gauge", "File descriptors it may have open.",
     FACT(proc.max_fds), NULL},
    {"process_open_fds", "gauge", "File descriptors it has open.",
     FACT(proc.open_fds), NULL},
    {"process_resident_memory_bytes", "gauge", "Bytes of memory it occupies.",
     FACT(proc.resident_bytes), NULL},
    {"process_start_time_seconds", "gauge",
     "When the process began, in seconds since 1970.", FACT(proc.start_seconds),
     NULL},
    {"process_virtual_memory_bytes", "gauge", "Bytes of its address space.",
     FACT(proc.virtual_bytes), NULL},
    {"process_virtual_memory_max_bytes", "gauge",
     "Bytes that its address space may have.", FACT(proc.virtual_max), NULL},

    {"weir_allocated_bytes_total", "counter",
     "Bytes ever allocated, freed or not.", FACT(total_alloc), NULL},
    {"weir_allocations_total", "counter", "Blocks ever allocated.",
     FACT(mallocs), NULL},
    {"weir_build_info", "gauge", "1; the version of Weir in the process.",
     FACT(one), ""},
    {"weir_budget_refused_total", "counter",
     "Reservations and allocations that budgets refused.", FACT(budget_refused),
     NULL},
    {"weir_forks_total", "counter", "Children made by fork.", FACT(forks),
     NULL},
    {"weir_fragmentation_ratio", "gauge",
     "Part of the heap in use that no allocated block covers, 0 to 1.",
     FACT(fragmentation), NULL},
    {"weir_frees_total", "counter", "Blocks ever freed.", FACT(frees), NULL},
    {"weir_gc_cpu_seconds_total", "counter",
     "Processors' time of collections, but for that of idle processors: "
     "marking "
     "beside the program, and all while it stood still.",
     FACT(gc_cpu_seconds), NULL},
    {"weir_gc_cycles_total", "counter", "Collections.", FACT(gc_cycles), NULL},
    {"weir_gc_forced_total", "counter",
     "Collections that the program asked for.", FACT(gc_forced), NULL},
    {"weir_gc_goal_bytes", "gauge",
     "Size of the managed heap at which the next collection is to end.",
     FACT(gc_goal), NULL},
    {"weir_gc_limited_total", "counter",
     "Collections that the memory limit wanted before the heap had grown.",
     FACT(gc_limited), NULL},
    {"weir_gc_live_bytes", "gauge",
     "Managed bytes that the last collection found alive.", FACT(gc_live),
     NULL},
    {"weir_gc_longest_stop_seconds", "gauge",
     "The longest that the program ever stood still at once for a collection.",
     FACT(gc_longest), NULL},
    {"weir_gc_stopped_seconds_total", "counter",
     "Time that the program stood still for collections.", FACT(gc_stopped),
     NULL},
    {"weir_gc_stops_total", "counter",
     "Times that the program stood still for collections.", FACT(gc_stops),
     NULL},
    {"weir_heap_idle_bytes", "gauge",
     "Bytes of the heap's spans that hold no block.", FACT(heap_idle), NULL},
    {"weir_heap_inuse_bytes", "gauge",
     "Bytes of the heap's spans that hold a block.", FACT(heap_inuse), NULL},
    {"weir_heap_peak_bytes", "gauge",
     "The most that the heap had in use at any time.", FACT(peak), NULL},
    {"weir_heap_released_bytes", "gauge",
     "Bytes of idle spans that went back to the system.", FACT(heap_released),
     NULL},
    {"weir_live_bytes", "gauge", "Bytes in allocated blocks.", FACT(alloc),
     NULL},
    {"weir_live_objects", "gauge", "Allocated blocks.", FACT(heap_objects),
     NULL},
    {"weir_major_faults_total", "counter",
     "Times that a page had to be read from disk.", FACT(proc.major_faults),
     NULL},
    {"weir_map_failures_total", "counter",
     "Times that the system refused memory.", FACT(map_failures), NULL},
    {"weir_memory_limit_bytes", "gauge",
     "The tightest limit of its control groups and of the machine.",
     FACT(proc.memory_limit), NULL},
    {"weir_memory_used_bytes", "gauge",
     "What counts against that limit, by all processes it holds for.",
     FACT(proc.memory_used), NULL},
    {"weir_minor_faults_total", "counter",
     "Times that the system had to put a page in place.",
     FACT(proc.minor_faults), NULL},
    {"weir_module_unloads_total", "counter", "Libraries that were unloaded.",
     FACT(unloads), NULL},
    {"weir_processors", "gauge", "Processors that the process may run on.",
     FACT(proc.processors), NULL},
    {"weir_sample_rate_bytes", "gauge",
     "Mean bytes allocated between two samples; 0: none are taken.",
     FACT(sample_rate), NULL},
    {"weir_samples_freed_total", "counter", "Sampled blocks that were freed.",
     FACT(samples_freed), NULL},
    {"weir_samples_lost_total", "counter",
     "Samples whose call stack found no room in the region.",
     FACT(samples_lost), NULL},
    {"weir_samples_total", "counter", "Allocations sampled.", FACT(samples),
     NULL},
    {"weir_scavenged_bytes_total", "counter",
     "Bytes ever given back to the system.", FACT(scavenged), NULL},
    {"weir_sites", "gauge", "Call stacks and block sizes in the profile.",
     FACT(sites), NULL},
    {"weir_soft_limit_bytes", "gauge", "The soft limit in force; 0: none.",
     FACT(soft_limit), NULL},
    {"weir_soft_limit_given_bytes_total", "counter",
     "Bytes given back because of the soft limit.", FACT(soft_given), NULL},
    {"weir_soft_limit_held_bytes", "gauge",
     "What counts against the soft limit, as of the last look.",
     FACT(soft_held), NULL},
    {"weir_soft_limit_level", "gauge",
     "How near it is: 0, 1 from 90%, 2 from 95%, 3 passed.", FACT(soft_level),
     NULL},
    {"weir_soft_limit_refused_total", "counter",
     "Allocations refused because the limit was a hard one.",
     FACT(soft_refused), NULL},
    {"weir_soft_limit_seconds_total", "counter",
     "Time that the work on the soft limit took.", FACT(soft_seconds), NULL},
    {"weir_soft_limit_skipped_total", "counter",
     "Times that such work was left undone, for it took half of the time.",
     FACT(soft_skipped), NULL},
    {"weir_threads", "gauge", "Threads the program has now.", FACT(running),
     NULL},
    {"weir_threads_started_total", "counter", "Threads that ever began.",
     FACT(threads_started), NULL},
};

/* What the program's pools and caches tell: of each its own sample. */
static const struct sum {
    struct family family;
    enum weir_meter_kind kind;
    enum weir_meter_sum sum;
} sums[] = {
#define SUM(kind, name, which, type, says)                                     \
    {                                                                          \
        {name, type, says, 0, NULL}, WEIR_METER_##kind, WEIR_METER_##which     \
    }
    SUM(CACHE, "weir_cache_bytes", BYTES, "gauge", "Bytes that it holds."),
    SUM(CACHE, "weir_cache_dropped_total", DROPPED, "counter",
        "Items that its bounds pushed out."),
    SUM(CACHE, "weir_cache_expired_total", EXPIRED, "counter",
        "Items that were found too old."),
    SUM(CACHE, "weir_cache_hits_total", HITS, "counter",
        "Times that what was asked for was there."),
    SUM(CACHE, "weir_cache_items", ITEMS, "gauge", "Items that it holds."),
    SUM(CACHE, "weir_cache_misses_total", MISSES, "counter",
        "Times that what was asked for was not there."),
    SUM(CACHE, "weir_cache_shrunk_total", SHRUNK, "counter",
        "Items that it gave back for want of memory."),
    SUM(POOL, "weir_pool_dropped_total", DROPPED, "counter",
        "Objects that were destroyed while they idled."),
    SUM(POOL, "weir_pool_hits_total", HITS, "counter",
        "Times that an object was used again."),
    SUM(POOL, "weir_pool_idle_objects", ITEMS, "gauge",
        "Objects that wait to be used again."),
    SUM(POOL, "weir_pool_misses_total", MISSES, "counter",
        "Times that an object had to be made."),
#undef SUM
};

/* --- Facts -------------------------------------------------------------- */

static double
load(const _Atomic uint64_t *from)
{
    return (double)atomic_load_explicit(from, memory_order_relaxed);
}

static int
by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Of the pauses that are known, as Go's own reader of them does it. */
static void
set_pauses(struct facts *f, const struct weir_memstats *m)
{
    double known[WR_PAUSES];
    size_t n = m->num_gc < WR_PAUSES ? m->num_gc : WR_PAUSES;
    for (size_t i = 0; i < n; i++)
        known[i] = (double)m->pause_ns[i] / 1e9;
    qsort(known, n, sizeof *known, by_value);
    for (size_t i = 0; n > 0 && i < QUANTILES; i++)
        f->pauses[i] =
            known[i < QUANTILES - 1 ? n * i / (QUANTILES - 1) : n - 1];
    f->pauses[QUANTILES] = (double)m->pause_total_ns / 1e9;
    f->pauses[QUANTILES + 1] = (double)m->num_gc;
}

static void
set_memstats(struct facts *f, const struct wr_region_view *view)
{
    struct weir_memstats m;
    wr_memstats_from_view(&m, view);
    f->total_alloc = (double)m.total_alloc;
    f->mallocs = (double)m.mallocs;
    f->frees = (double)m.frees;
    f->heap_objects = (double)(m.mallocs - m.frees);
    f->heap_inuse = (double)m.heap_inuse;
    f->heap_idle = (double)m.heap_idle;
    f->heap_sys = (double)m.heap_sys;
    /* Threads tell of their blocks a little later than the heap of its spans
     * (keeps 2). */
    f->alloc = fmin((double)m.heap_alloc, f->heap_inuse);
    f->heap_released = fmin((double)m.heap_released, f->heap_idle);
    f->stack_inuse = (double)m.stack_inuse;
    f->stack_sys = (double)m.stack_sys;
    f->mspan_inuse = (double)m.mspan_inuse;
    f->mspan_sys = (double)m.mspan_sys;
    f->mcache_inuse = (double)m.mcache_inuse;
    f->mcache_sys = (double)m.mcache_sys;
    f->buck_hash_sys = (double)m.buck_hash_sys;
    f->gc_sys = (double)m.gc_sys;
    f->other_sys = (double)m.other_sys;
    f->sys = (double)m.sys;
    set_pauses(f, &m);
    f->next_gc = (double)m.next_gc;
    f->last_gc = (double)m.last_gc / 1e9;
    f->gc_cpu = m.gc_cpu_fraction;
    f->gc_limit = (double)INT64_MAX;
}

static void
set_collector_times(struct facts *f, const struct wr_collector *c)
{
    f->gc_stops = load(&c->stops);
    f->gc_longest = load(&c->longest_ns) / 1e9;
    f->gc_stopped = load(&c->stopped_ns) / 1e9;
    f->gc_cpu_stopped = load(&c->stopped_cpu_ns) / 1e9;
    f->gc_cpu_assist = load(&c->assist_ns) / 1e9;
    f->gc_cpu_beside = load(&c->background_ns) / 1e9;
    f->gc_cpu_idle = load(&c->idle_ns) / 1e9;
    f->gc_cpu_seconds = f->gc_cpu_stopped + f->gc_cpu_assist + f->gc_cpu_beside;
    f->gc_cpu_all = f->gc_cpu_seconds + f->gc_cpu_idle;
}

/* The extended names are of programs with collected blocks alone. */
static void
set_collector(struct facts *f, const struct wr_region_view *view)
{
    const struct wr_collector *c = wr_view_collector(view);
    f->gc_percent = (double)UINT64_MAX;
    f->gc_cycles = f->gc_forced = f->gc_automatic = f->gc_limited = f->gc_goal =
        f->gc_live = NAN;
    f->gc_stacks = f->gc_globals = f->gc_stops = f->gc_longest = f->gc_stopped =
        NAN;
    f->gc_cpu_stopped = f->gc_cpu_assist = f->gc_cpu_beside = f->gc_cpu_idle =
        f->gc_cpu_all = f->gc_cpu_seconds = NAN;
    if (!c)
        return;
    set_collector_times(f, c);
    f->gc_percent = load(&c->percent);
    f->gc_forced = load(&c->forced);
    f->gc_cycles = fmax(load(&c->cycles), f->gc_forced);
    f->gc_automatic = f->gc_cycles - f->gc_forced;
    f->gc_goal = load(&c->goal);
    f->gc_live = load(&c->live);
    f->gc_limited = load(&c->limited);
    f->gc_stacks = load(&c->stacks);
    f->gc_globals = load(&c->globals);
}

/* Without memory they are not told. */
static void
set_meters(struct facts *f, const struct wr_region_view *view)
{
    if (wr_view_used(view, WR_TABLE_METERS) == 0)
        return;
    f->meter = malloc(WR_METERS * sizeof *f->meter);
    if (f->meter)
        f->meters = wr_meters_read(view, f->meter);
}

static void
set_threads(struct facts *f, const struct wr_region_view *view)
{
    const struct wr_thread_slot *slot;
    for (uint64_t i = 0; (slot = wr_view_thread(view, i)) != NULL; i++) {
        f->running += atomic_load(&slot->state) == WR_THREAD_RUNNING;
        f->threads_started += atomic_load(&slot->threads);
    }
}

static void
set_counters(struct facts *f, const struct wr_region_view *view)
{
    const struct wr_counters *c = &view->header->counters;
    f->peak = fmax(load(&c->heap_peak), f->heap_inuse);
    f->fragmentation =
        f->heap_inuse > 0 ? 1 - f->alloc / f->heap_inuse : f->none;
    f->scavenged = load(&c->scavenged);
    f->map_failures = load(&c->map_failures);
    f->samples_freed = load(&c->sample_frees);
    f->samples = load(&c->samples);
    f->samples_lost = load(&c->samples_lost);
    f->sample_rate = load(&view->header->sample_rate);
    f->sites = (double)wr_view_used(view, WR_TABLE_BUCKETS);
    f->forks = load(&c->forks);
    f->unloads = load(&c->unloads);
}

static void
set_limit(struct facts *f, const struct wr_region_view *view)
{
    const struct wr_counters *c = &view->header->counters;
    f->soft_limit = load(&c->limit);
    f->soft_held = load(&c->limit_held);
    f->soft_level = load(&c->limit_level);
    f->soft_given = load(&c->limit_given);
    f->soft_seconds = load(&c->limit_work_ns) / 1e9;
    f->soft_skipped = load(&c->limit_skipped);
    f->soft_refused = load(&c->limit_refused);
    f->budget_refused = load(&c->budget_refused);
    if (f->soft_limit > 0)
        f->gc_limit = f->soft_limit;
}

static void
set_facts(struct facts *f, const struct wr_source *source, bool labelled,
          double boot_seconds)
{
    *f = (struct facts){.source = source, .labelled = labelled, .one = 1};
    set_memstats(f, &source->view);
    set_collector(f, &source->view);
    set_threads(f, &source->view);
    set_counters(f, &source->view);
    set_limit(f, &source->view);
    set_meters(f, &source->view);
    wr_proc_read(&f->proc, "", source->pid, boot_seconds);
}

/* --- Text --------------------------------------------------------------- */

/* A label's value. */
static void
put_escaped(FILE *out, const char *text)
{
    const unsigned char *s = (const unsigned char *)text;
    while (*s) {
        size_t n = wr_utf8_length(s);
        if (*s == '"' || *s == '\\')
            fprintf(out, "\\%c", *s);
        else if (*s == '\n')
            fputs("\\n", out);
        else if (n == 0)
            fputc('?', out);
        else
            fwrite(s, 1, n, out);
        s += n ? n : 1;
    }
}

/* {pid="7",program="x",last}, or nothing when there is none of them. */
static void
put_labels(FILE *out, const struct facts *f, const char *last)
{
    if (!f->labelled && !*last)
        return;
    fputc('{', out);
    if (f->labelled) {
        fprintf(out, "pid=\"%u\",program=\"", f->source->pid);
        put_escaped(out, f->source->program);
        fputs(*last ? "\"," : "\"", out);
    }
    fprintf(out, "%s}", last);
}

/* Whole numbers as such, as far as a double holds them exactly. */
static void
put_sample(FILE *out, const struct facts *f, const char *name,
           const char *suffix, const char *label, double value)
{
    fprintf(out, "%s%s", name, suffix);
    put_labels(out, f, label);
    fprintf(out,
            value == floor(value) && fabs(value) < 9e15 ? " %.0f\n"
                                                        : " %.17g\n",
            value);
}

/* value: the quantiles, the sum, the count. */
static void
put_summary(FILE *out, const struct facts *f, const char *name,
            const double *value)
{
    static const char *const quantile[QUANTILES] = {
        "quantile=\"0\"", "quantile=\"0.25\"", "quantile=\"0.5\"",
        "quantile=\"0.75\"", "quantile=\"1\""};
    for (size_t i = 0; i < QUANTILES; i++)
        put_sample(out, f, name, "", quantile[i], value[i]);
    put_sample(out, f, name, "_sum", "", value[QUANTILES]);
    put_sample(out, f, name, "_count", "", value[QUANTILES + 1]);
}

static void
put_value(FILE *out, const struct family *family, const struct facts *f,
          const double *value)
{
    char label[64] = "";
    if (strcmp(family->type, "summary") == 0) {
        put_summary(out, f, family->name, value);
        return;
    }
    if (family->version) {
        const char *version = f->source->view.header->weir_version;
        snprintf(label, sizeof label, "version=\"%s%.*s\"", family->version,
                 (int)strspn(version, VERSION_CHARACTERS), version);
    }
    put_sample(out, f, family->name, "", label, *value);
}

static void
announce(FILE *out, const struct family *family)
{
    fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", family->name, family->help,
            family->name, family->type);
}

static void
put_families(FILE *out, const struct family *family, size_t families,
             const struct facts *facts, size_t count)
{
    for (; families > 0; families--, family++) {
        bool announced = false;
        for (size_t i = 0; i < count; i++) {
            const double *value =
                (const double *)((const char *)&facts[i] + family->value);
            if (isnan(*value))
                continue;
            if (!announced)
                announce(out, family);
            announced = true;
            put_value(out, family, &facts[i], value);
        }
    }
}

/* pool="parsers" */
static void
put_meter(FILE *out, const struct sum *sum, const struct facts *f,
          const struct wr_meter_line *meter)
{
    char *label = NULL;
    size_t bytes;
    FILE *text = open_memstream(&label, &bytes);
    if (!text)
        return;
    fprintf(text, "%s=\"", wr_meter_kind_name(meter->kind));
    put_escaped(text, meter->name);
    fputc('"', text);
    if (fclose(text) == 0)
        put_sample(out, f, sum->family.name, "", label,
                   (double)meter->sum[sum->sum]);
    free(label);
}

static void
put_sum(FILE *out, const struct sum *sum, const struct facts *facts,
        size_t count)
{
    bool announced = false;
    for (const struct facts *f = facts; f < facts + count; f++)
        for (size_t i = 0; i < f->meters; i++) {
            if (f->meter[i].kind != sum->kind)
                continue;
            if (!announced)
                announce(out, &sum->family);
            announced = true;
            put_meter(out, sum, f, &f->meter[i]);
        }
}

static void
put_number(FILE *out, const char *name, const char *help, size_t number)
{
    const struct family family = {name, "gauge", help, 0, NULL};
    announce(out, &family);
    fprintf(out, "%s %zu\n", name, number);
}

static bool
has_died(const struct wr_source *one)
{
    return !one->live && !one->replaced &&
           atomic_load(&one->view.header->state) != WR_REGION_EXITED;
}

/* The scope's list has the living alone. */
static size_t
deaths(const struct wr_scope *s)
{
    size_t n = 0;
    for (size_t i = 0; i < s->sources.count; i++)
        n += has_died(&s->sources.list[i]) &&
             (s->pid == 0 || s->pid == s->sources.list[i].pid);
    return n;
}

static void
put_processes(FILE *out, const struct wr_scope *s, size_t count)
{
    put_number(out, "weir_deaths",
               "Processes that ended without exit(), while their regions are "
               "kept.",
               deaths(s));
    put_number(out, "weir_processes", "Running processes that are shown here.",
               count);
}

/* --- The answer --------------------------------------------------------- */

/* Of the live processes; their number. Room for all of the scope's. */
static size_t
collect(struct facts *facts, const struct wr_visit *v)
{
    const struct wr_scope *s = &v->scope;
    double boot_seconds = wr_proc_boot_seconds("");
    size_t count = 0;
    for (size_t i = 0; i < s->count; i++)
        if (s->list[i]->live)
            set_facts(&facts[count++], s->list[i],
                      wr_scope_labels(s, s->list[i]), boot_seconds);
    return count;
}

static void
print(FILE *out, const struct wr_visit *v, const struct facts *facts,
      size_t count)
{
    char go[8] = "";
    wr_request_param(v->q, "go", go, sizeof go);
    if (!v->no_go_metrics && strcmp(go, "0") != 0)
        put_families(out, go_families, sizeof go_families / sizeof *go_families,
                     facts, count);
    put_families(out, other_families,
                 sizeof other_families / sizeof *other_families, facts, count);
    for (size_t i = 0; i < sizeof sums / sizeof *sums; i++)
        put_sum(out, &sums[i], facts, count);
    if (!v->scope.pid)
        put_processes(out, &v->scope, count);
}

void
wr_metrics_answer(struct wr_visit *v, struct wr_answer *a)
{
    char *text = NULL;
    size_t bytes = 0;
    if (v->scope.pid && !v->scope.list[0]->live) {
        wr_answer_error(a, 404,
                        "process %u has ended; what it held is at "
                        "/pid/%u/debug/pprof/heap\n",
                        v->scope.pid, v->scope.pid);
        return;
    }
    struct facts *facts = calloc(v->scope.count + 1, sizeof *facts);
    FILE *out = facts ? open_memstream(&text, &bytes) : NULL;
    if (out)
        print(out, v, facts, collect(facts, v));
    for (size_t i = 0; facts && i < v->scope.count; i++)
        free(facts[i].meter);
    free(facts);
    if (!out || fclose(out) != 0) {
        free(text);
        wr_answer_error(a, 500, "out of memory\n");
        return;
    }
    a->type = WR_TYPE_METRICS;
    a->bytes = (unsigned char *)text;
    a->count = bytes;
}
