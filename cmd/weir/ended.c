/* Ended. */
#include "weir/ended.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include "analyse/profile.h"
#include "region/history.h"
#include "serve/source.h"
#include "weir/cmd.h"
#include "weir/number.h"
#include "weir/pick.h"

struct asked {
    const char *command, *word;
    bool running;
    int (*call)(const struct wr_source *one, void *arg);
    void *arg;
};

/* --- Which --------------------------------------------------------------- */

/* Wall time of the last thing that is known of it. */
static uint64_t
last_sign(const struct wr_source *one)
{
    const struct wr_region_header *h = one->view.header;
    struct wr_point p;
    uint64_t end = atomic_load(&h->end_ns);
    if (end)
        return end;
    return h->start_ns + (wr_history_read(&one->view, WR_HISTORY_SECONDS, &p, 1)
                              ? p.uptime_ns
                              : 0);
}

static const struct wr_source *
last_ended(const struct wr_sources *s)
{
    const struct wr_source *last = NULL;
    for (size_t i = 0; i < s->count; i++)
        if (!s->list[i].live && !s->list[i].replaced &&
            (!last || last_sign(&s->list[i]) > last_sign(last)))
            last = &s->list[i];
    return last;
}

static bool
died(const struct wr_source *one)
{
    return !one->live && !one->replaced &&
           atomic_load(&one->view.header->state) != WR_REGION_EXITED;
}

/* --- The places ---------------------------------------------------------- */

/* Those that died, each; when none did, the one that ended last. */
static int
call_all(const struct asked *a, const struct wr_sources *s)
{
    const struct wr_source *last = last_ended(s);
    size_t called = 0;
    int most = 0;
    for (size_t i = 0; i < s->count; i++) {
        if (!died(&s->list[i]))
            continue;
        int status = a->call(&s->list[i], a->arg);
        most = status > most ? status : most;
        called++;
    }
    if (called > 0)
        return most;
    if (last)
        return a->call(last, a->arg);
    wr_say("%s: no process of %s has ended; weir %s PID tells of one that runs",
           a->command, a->word, a->command);
    return 1;
}

static int
call_directory(const struct asked *a)
{
    struct wr_sources s;
    int status = 1;
    if (wr_sources_scan(&s, a->word, WR_SCAN_RUNS) != 0)
        return wr_say("out of memory"), 1;
    if (s.count == 0)
        wr_say("%s: no regions in %s; what a finished weir run left there are "
               "PROGRAM.PID.report.txt and profiles",
               a->command, a->word);
    else
        status = call_all(a, &s);
    wr_sources_free(&s);
    return status;
}

/* The region of that file name among those of its directory. */
static const struct wr_source *
find_file(const struct wr_sources *s, const char *name)
{
    for (size_t i = 0; i < s->count; i++) {
        const char *end = strrchr(s->list[i].path, '/');
        if (strcmp(end ? end + 1 : s->list[i].path, name) == 0)
            return &s->list[i];
    }
    return NULL;
}

static int
call_file(const struct asked *a)
{
    char dir[WR_PATH_MAX], why[WR_WHY];
    const char *slash = strrchr(a->word, '/');
    struct wr_sources s;
    struct wr_region_view view;
    int status = 1;
    if (wr_region_open(&view, a->word, why, sizeof why) != 0)
        return wr_say("%s: %s: %s", a->command, a->word, why), 1;
    wr_region_close(&view);
    snprintf(dir, sizeof dir, "%.*s", slash ? (int)(slash - a->word) + 1 : 1,
             slash ? a->word : ".");
    if (wr_sources_scan(&s, dir, WR_SCAN_HERE) != 0)
        return wr_say("out of memory"), 1;
    const struct wr_source *one = find_file(&s, slash ? slash + 1 : a->word);
    if (one)
        status = a->call(one, a->arg);
    else
        wr_say("%s: %s is a region, but is not called <pid>%s: rename it",
               a->command, a->word, WR_REGION_SUFFIX);
    wr_sources_free(&s);
    return status;
}

/* pid 0: the one that is meant without a word. */
static const struct wr_source *
find_process(const struct asked *a, const struct wr_sources *s, uint32_t pid,
             char *why, size_t n)
{
    if (pid || (a->running && wr_sources_live(s) > 0))
        return wr_pick(s, pid, why, n);
    snprintf(why, n,
             "no program has left a region. Those of a finished weir run are "
             "in its directory as reports and profiles");
    return last_ended(s);
}

static int
call_process(const struct asked *a, uint32_t pid)
{
    char why[WR_WHY];
    struct wr_sources s;
    int status = 1;
    if (wr_sources_scan(&s, NULL, WR_SCAN_ALL) != 0)
        return wr_say("out of memory"), 1;
    const struct wr_source *one = find_process(a, &s, pid, why, sizeof why);
    if (one)
        status = a->call(one, a->arg);
    else
        wr_say("%s: %s", a->command, why);
    wr_sources_free(&s);
    return status;
}

int
wr_ended_each(const char *command, const char *word, bool running,
              int (*call)(const struct wr_source *one, void *arg), void *arg)
{
    struct asked a = {command, word, running, call, arg};
    struct stat st;
    uint64_t pid = 0;
    if (word && stat(word, &st) == 0)
        return S_ISDIR(st.st_mode) ? call_directory(&a) : call_file(&a);
    if (!word || (wr_number_plain(word, INT32_MAX, &pid) == 0 && pid))
        return call_process(&a, (uint32_t)pid);
    wr_say("%s: %s is no process id, region or directory", command, word);
    return 1;
}
