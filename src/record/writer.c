/* Writing a trace.
 *
 * 1. All that belongs to the process is in *state, in pages that a fork hands
 *    on empty: a child finds a free lock and no file, whatever its parent's
 *    other threads were doing.
 * 2. state->lock guards the rest of it and the mappings. Nobody waits for it
 *    who holds it: `noting` tells.
 * 3. header->bytes is raised after an event is whole, so a reader of the
 *    file of a killed process finds whole events only.
 * 4. Files are mapped a window at a time; at the start of an event the window
 *    has room for the longest one.
 */
#include "record/writer.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "base/text.h"

#define WINDOW      ((size_t)1 << 20)
#define EVENT_MOST  64 /* bytes, with a change of thread */
#define PAGE        ((uint64_t)4096)
#define NAMES_TRIED 1000
#define PATH_MOST   900 /* a pid, a number and a sentence fit beside it */

enum stage { NEW, RECORDING, STOPPED };

struct state {
    _Atomic uint32_t lock;
    enum stage stage;
    uint32_t pid, threads, thread; /* thread: whose the last event was */
    uint64_t last;                 /* address */
    uint64_t end;                  /* of the events, from the file's start */
    uint64_t window_at;            /* in the file */
    unsigned char *window;
    struct wr_trace_header *header;
    char path[1024];
};

static _Atomic(struct state *) the_state;

static __thread bool noting;
static __thread uint32_t own_number, own_pid; /* valid while own_pid fits */

/* --- The process's state -------------------------------------------------- */

static struct state *
state_make(void)
{
    struct state *none = NULL;
    struct state *s = mmap(NULL, sizeof *s, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (s == MAP_FAILED)
        return NULL;
    if (madvise(s, sizeof *s, MADV_WIPEONFORK) != 0)
        s->stage = STOPPED; /* a child would write into its parent's file */
    if (atomic_compare_exchange_strong(&the_state, &none, s))
        return s;
    munmap(s, sizeof *s);
    return none;
}

static void
stop(struct state *s, const char *path)
{
    struct wr_text t;

    s->stage = STOPPED;
    wr_text_init(&t);
    wr_text_str(&t, "weir: allocations are not recorded");
    wr_text_str(&t, s->end != 0 ? " any further: " : ": ");
    wr_text_str(&t, path);
    wr_text_str(&t, ": ");
    wr_text_str(&t, strerrordesc_np(errno));
    wr_text_str(&t, "\n");
    if (write(STDERR_FILENO, t.buf, t.len) < 0)
        return; /* there is nobody to tell */
}

/* --- Its file ------------------------------------------------------------- */

/* path, path.PID, path.PID.2, ...: the first that was not there. */
static int
create(struct state *s, const char *path)
{
    struct wr_text t;
    int fd = -1;

    for (unsigned i = 0; i < NAMES_TRIED && fd < 0; i++) {
        wr_text_init(&t);
        wr_text_str(&t, path);
        if (i > 0) {
            wr_text_str(&t, ".");
            wr_text_uint(&t, s->pid);
        }
        if (i > 1) {
            wr_text_str(&t, ".");
            wr_text_uint(&t, i);
        }
        fd = open(t.buf, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (fd < 0 && errno != EEXIST)
            return -1;
    }
    memcpy(s->path, t.buf, t.len + 1);
    return fd;
}

static void *
map_part(int fd, uint64_t at, size_t bytes)
{
    void *p;

    /* Space that is there before it is written to: no SIGBUS later. */
    if ((errno = posix_fallocate(fd, (off_t)at, (off_t)bytes)) != 0)
        return NULL;
    p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)at);
    if (p == MAP_FAILED)
        return NULL;
    madvise(p, bytes, MADV_DONTFORK);
    return p;
}

static bool
map_window(struct state *s, int fd)
{
    if (s->window != NULL)
        munmap(s->window, WINDOW);
    s->window_at = s->end & ~(PAGE - 1);
    s->window = map_part(fd, s->window_at, WINDOW);
    return s->window != NULL;
}

static void
fill_header(struct state *s)
{
    struct wr_trace_header *h = s->header;

    h->magic = WR_TRACE_MAGIC;
    h->version = WR_TRACE_VERSION;
    h->pid = s->pid;
    if (readlink("/proc/self/exe", h->program, sizeof h->program - 1) < 0)
        h->program[0] = '\0';
}

