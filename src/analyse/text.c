/* The text forms that people read with curl: debug=1 and debug=2.
 *
 * Invariants:
 * 1. A row's addresses are return addresses (the profile's + 1): readers of
 *    the text take one off again. A frame that is no address (a pseudo frame
 *    with address 0) is therefore 0x1, and comes back as it was.
 * 2. A heap heading never shows the same bytes in use and allocated: readers
 *    would take it for a profile without the latter.
 */
#include "analyse/profile.h"

#include <stdlib.h>
#include <string.h>
#include <weir/memstats.h>
#include "analyse/store.h"

static const int64_t *
values_of(const struct wr_profile *p, uint32_t i)
{
    return p->values + (size_t)i * p->type_count;
}

/* --- Rows --------------------------------------------------------------- */

static void
print_addresses(const struct wr_profile *p, const struct wr_sample *s,
                FILE *out)
{
    for (uint32_t i = 0; i < s->depth; i++) {
        uint32_t l = p->frames[s->first_frame + i];
        fprintf(out, " 0x%llx",
                (unsigned long long)p->locations[l].address + 1);
    }
    fputc('\n', out);
}

static void
print_line(const struct wr_profile *p, const struct wr_location *l,
           const struct wr_line *line, FILE *out)
{
    const struct wr_function *f = &p->functions[line->function];
    fprintf(out, "#\t0x%llx\t%s+0x%llx", (unsigned long long)l->address,
            p->strings[f->name], (unsigned long long)line->entry);
    if (f->file)
        fprintf(out, "\t%s:%lld", p->strings[f->file], (long long)line->line);
    fputc('\n', out);
}

static void
print_names(const struct wr_profile *p, const struct wr_sample *s, FILE *out)
{
    for (uint32_t i = 0; i < s->depth; i++) {
        const struct wr_location *l =
            &p->locations[p->frames[s->first_frame + i]];
        for (uint32_t n = 0; n < l->line_count; n++)
            print_line(p, l, &p->lines[l->first_line + n], out);
        if (l->line_count == 0)
            fprintf(out, "#\t0x%llx\n", (unsigned long long)l->address);
    }
    fputc('\n', out);
}

/* --- Order -------------------------------------------------------------- */

struct ranked {
    int64_t value;
    uint32_t sample;
};

static int
by_value(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;
    if (x->value != y->value)
        return x->value < y->value ? 1 : -1;
    return (x->sample > y->sample) - (x->sample < y->sample);
}

/* The samples by a type's values, biggest first; NULL: no memory. */
static struct ranked *
rank(const struct wr_profile *p, uint32_t type)
{
    struct ranked *order = calloc((size_t)p->sample_count + 1, sizeof *order);
    for (uint32_t i = 0; order && i < p->sample_count; i++)
        order[i] = (struct ranked){values_of(p, i)[type], i};
    if (order)
        qsort(order, p->sample_count, sizeof *order, by_value);
    return order;
}

/* --- MemStats and mappings ---------------------------------------------- */

static void
print_times(const char *name, const uint64_t ns[256], FILE *out)
{
    fprintf(out, "# %s = [", name);
    for (int i = 0; i < 256; i++)
        fprintf(out, i ? " %llu" : "%llu", (unsigned long long)ns[i]);
    fputs("]\n", out);
}

static void
print_stat(const char *name, uint64_t value, FILE *out)
{
    fprintf(out, "# %s = %llu\n", name, (unsigned long long)value);
}

static void
print_stat_of(const char *name, uint64_t inuse, uint64_t sys, FILE *out)
{
    fprintf(out, "# %s = %llu / %llu\n", name, (unsigned long long)inuse,
            (unsigned long long)sys);
}

static void
print_heap_stats(const struct weir_memstats *m, FILE *out)
{
    print_stat("Alloc", m->alloc, out);
    print_stat("TotalAlloc", m->total_alloc, out);
    print_stat("Sys", m->sys, out);
    print_stat("Lookups", m->lookups, out);
    print_stat("Mallocs", m->mallocs, out);
    print_stat("Frees", m->frees, out);
    print_stat("HeapAlloc", m->heap_alloc, out);
    print_stat("HeapSys", m->heap_sys, out);
    print_stat("HeapIdle", m->heap_idle, out);
    print_stat("HeapInuse", m->heap_inuse, out);
    print_stat("HeapReleased", m->heap_released, out);
    print_stat("HeapObjects", m->heap_objects, out);
}

static void
print_memstats(const struct weir_memstats *m, FILE *out)
{
    fputs("\n# runtime.MemStats\n", out);
    print_heap_stats(m, out);
    print_stat_of("Stack", m->stack_inuse, m->stack_sys, out);
    print_stat_of("MSpan", m->mspan_inuse, m->mspan_sys, out);
    print_stat_of("MCache", m->mcache_inuse, m->mcache_sys, out);
    print_stat("BuckHashSys", m->buck_hash_sys, out);
    print_stat("GCSys", m->gc_sys, out);
    print_stat("OtherSys", m->other_sys, out);
    print_stat("NextGC", m->next_gc, out);
    print_stat("LastGC", m->last_gc, out);
    print_times("PauseNs", m->pause_ns, out);
    print_times("PauseEnd", m->pause_end, out);
    print_stat("NumGC", m->num_gc, out);
    print_stat("NumForcedGC", m->num_forced_gc, out);
    fprintf(out, "# GCCPUFraction = %g\n# DebugGC = %s\n", m->gc_cpu_fraction,
            m->debug_gc ? "true" : "false");
}

