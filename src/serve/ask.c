/* Asking.
 *
 * 1. While one asks it holds the lock of the region's file: there is one
 *    request at a time, and a file "<region>.ask" that is there is its own.
 * 2. An answer with another ticket is one that somebody gave up to wait for:
 *    it is left to be replaced.
 */
#include "serve/ask.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include "analyse/profile.h"
#include "analyse/store.h"
#include "base/clock.h"
#include "serve/capture.h"

#define LOOK_NS  2000000                   /* between looks for the answer */
#define ALIVE_NS 100000000                 /* between looks whether it lives */
#define AGAIN_NS 1000000000                /* then another thread is asked */
#define BUSY_NS  10 * UINT64_C(1000000000) /* for so long Weir's own may be */
#define MS       UINT64_C(1000000)

typedef char path_text[WR_PATH_MAX + 16];

struct asking {
    const struct wr_source *one;
    struct wr_ask *ask;
    int region; /* its file, whose lock we hold */
    uint64_t until, look_again;
    path_text request, answer;
};

/* The thread of the n-th running slot, wrapping; the main one first: it is
 * there as long as the program, but may block the signal. */
static uint32_t
nth_thread(const struct wr_region_view *view, unsigned n)
{
    uint32_t found = view->header->pid;
    const struct wr_thread_slot *slot;
    for (uint64_t i = 0; n > 0 && (slot = wr_view_thread(view, i)); i++) {
        if (atomic_load(&slot->state) != WR_THREAD_RUNNING)
            continue;
        found = atomic_load(&slot->tid);
        n--;
    }
    return found;
}

static const char *
obstacle(const struct wr_source *one)
{
    const struct wr_region_header *h = one->view.header;
    if (!one->live || !wr_view_alive(&one->view))
        return "has ended: there is nothing left to search";
    if (!h->capture_signal || !atomic_load(&h->capture_ready))
        return "has taken SIGURG for itself, by which Weir would ask it";
    if (!one->path[0])
        return "has no file beside which the answer could be";
    return NULL;
}

/* Whether it lives is asked seldom: who reads its mappings holds up what makes
 * a copy of them. */
static bool
is_over(struct asking *a)
{
    uint64_t now = wr_clock_ns(CLOCK_MONOTONIC);
    if (now > a->until)
        return true;
    if (now < a->look_again)
        return false;
    a->look_again = now + ALIVE_NS;
    return !wr_view_alive(&a->one->view);
}

static void
pause_a_little(void)
{
    nanosleep(&(struct timespec){.tv_nsec = LOOK_NS}, NULL);
}

/* --- The request --------------------------------------------------------- */

/* Until nobody else asks this program. */
static bool
take_turn(struct asking *a)
{
    a->region = open(a->one->path, O_RDONLY | O_CLOEXEC);
    while (a->region >= 0 && flock(a->region, LOCK_EX | LOCK_NB) != 0) {
        if ((errno != EWOULDBLOCK && errno != EINTR) || is_over(a))
            return false;
        pause_a_little();
    }
    return a->region >= 0;
}

/* The program may be another user's, when it is root who asks. */
static bool
give_to_owner(const struct asking *a, int fd)
{
    struct stat st;
    return fstat(a->region, &st) == 0 &&
           (st.st_uid == geteuid() || fchown(fd, st.st_uid, st.st_gid) == 0);
}

