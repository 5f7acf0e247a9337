/* Report.
 *
 * 1. A region is removed only after both of its profiles were written whole.
 */
#include "weir/report.h"

#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "analyse/profile.h"
#include "analyse/reclaimed.h"
#include "analyse/story.h"
#include "analyse/symbol.h"
#include "analyse/units.h"
#include "base/clock.h"
#include "serve/evidence.h"
#include "serve/source.h"
#include "serve/sweep.h"
#include "analyse/end.h"
#include "weir/cmd.h"
#include "weir/judge.h"
#include "weir/keep.h"
#include "weir/lost.h"
#include "weir/place.h"
#include "weir/supervise.h"
#include <weir/memstats.h>

#define SITES           5  /* shown in the summary */
#define STRAGGLER_TRIES 40 /* of 5 ms each */

struct making {
    const struct wr_report *r;
    struct wr_sources sources;
    struct wr_symboliser *symboliser;
    struct wr_end end;    /* of the program itself */
    struct wr_lost *lost; /* NULL: not wanted */
    struct wr_reclaimed reclaimed;
    struct wr_profile *main; /* of the image the summary is about */
    const struct wr_source *main_image;
    struct wr_story story;         /* of it, if its end was no proper one */
    struct wr_judgement judgement; /* and this */
    bool told;
    size_t written, failed, going; /* going: processes not at their end */
    char first[WR_PATH_MAX];       /* the main program's heap profile */
};

/* The image the numbers are of: the program's own, else the biggest. */
static const struct wr_source *
find_main(const struct making *m)
{
    const struct wr_source *best = NULL;
    uint64_t peak = 0;
    for (size_t i = 0; i < m->sources.count; i++) {
        const struct wr_source *one = &m->sources.list[i];
        uint64_t p = atomic_load(&one->view.header->counters.heap_peak);
        if (one->pid == m->r->pid && !one->replaced)
            return one;
        if (!best || p > peak) {
            best = one;
            peak = p;
        }
    }
    return best;
}

/* Has the process of an image ended? A process that is just calling exec has
 * left this image and not yet made another: it goes on. */
static bool
has_ended(const struct wr_source *one)
{
    char state = one->live ? 'R' : wr_process_state((pid_t)one->pid);
    return state == 0 || state == 'Z' || state == 'X';
}

static size_t
count_going(const struct wr_sources *s)
{
    size_t n = 0;
    for (size_t i = 0; i < s->count; i++)
        n += !has_ended(&s->list[i]);
    return n;
}

/* Helpers that a program leaves behind often end a moment later, when a pipe
 * of theirs is closed: wait for them a little, so that they are reported. */
static int
scan(struct making *m)
{
    for (int tries = 0;; tries++) {
        if (wr_sources_scan(&m->sources, m->r->run_dir, WR_SCAN_HERE) != 0)
            return -1;
        m->going = count_going(&m->sources);
        if (m->going == 0 || tries == STRAGGLER_TRIES)
            return 0;
        wr_sources_free(&m->sources);
        nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
    }
}

/* Both profiles of an image; of the program itself, or else the first, the
 * path is told. */
static int
save_profiles(struct making *m, const struct wr_source *one,
              struct wr_profile *p)
{
    char heap[WR_PATH_MAX];
    if (wr_keep_profiles(one, p, m->r->out_dir, heap) != 0)
        return -1;
    if (one == m->main_image || !m->first[0])
        memcpy(m->first, heap, sizeof heap);
    return 0;
}

/* --- The story --------------------------------------------------------- */

/* Of the program itself when it died; of others only if the kernel's log says
 * that it killed them: nobody here waited for them. */
