/* weir watch: a process under Weir, live in the terminal. */
#include <getopt.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/clock.h"
#include "weir/choose.h"
#include "weir/cmd.h"
#include "weir/number.h"
#include "weir/watched.h"

enum { PLAIN_SITES = 15 };

struct options {
    uint64_t pid; /* 0: the only one */
    double interval_s;
    bool once, json;
    enum wr_watch_sort sort;
};

static int
parse_interval(const char *text, double *seconds)
{
    char *end;
    *seconds = strtod(text, &end);
    return end != text && !*end && *seconds >= 0.1 && *seconds <= 86400 ? 0
                                                                        : -1;
}

/* 0, or the exit status + 1. */
static int
parse(struct options *o, int argc, char **argv)
{
    static const struct option known[] = {
        {"interval", required_argument, NULL, 'n'},
        {"sort", required_argument, NULL, 's'},
        {"once", no_argument, NULL, '1'},
        {"json", no_argument, NULL, 'j'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    int c;
    *o = (struct options){.interval_s = 1};
    optind = 1;
    while ((c = getopt_long(argc, argv, "n:s:1jh", known, NULL)) != -1) {
        if (c == 'h')
            return wr_help_print(stdout, wr_command_find("watch")), 1;
        if (c == '?')
            return wr_usage_error("watch") + 1;
        if (c == 'n' && parse_interval(optarg, &o->interval_s) != 0) {
            wr_say("watch: -n takes seconds, 0.1 to 86400");
            return WR_EXIT_USAGE + 1;
        }
        if (c == 's' && (o->sort = wr_watch_sort_of(optarg)) == WR_SORTS) {
            wr_say("watch: -s takes inuse, change, blocks, allocs or name");
            return WR_EXIT_USAGE + 1;
        }
        o->once |= c == '1';
        o->json |= c == 'j';
    }
    if (argc - optind > 1) {
        wr_say("watch: one process at a time");
        return wr_usage_error("watch") + 1;
    }
    if (argv[optind] &&
        (wr_number_plain(argv[optind], INT32_MAX, &o->pid) || o->pid == 0)) {
        wr_say("watch: %s is no process id (weir ps lists them)", argv[optind]);
        return WR_EXIT_USAGE + 1;
    }
    return 0;
}

/* ---- without a terminal ---- */

/* Wait; false when nobody reads any more. */
static bool
wait_for_reader(double seconds)
{
    struct pollfd out = {.fd = STDOUT_FILENO, .events = 0};
    int n = poll(&out, 1, (int)(seconds * 1000));
    return n <= 0 || (out.revents & (POLLERR | POLLHUP)) == 0;
}

static int
watch_plainly(struct wr_watched *p, struct wr_watch *w, const struct options *o)
{
    for (;;) {
        if (wr_watched_refresh(p, w) != 0) {
            wr_say("%s", w->message);
            return 1;
        }
        if (o->json)
            wr_watch_print_json(w, o->once, stdout);
        else
            wr_watch_print(w, PLAIN_SITES, stdout);
        if (fflush(stdout) != 0 || o->once || w->ended[0] ||
            !wait_for_reader(o->interval_s))
            return 0;
        if (!o->json)
            putchar('\n');
    }
}

/* ---- in a terminal ---- */

static int
ms_until(uint64_t ns)
{
    uint64_t now = wr_clock_ns(CLOCK_MONOTONIC);
    return ns > now ? (int)((ns - now + 999999) / 1000000) : 0;
}

static void
act(enum wr_watch_action action, struct wr_watched *p, struct wr_watch *w)
{
    if (action == WR_WATCH_SAVE)
        wr_watched_save(p, w);
    else if (action == WR_WATCH_FLAME)
        wr_watched_flame(p, w);
    else if (action == WR_WATCH_MARK_PAST)
        wr_watched_mark_past(p, w);
}

static void
watch_on(const struct wr_screen *screen, bool utf8, struct wr_watched *p,
         struct wr_watch *w, const struct options *o)
{
    enum wr_watch_action action = WR_WATCH_NOTHING;
    uint64_t next = 0;
    while (action != WR_WATCH_QUIT) {
        if (ms_until(next) == 0) {
            (void)wr_watched_refresh(p, w);
            next =
                wr_clock_ns(CLOCK_MONOTONIC) + (uint64_t)(o->interval_s * 1e9);
        }
        wr_watch_draw(w, screen, utf8);
        action = wr_watch_key(w, screen->key(ms_until(next)));
        act(action, p, w);
    }
}

static bool
is_terminal(void)
{
    const char *term = getenv("TERM");
    return isatty(STDOUT_FILENO) && isatty(STDIN_FILENO) && term && *term &&
           strcmp(term, "dumb") != 0;
}

static bool
wants_screen(const struct options *o)
{
    return !o->once && !o->json && is_terminal();
}

/* The screen, begun; NULL: text will do. -1: there should be one and is not. */
static int
begin_screen(const struct wr_screen **screen, const struct options *o)
{
    *screen = NULL;
    if (!wants_screen(o))
        return 0;
    *screen = wr_screen_load();
    if (!*screen)
        return -1;
    if ((*screen)->begin(wr_colour(stdout)) != 0)
        *screen = NULL;
    return 0;
}

static int
watch(struct wr_watched *p, const struct options *o,
      const struct wr_screen *screen, bool utf8)
{
    struct wr_watch w;
    int status = 0;
    wr_watch_init(&w, p->one->program);
    w.sort = o->sort;
    if (screen)
        watch_on(screen, utf8, p, &w, o);
    else
        status = watch_plainly(p, &w, o);
    wr_watch_fini(&w);
    return status;
}

/* Of several processes one is chosen on the screen. 0, or -1 with a sentence;
 * p->one is NULL when none was. */
static int
choose(struct wr_watched *p, const struct wr_screen *screen, bool utf8,
       char *why, size_t n)
{
    uint32_t pid = screen ? wr_choose(screen, utf8) : 0;
    return screen && pid == 0 ? 0 : wr_watched_open(p, pid, why, n);
}

/* On a screen or without; p is open, unless one of several is to be chosen. */
static int
show(struct wr_watched *p, const struct options *o, bool several, char *why,
     size_t n)
{
    const struct wr_screen *screen;
    int status = 0;
    bool utf8 = wr_utf8();
    if (begin_screen(&screen, o) != 0)
        return 1;
    if (several)
        status = choose(p, screen, utf8, why, n) != 0;
    if (status == 0 && p->one)
        status = watch(p, o, screen, utf8);
    if (screen)
        screen->end();
    return status;
}

int
wr_cmd_watch(int argc, char **argv)
{
    struct wr_watched p = {.one = NULL};
    struct options o;
    char why[300] = "";
    int status = parse(&o, argc, argv);
    if (status != 0)
        return status - 1;
    bool several = o.pid == 0 && wants_screen(&o) && wr_choose_must();
    if (!several)
        status = wr_watched_open(&p, (uint32_t)o.pid, why, sizeof why) != 0;
    if (status == 0)
        status = show(&p, &o, several, why, sizeof why);
    if (why[0])
        wr_say("%s", why);
    wr_watched_close(&p);
    return status;
}