static bool
write_request(struct asking *a)
{
    char part[sizeof(path_text) + 1];
    snprintf(part, sizeof part, "%s~", a->request);
    unlink(part); /* of one who was killed */
    int fd = open(part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return false;
    bool ok = write(fd, a->ask, sizeof *a->ask) == sizeof *a->ask &&
              give_to_owner(a, fd);
    close(fd);
    ok = ok && rename(part, a->request) == 0;
    if (!ok)
        unlink(part);
    return ok;
}

/* --- The answer ---------------------------------------------------------- */

/* The file, if it is what we asked for. */
static FILE *
look(const struct asking *a)
{
    struct wr_reply head;
    FILE *in = fopen(a->answer, "re");
    if (!in)
        return NULL;
    if (fread(&head, sizeof head, 1, in) == 1 &&
        head.ticket == a->ask->ticket) {
        unlink(a->answer);
        rewind(in);
        return in;
    }
    fclose(in);
    return NULL;
}

/* Weir's own thread, where it sleeps: none of the program's is disturbed. */
static bool
wake_weir(const struct wr_region_header *h)
{
    return syscall(SYS_futex, &h->bell, FUTEX_WAKE, 1, NULL, NULL, 0) > 0;
}

static bool
is_taken(const struct asking *a)
{
    return access(a->request, F_OK) != 0;
}

/* Wake Weir's thread; where it is not there, or does not hear, ask one of the
 * program's after the other, until the answer is there. */
static FILE *
wait_for(struct asking *a)
{
    const struct wr_region_header *h = a->one->view.header;
    uint64_t next = wr_clock_ns(CLOCK_MONOTONIC);
    bool woken = atomic_load(&h->bell) % 2 == 0;
    FILE *in;
    if (!woken)
        next += BUSY_NS;
    for (unsigned thread = 0; !(in = look(a)) && !is_over(a);) {
        uint64_t now = wr_clock_ns(CLOCK_MONOTONIC);
        woken = woken || wake_weir(h);
        if (now >= next && !is_taken(a)) {
            (void)wr_capture_ask(h, nth_thread(&a->one->view, thread++),
                                 h->capture_cookie + WR_ASK_FILE);
            next = now + AGAIN_NS * (thread > 3 ? 10 : 1);
        }
        pause_a_little();
    }
    return in;
}

static FILE *
fail(FILE *in, const struct asking *a, const char *what, char *why, size_t n)
{
    if (in)
        fclose(in);
    wr_profile_fail(why, n, "process %u %s", a->one->pid, what);
    return NULL;
}

static const char *
refusal(uint32_t where)
{
    switch (where) {
    case WR_WHERE_FORBIDDEN:
        return "could not be searched: it may not make a copy of itself (a "
               "limit of processes, a filter of system calls), and in place, "
               "where that is possible, only --in-place would do it";
    case WR_WHERE_MEMORY:
        return "could not be searched: a copy of it could use up the memory "
               "that is left, and in place, where that is possible, only "
               "--in-place would do it";
    default:
        return "could not be searched: its threads could not be stopped, there "
               "was no memory, or no room for the answer";
    }
}

/* What it is that the program did not do. */
static FILE *
judge(FILE *in, const struct asking *a, char *why, size_t n)
{
    struct wr_reply head;
    if (!in && unlink(a->request) == 0)
        return fail(in, a,
                    "gave no answer: its threads block SIGURG, or it may "
                    "start no thread of Weir's (a filter of system calls)",
                    why, n);
    if (!in)
        return fail(in, a, "began to search and did not end in time", why, n);
    if (fread(&head, sizeof head, 1, in) == 1 && head.trust == WR_TRUST_REFUSED)
        return fail(in, a, refusal(head.where), why, n);
    rewind(in);
    return in;
}

static FILE *
ask_in_turn(struct asking *a, char *why, size_t n)
{
    if (!take_turn(a))
        return fail(NULL, a, "is being asked by somebody else", why, n);
    if (!write_request(a))
        return fail(NULL, a,
                    "cannot be asked: no file can be written beside its region",
                    why, n);
    return judge(wait_for(a), a, why, n);
}

FILE *
wr_ask_source(const struct wr_source *one, struct wr_ask *ask,
              const char *suffix, unsigned wait_ms, char *why, size_t n)
{
    struct asking a = {.one = one,
                       .ask = ask,
                       .region = -1,
                       .until = wr_clock_ns(CLOCK_MONOTONIC) + wait_ms * MS};
    const char *what = obstacle(one);
    if (what)
        return fail(NULL, &a, what, why, n);
    ask->magic = WR_ASK_MAGIC;
    ask->version = WR_ASK_VERSION;
    if (getrandom(&ask->ticket, sizeof ask->ticket, 0) < 0)
        ask->ticket = wr_clock_ns(CLOCK_MONOTONIC);
    snprintf(a.request, sizeof a.request, "%s%s", one->path, WR_ASK_SUFFIX);
    snprintf(a.answer, sizeof a.answer, "%s%s", one->path, suffix);
    FILE *in = ask_in_turn(&a, why, n);
    if (a.region >= 0)
        close(a.region);
    return in;
}