static void
begin_file(struct state *s, const char *path)
{
    int fd = create(s, path);

    if (fd >= 0)
        s->header = map_part(fd, 0, PAGE);
    if (s->header != NULL && map_window(s, fd)) {
        fill_header(s);
        s->end = sizeof *s->header;
        s->stage = RECORDING;
    } else {
        stop(s, path);
    }
    if (fd >= 0)
        close(fd);
}

static void
start(struct state *s)
{
    const char *path = getenv(WR_RECORD_VARIABLE);

    s->pid = (uint32_t)getpid();
    if (path == NULL || *path == '\0') {
        s->stage = STOPPED;
    } else if (*path == '/' && strlen(path) <= PATH_MOST) {
        begin_file(s, path);
    } else {
        errno = *path == '/' ? ENAMETOOLONG : EINVAL;
        stop(s, WR_RECORD_VARIABLE);
    }
}

static void
next_window(struct state *s)
{
    int fd = open(s->path, O_RDWR | O_CLOEXEC);

    if (fd < 0 || !map_window(s, fd))
        stop(s, s->path);
    if (fd >= 0)
        close(fd);
}

/* --- Events --------------------------------------------------------------- */

static unsigned char *
put_number(unsigned char *out, uint64_t n)
{
    for (; n > 127; n >>= 7)
        *out++ = (unsigned char)(n | 128);
    *out++ = (unsigned char)n;
    return out;
}

static unsigned char *
put_address(struct state *s, unsigned char *out, const void *p)
{
    int64_t step = (int64_t)((uint64_t)(uintptr_t)p - s->last) >> 3;

    s->last = (uint64_t)(uintptr_t)p;
    return put_number(out, ((uint64_t)step << 1) ^ (uint64_t)(step >> 63));
}

static unsigned char *
put_thread(struct state *s, unsigned char *out)
{
    if (own_pid != s->pid) {
        own_pid = s->pid;
        own_number = s->threads++;
    } else if (own_number == s->thread) {
        return out;
    }
    s->thread = own_number;
    *out++ = WR_TRACE_THREAD;
    return put_number(out, own_number);
}

struct event {
    enum wr_trace_event kind;
    unsigned align_log2;
    size_t bytes;
    const void *p;
};

static void
append(struct state *s, const struct event *e)
{
    unsigned char *at = s->window + (s->end - s->window_at);
    unsigned char *out = put_thread(s, at);

    *out++ = (unsigned char)e->kind;
    if (e->kind == WR_TRACE_ALIGNED)
        out = put_number(out, e->align_log2);
    if (e->kind != WR_TRACE_FREE && e->kind != WR_TRACE_MOVE_FROM)
        out = put_number(out, e->bytes);
    out = put_address(s, out, e->p);
    s->end += (uint64_t)(out - at);
    s->header->events++;
    atomic_signal_fence(memory_order_seq_cst);
    s->header->bytes = s->end - sizeof *s->header;
}

static void
note_locked(struct state *s, const struct event *e)
{
    if (s->stage == NEW)
        start(s);
    if (s->stage == RECORDING && s->end + EVENT_MOST > s->window_at + WINDOW)
        next_window(s);
    if (s->stage == RECORDING)
        append(s, e);
}

static void
note(const struct event *e)
{
    struct state *s = atomic_load_explicit(&the_state, memory_order_acquire);
    int saved = errno;

    if (e->p == NULL || noting)
        return;
    noting = true;
    if (s == NULL)
        s = state_make();
    if (s != NULL) {
        while (atomic_exchange_explicit(&s->lock, 1, memory_order_acquire))
            sched_yield();
        note_locked(s, e);
        atomic_store_explicit(&s->lock, 0, memory_order_release);
    }
    noting = false;
    errno = saved;
}

void
wr_writer_birth(enum wr_trace_event kind, size_t bytes, unsigned align_log2,
                const void *p)
{
    note(&(struct event){kind, align_log2, bytes, p});
}

void
wr_writer_free(const void *p)
{
    note(&(struct event){WR_TRACE_FREE, 0, 0, p});
}

void
wr_writer_move_from(const void *p)
{
    note(&(struct event){WR_TRACE_MOVE_FROM, 0, 0, p});
}

void
wr_writer_move_to(size_t bytes, const void *p)
{
    note(&(struct event){WR_TRACE_MOVE_TO, 0, bytes, p});
}