/* In the form of /proc/PID/maps, so that the text can be given names on
 * another day and by anybody's tools. */
static void
print_mappings(const struct wr_profile *p, FILE *out)
{
    if (p->mapping_count)
        fputs("\nMAPPED_LIBRARIES:\n", out);
    for (uint32_t i = 0; i < p->mapping_count; i++) {
        const struct wr_mapping *m = &p->mappings[i];
        fprintf(out, "%08llx-%08llx r-xp %08llx 00:00 0 %s\n",
                (unsigned long long)m->start, (unsigned long long)m->limit,
                (unsigned long long)m->offset, p->strings[m->file]);
    }
}

/* --- The two kinds ------------------------------------------------------ */

static void
print_heap(const struct wr_profile *p, const struct ranked *order, FILE *out)
{
    long long total[4];
    for (uint32_t i = 0; i < 4; i++)
        total[i] = wr_profile_total(p, i);
    fprintf(out, "heap profile: %lld: %lld [%lld: %lld] @ heap/%lld\n",
            total[2], total[3], total[0],
            total[1] == total[3] ? total[1] + 1 : total[1],
            2 * (long long)p->period);
    for (uint32_t i = 0; i < p->sample_count; i++) {
        const struct wr_sample *s = &p->samples[order[i].sample];
        const int64_t *v = values_of(p, order[i].sample);
        fprintf(out, "%lld: %lld [%lld: %lld] @", (long long)v[2],
                (long long)v[3], (long long)v[0], (long long)v[1]);
        print_addresses(p, s, out);
        print_names(p, s, out);
    }
}

static void
print_labels(const struct wr_profile *p, const struct wr_sample *s, FILE *out)
{
    for (uint32_t i = 0; i < s->label_count; i++) {
        const struct wr_label *l = &p->labels[s->first_label + i];
        fputs(i ? ", " : "# labels: {", out);
        if (l->str)
            fprintf(out, "\"%s\":\"%s\"", p->strings[l->key],
                    p->strings[l->str]);
        else
            fprintf(out, "\"%s\":\"%lld\"", p->strings[l->key],
                    (long long)l->num);
    }
    if (s->label_count)
        fputs("}\n", out);
}

static void
print_counts(const struct wr_profile *p, const struct ranked *order, FILE *out)
{
    fprintf(out, "%s profile: total %lld\n", p->strings[p->types[0].type],
            (long long)wr_profile_total(p, 0));
    for (uint32_t i = 0; i < p->sample_count; i++) {
        const struct wr_sample *s = &p->samples[order[i].sample];
        fprintf(out, "%lld @", (long long)order[i].value);
        print_addresses(p, s, out);
        print_labels(p, s, out);
        print_names(p, s, out);
    }
}

int
wr_profile_text(const struct wr_profile *p, FILE *out,
                const struct weir_memstats *memstats)
{
    bool heap = p->type_count == 4 &&
                wr_profile_find_type(p, "alloc_objects") == 0 &&
                wr_profile_find_type(p, "inuse_space") == 3;
    if (p->failed || (!heap && p->type_count != 1))
        return -1;
    struct ranked *order = rank(p, heap ? 3 : 0);
    if (!order)
        return -1;
    if (heap)
        print_heap(p, order, out);
    else
        print_counts(p, order, out);
    free(order);
    if (memstats)
        print_memstats(memstats, out);
    print_mappings(p, out);
    return 0;
}

/* --- debug=2 ------------------------------------------------------------ */

static const struct wr_label *
find_label(const struct wr_profile *p, const struct wr_sample *s,
           const char *key)
{
    for (uint32_t i = 0; i < s->label_count; i++) {
        const struct wr_label *l = &p->labels[s->first_label + i];
        if (strcmp(p->strings[l->key], key) == 0)
            return l;
    }
    return NULL;
}

static void
print_call(const struct wr_profile *p, const struct wr_location *l, FILE *out)
{
    for (uint32_t i = 0; i < l->line_count; i++) {
        const struct wr_line *line = &p->lines[l->first_line + i];
        const struct wr_function *f = &p->functions[line->function];
        fprintf(out, "%s(...)\n\t%s:%lld +0x%llx\n", p->strings[f->name],
                f->file ? p->strings[f->file] : "?", (long long)line->line,
                (unsigned long long)line->entry);
    }
    if (l->line_count == 0)
        fprintf(out, "0x%llx\n\t?:0\n", (unsigned long long)l->address);
}

int
wr_profile_text_stacks(const struct wr_profile *p, FILE *out)
{
    if (p->failed)
        return -1;
    for (uint32_t i = 0; i < p->sample_count; i++) {
        const struct wr_sample *s = &p->samples[i];
        const struct wr_label *tid = find_label(p, s, "tid");
        const struct wr_label *name = find_label(p, s, "thread");
        fprintf(out, "goroutine %lld [thread%s%s]:\n",
                tid ? (long long)tid->num : (long long)i + 1, name ? " " : "",
                name ? p->strings[name->str] : "");
        for (uint32_t n = 0; n < s->depth; n++)
            print_call(p, &p->locations[p->frames[s->first_frame + n]], out);
        fputc('\n', out);
    }
    return 0;
}