static void
tell_story(struct making *m, const struct wr_source *one)
{
    bool is_main = one == m->main_image && one->pid == m->r->pid;
    struct wr_end other, *end = is_main ? &m->end : &other;
    char why[WR_WHY], path[WR_PATH_MAX];
    struct wr_judgement others, *j = is_main ? &m->judgement : &others;
    struct wr_story s;
    if (!is_main)
        wr_evidence_of_source(end, "", one, NULL);
    if (is_main ? !wr_end_is_death(end) : !end->proved)
        return;
    struct wr_story_of of = {&one->view, end, one->program, one->pid};
    if (wr_story_make(&s, &of, m->symboliser, why, sizeof why) != 0) {
        wr_say("no report of %s (pid %u): %s", one->program, one->pid, why);
        return;
    }
    if (wr_judge(j, &s, one, m->symboliser, false, why, sizeof why) != 0)
        wr_say("no verdict on %s (pid %u): %s", one->program, one->pid, why);
    (void)wr_language_of(NULL, &s.language);
    (void)wr_keep_story(one, &s, m->r->out_dir, path);
    if (is_main) {
        m->story = s;
        m->told = true;
    } else {
        wr_judgement_fini(j);
        wr_story_fini(&s);
    }
}

static void
finish_image(struct making *m, const struct wr_source *one)
{
    char why[WR_WHY];
    struct wr_profile *p;
    if (wr_profile_from_region(&p, &one->view, WR_PROFILE_HEAP,
                               WR_VALUES_ESTIMATED, why, sizeof why) != 0) {
        wr_say("no profile of %s (pid %u): %s", one->program, one->pid, why);
        m->failed++;
        return;
    }
    wr_profile_symbolise(p, m->symboliser, (int)one->pid, false);
    tell_story(m, one);
    if (m->r->collect)
        wr_reclaimed_add(&m->reclaimed, &one->view, m->symboliser);
    if (m->lost)
        wr_lost_add(m->lost, one, m->symboliser);
    if (save_profiles(m, one, p) == 0) {
        m->written++;
        unlink(one->path);
    } else {
        m->failed++;
    }
    if (one == m->main_image)
        m->main = p;
    else
        wr_profile_free(p);
}

/* --- The summary ------------------------------------------------------- */

static void
print_end(const struct making *m)
{
    const char *slash = strrchr(m->r->program, '/');
    const char *bold = wr_colour(stderr) ? "\033[1m" : "";
    const char *plain = *bold ? "\033[0m" : "";
    char text[512];
    wr_end_tell(&m->end, text, sizeof text);
    fprintf(stderr, "weir: %s%s%s (pid %u) %s after %.2f s\n", bold,
            slash ? slash + 1 : m->r->program, plain, m->r->pid, text,
            m->r->seconds);
}

static void
print_numbers(const struct wr_source *one)
{
    struct weir_memstats s;
    char peak[32], left[32], total[32];
    wr_memstats_from_view(&s, &one->view);
    uint64_t highest = atomic_load(&one->view.header->counters.heap_peak);
    wr_value_format(peak, sizeof peak, (int64_t)highest, "bytes");
    wr_value_format(left, sizeof left, (int64_t)s.heap_alloc, "bytes");
    wr_value_format(total, sizeof total, (int64_t)s.total_alloc, "bytes");
    fprintf(stderr, "  heap peak  %10s   in use at the end %s in %llu blocks\n",
            peak, left, (unsigned long long)s.heap_objects);
    fprintf(stderr, "  allocated  %10s   in %llu blocks\n", total,
            (unsigned long long)s.mallocs);
}

/* The biggest sites still in use, or, when nothing is, of all allocated. */
static void
print_sites(struct wr_profile *p)
{
    struct wr_story_site site[SITES];
    const char *title = "in use at the end";
    int64_t total;
    size_t n = wr_story_sites(site, SITES, p, "inuse_space", &total);
    if (n == 0) {
        n = wr_story_sites(site, SITES, p, "alloc_space", &total);
        title = "ever allocated";
    }
    if (n > 0)
        fprintf(stderr, "  biggest sites, %s:\n", title);
    for (size_t i = 0; i < n; i++)
        wr_story_print_site(&site[i], total, "", stderr);
}

