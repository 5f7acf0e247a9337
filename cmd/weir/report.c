/* Report.
 *
 * 1. A region is removed only after both of its profiles were written whole.
 * 2. The heap and the allocs profile are one profile encoded twice: only the
 *    type shown first differs.
 */
#include "weir/report.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "analyse/profile.h"
#include "analyse/symbol.h"
#include "analyse/top.h"
#include "serve/source.h"
#include "serve/sweep.h"
#include "weir/caller.h"
#include "weir/cmd.h"
#include "weir/place.h"
#include "weir/supervise.h"
#include <weir/memstats.h>

#define SITES           5  /* shown in the summary */
#define STRAGGLER_TRIES 40 /* of 5 ms each */
#define NAMESAKES       1000

struct making {
    const struct wr_report *r;
    struct wr_sources sources;
    struct wr_symboliser *symboliser;
    struct wr_profile *main; /* of the image the summary is about */
    const struct wr_source *main_image;
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

/* A new file "PROGRAM.PID.KIND.pb.gz", numbered if that exists: descriptor
 * and path, or -1. */
static int
create(char *path, size_t bytes, const char *dir, const struct wr_source *one,
       const char *kind)
{
    for (int i = 1; i < NAMESAKES; i++) {
        char number[16] = "";
        if (i > 1)
            snprintf(number, sizeof number, ".%d", i);
        int n = snprintf(path, bytes, "%s/%s.%u%s.%s.pb.gz", dir,
                         one->program[0] ? one->program : "program", one->pid,
                         number, kind);
        if (n < 0 || (size_t)n >= bytes) {
            errno = ENAMETOOLONG;
            return -1;
        }
        int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (fd >= 0 || errno != EEXIST)
            return fd;
    }
    return -1;
}

static int
write_all(int fd, const unsigned char *bytes, size_t count)
{
    while (count > 0) {
        ssize_t n = write(fd, bytes, count);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return -1;
        bytes += n;
        count -= (size_t)n;
    }
    return 0;
}

static int
save(const struct making *m, const struct wr_source *one,
     const struct wr_profile *p, const char *kind, char *path)
{
    char why[WR_WHY];
    unsigned char *bytes;
    size_t count;
    if (wr_profile_encode(p, true, &bytes, &count, why, sizeof why) != 0) {
        wr_say("no profile of %s (pid %u): %s", one->program, one->pid, why);
        return -1;
    }
    int fd = create(path, WR_PATH_MAX, m->r->out_dir, one, kind);
    int rc = fd < 0 ? -1 : write_all(fd, bytes, count);
    if (fd >= 0 && close(fd) != 0)
        rc = -1;
    if (rc != 0) {
        wr_say("cannot write %s: %s", path, strerror(errno));
        if (fd >= 0)
            unlink(path);
    }
    free(bytes);
    return rc;
}

static int
save_both(struct making *m, const struct wr_source *one, struct wr_profile *p)
{
    char heap[WR_PATH_MAX], allocs[WR_PATH_MAX];
    if (save(m, one, p, "heap", heap) != 0)
        return -1;
    if (one == m->main_image || !m->first[0])
        memcpy(m->first, heap, sizeof heap);
    uint32_t old = p->default_type;
    p->default_type = wr_profile_string(p, "alloc_space");
    int rc = save(m, one, p, "allocs", allocs);
    p->default_type = old;
    return rc;
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
    if (save_both(m, one, p) == 0) {
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
print_end(const struct wr_report *r)
{
    const char *slash = strrchr(r->program, '/');
    const char *bold = wr_colour(stderr) ? "\033[1m" : "";
    const char *plain = *bold ? "\033[0m" : "";
    fprintf(stderr, "weir: %s%s%s (pid %u) ", bold,
            slash ? slash + 1 : r->program, plain, r->pid);
    if (WIFSIGNALED(r->status))
        fprintf(stderr, "was killed by signal %d (%s)", WTERMSIG(r->status),
                strsignal(WTERMSIG(r->status)));
    else
        fprintf(stderr, "ended with status %d", WEXITSTATUS(r->status));
    fprintf(stderr, " after %.2f s\n", r->seconds);
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

static double
percent(int64_t part, int64_t whole)
{
    return whole ? 100.0 * (double)part / (double)whole : 0;
}

static void
print_site(const struct wr_profile *p, uint32_t type, const struct wr_top *top,
           const struct wr_top_row *row)
{
    char value[32];
    int64_t part;
    const char *caller = wr_caller_biggest(p, type, row->name, &part);
    wr_value_format(value, sizeof value, row->flat, top->unit);
    fprintf(stderr, "    %10s %5.1f%%  %s", value,
            percent(row->flat, top->total), row->name);
    if (caller && part <= row->flat)
        fprintf(stderr, ", %.0f%% of it for %s", percent(part, row->flat),
                caller);
    fputc('\n', stderr);
}

/* The biggest sites still in use, or, when nothing is, of all allocated. */
static void
print_sites(struct wr_profile *p)
{
    struct wr_top top;
    uint32_t type = wr_profile_find_type(p, "inuse_space");
    const char *title = "in use at the end";
    if (type == WR_NONE || wr_profile_total(p, type) == 0) {
        type = wr_profile_find_type(p, "alloc_space");
        title = "ever allocated";
    }
    if (type == WR_NONE || wr_top_make(&top, p, type) != 0)
        return;
    if (top.count > 0)
        fprintf(stderr, "  biggest sites, %s:\n", title);
    for (size_t i = 0; i < top.count && i < SITES && top.rows[i].flat; i++)
        print_site(p, type, &top, &top.rows[i]);
    wr_top_fini(&top);
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
        fprintf(stderr, "  profiles in %s\n  next: weir top %s\n",
                m->r->out_dir, m->first);
}

static void
summarise(const struct making *m)
{
    print_end(m->r);
    if (!m->main_image) {
        fputs("  nothing was recorded: the program never loaded libweir.so "
              "(does it clear its environment?)\n",
              stderr);
        return;
    }
    print_numbers(m->main_image);
    if (m->main)
        print_sites(m->main);
    print_rest(m);
}

void
wr_report_make(const struct wr_report *r)
{
    struct making m = {.r = r};
    char base[WR_PATH_MAX];
    /* Compressing takes and returns a quarter megabyte each time: keep it. */
    mallopt(M_TOP_PAD, 1 << 20);
    mallopt(M_TRIM_THRESHOLD, 64 << 20);
    if (scan(&m) != 0 || !(m.symboliser = wr_symboliser_new())) {
        wr_say("out of memory: the regions stay in %s", r->run_dir);
        return;
    }
    if (m.sources.count > m.going && wr_place_make(r->out_dir) != 0)
        wr_say("cannot make %s: %s", r->out_dir, strerror(errno));
    m.main_image = find_main(&m);
    for (size_t i = 0; i < m.sources.count; i++)
        if (has_ended(&m.sources.list[i]))
            finish_image(&m, &m.sources.list[i]);
    if (!r->quiet)
        summarise(&m);
    wr_sweep_unfinished(r->run_dir);
    rmdir(r->run_dir); /* when nothing was left in it */
    if (wr_region_directory(base, sizeof base, false) == 0)
        wr_sweep_runs(base, WR_RUNS_KEPT);
    wr_profile_free(m.main);
    wr_symboliser_free(m.symboliser);
    wr_sources_free(&m.sources);
}