static void
print_rest(const struct making *m)
{
    size_t live = m->going;
    if (live > 0)
        fprintf(stderr,
                "  %zu process%s of the run still going: weir serve shows "
                "%s, weir ps lists %s\n",
                live, live == 1 ? " is" : "es are", live == 1 ? "it" : "them",
                live == 1 ? "it" : "them");
    if (m->written > 1)
        fprintf(stderr, "  %zu more process%s recorded\n", m->written - 1,
                m->written == 2 ? " was" : "es were");
    if (m->written > 0)
        fprintf(stderr, "  %s in %s\n  next: weir top %s\n",
                m->told ? "report and profiles" : "profiles", m->r->out_dir,
                m->first);
}

static void
summarise(const struct making *m)
{
    if (m->told) {
        fputs("weir: ", stderr);
        wr_story_print(&m->story, stderr, wr_utf8());
        fputc('\n', stderr);
        if (m->r->collect)
            wr_reclaimed_print(&m->reclaimed, stderr);
        print_rest(m);
        return;
    }
    print_end(m);
    if (!m->main_image) {
        fputs("  nothing was recorded: the program never loaded libweir.so "
              "(does it clear its environment?)\n",
              stderr);
        return;
    }
    print_numbers(m->main_image);
    if (m->main)
        print_sites(m->main);
    if (m->r->collect)
        wr_reclaimed_print(&m->reclaimed, stderr);
    print_rest(m);
}

/* --- The run ----------------------------------------------------------- */

/* Kills counted before the program had done anything. */
static struct wr_counts before;
static bool counted;

void
wr_report_begin(uint32_t pid)
{
    wr_counts_take(&before, "", pid);
    counted = true;
}

static void
find_end(struct making *m)
{
    uint64_t lived = (uint64_t)(m->r->seconds * 1e9);
    struct wr_deceased who = {m->r->pid, wr_clock_ns(CLOCK_MONOTONIC) - lived};
    wr_end_init(&m->end);
    wr_end_from_wait(&m->end, m->r->status);
    m->end.uptime_ns = lived;
    wr_evidence_gather(&m->end, "", &who, counted ? &before : NULL);
}

int64_t
wr_report_make(const struct wr_report *r)
{
    struct making m = {.r = r};
    char base[WR_PATH_MAX];
    /* Compressing takes and returns a quarter megabyte each time: keep it. */
    mallopt(M_TOP_PAD, 1 << 20);
    mallopt(M_TRIM_THRESHOLD, 64 << 20);
    find_end(&m);
    if (scan(&m) != 0 || !(m.symboliser = wr_symboliser_new())) {
        wr_say("out of memory: the regions stay in %s", r->run_dir);
        return -1;
    }
    if (m.sources.count > m.going && wr_place_make(r->out_dir) != 0)
        wr_say("cannot make %s: %s", r->out_dir, strerror(errno));
    m.main_image = find_main(&m);
    m.lost = r->leaks ? wr_lost_new(r->leaks) : NULL;
    for (size_t i = 0; i < m.sources.count; i++)
        if (has_ended(&m.sources.list[i]))
            finish_image(&m, &m.sources.list[i]);
    if (!r->quiet)
        summarise(&m);
    int64_t leaked = m.lost ? wr_lost_show(m.lost, r->quiet) : -1;
    wr_sweep_unfinished(r->run_dir);
    rmdir(r->run_dir); /* when nothing was left in it */
    if (wr_region_directory(base, sizeof base, false) == 0)
        wr_sweep_runs(base, WR_RUNS_KEPT);
    if (m.told) {
        wr_judgement_fini(&m.judgement);
        wr_story_fini(&m.story);
    }
    wr_reclaimed_fini(&m.reclaimed);
    wr_profile_free(m.main);
    wr_symboliser_free(m.symboliser);
    wr_sources_free(&m.sources);
    return leaked;
}
