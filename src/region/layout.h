/* The observable region: what a program under Weir shows of itself.
 *
 * One file per process image, mapped shared by the program (the writer) and
 * read by anybody who may open it (mode 0600). Nothing a reader needs lives
 * anywhere else, so the file of a killed program tells as much as that of a
 * running one. docs/REGION.md is the same in prose.
 *
 *     offset 0   struct wr_region_header
 *     then the tables, each where header.table[] says:
 *       threads   struct wr_thread_slot[capacity]
 *       modules   struct wr_module[capacity]
 *       buckets   struct wr_bucket[capacity]
 *       stacks    a pool of 8-byte words holding struct wr_stack records
 *       history   two rings of struct wr_history_slot
 *       marks     a ring of struct wr_mark_slot
 *       past      one struct wr_past: what the buckets held before
 *       fds       one struct wr_fds: who opened which descriptor
 *       budgets   struct wr_budget_slot[capacity]: the program's budgets
 *       joinable  struct wr_joinable[capacity]: threads that nobody joined yet
 *       overflow  one struct wr_overflow: the stack that was used up
 *       ledger    struct wr_ledger_slot[capacity]: the sampled live blocks
 *       collector one struct wr_collector: cycles, pauses, goal
 *       meters    struct wr_meter[capacity]: the program's pools and caches
 *
 * Rules that make reading safe without the writer's locks:
 *   1. The file is filled from its start and never shrinks; a table's used
 *      count is stored (release) only after the entries it covers are whole.
 *      A reader loads the count (acquire) first. What a killed writer left
 *      unfinished lies behind the count and does not exist.
 *   2. Entries are never moved or removed. Fields that change after that are
 *      aligned 8-byte words written by single stores or atomic adds.
 *   3. Counts never fall. Where "in use" is a difference, a reader loads the
 *      subtrahend (frees) before the minuend (allocs), so it is never below
 *      zero on a live region.
 *      Rings overwrite their oldest entry. Each of their entries says itself
 *      which one it is and whether it is whole.
 *   4. header.magic is stored last when a region is made: a file without it
 *      is not (yet) a region.
 * Units: bytes, nanoseconds, unless a field says otherwise. Byte order and
 * word size are the machine's: a region is read on the machine it was made.
 */
#ifndef WR_REGION_LAYOUT_H
#define WR_REGION_LAYOUT_H

#include <stdatomic.h>
#include <stdint.h>

#define WR_REGION_MAGIC   UINT64_C(0x314e474552524957) /* "WIRREGN1" */
#define WR_REGION_VERSION 1u
#define WR_REGION_SUFFIX  ".weir"

#define WR_CLASS_MAX    80  /* size classes a region has room for */
#define WR_STACK_FRAMES 128 /* frames kept of one stack */
#define WR_PATH_MAX     512
#define WR_AGES         16 /* classes of age, by powers of two */
#define WR_AGE_UNIT_NS  (UINT64_C(1) << 30) /* 1.07 s */
#define WR_LEDGER_SLOTS (1u << 18) /* sampled live blocks; slot 0 is none */

enum wr_region_state {
    WR_REGION_LIVE = 1,   /* the process may still run: ask the kernel */
    WR_REGION_EXITED = 2, /* it went through exit() and its counts are final */
    WR_REGION_EXECED = 3  /* reserved: the image was replaced by exec */
};

enum wr_table_id {
    WR_TABLE_THREADS,
    WR_TABLE_MODULES,
    WR_TABLE_BUCKETS,
    WR_TABLE_STACKS,
    WR_TABLE_HISTORY,
    WR_TABLE_MARKS,
    WR_TABLE_PAST,
    WR_TABLE_FDS,
    WR_TABLE_BUDGETS,
    WR_TABLE_JOINABLE,
    WR_TABLE_OVERFLOW,
    WR_TABLE_LEDGER,
    WR_TABLE_COLLECTOR,
    WR_TABLE_METERS,
    WR_TABLE_COUNT = 16 /* room for later ones; absent: capacity 0 */
};

struct wr_table {
    uint64_t offset;       /* from the file's start, page-aligned */
    uint32_t stride;       /* bytes of one entry */
    uint32_t capacity;     /* entries */
    _Atomic uint64_t used; /* entries that exist */
};

/* Process-wide counters. Each is a level (may fall) or a count (never). */
struct wr_counters {
    _Atomic uint64_t heap_mapped; /* level: bytes of address space in use */
    _Atomic uint64_t heap_inuse;  /* level: bytes in spans that hold objects */
    _Atomic uint64_t heap_idle;   /* level: bytes in free spans */
    _Atomic uint64_t heap_released; /* level: part of idle given back */
    _Atomic uint64_t heap_peak;     /* the highest inuse so far */
    _Atomic uint64_t large_allocs;  /* count: blocks above the size classes */
    _Atomic uint64_t large_frees;
    _Atomic uint64_t large_alloc_bytes;
    _Atomic uint64_t large_free_bytes;
    _Atomic uint64_t span_inuse;  /* level: bytes of span records in use */
    _Atomic uint64_t span_sys;    /* level: bytes mapped for them */
    _Atomic uint64_t cache_inuse; /* level: the same for thread caches */
    _Atomic uint64_t cache_sys;
    _Atomic uint64_t profile_sys;  /* level: region and sample tables */
    _Atomic uint64_t other_sys;    /* level: page map and the rest */
    _Atomic uint64_t samples;      /* count: sampled allocations */
    _Atomic uint64_t sample_frees; /* count: sampled blocks freed */
    _Atomic uint64_t samples_lost; /* count: in an "other" bucket */
    _Atomic uint64_t map_failures; /* count: the system refused memory */
    _Atomic uint64_t scavenged;    /* count: bytes ever given back */
    _Atomic uint64_t forks;        /* count: children made by fork */
    _Atomic uint64_t unloads;      /* count: dlclose calls seen */
    _Atomic uint64_t
        ledger_full; /* count: samples of which no birth is known */
    /* The soft limit (include/weir/limit.h); all 0 while there is none. */
    _Atomic uint64_t limit;         /* level: bytes in force; 0: none */
    _Atomic uint64_t limit_flags;   /* WR_LIMIT_IS_* */
    _Atomic uint64_t limit_held;    /* level: bytes held, as of the last look */
    _Atomic uint64_t limit_level;   /* level: 0 none to 3 passed */
    _Atomic uint64_t limit_raised;  /* count: levels begun */
    _Atomic uint64_t limit_given;   /* count: bytes given back for it */
    _Atomic uint64_t limit_work_ns; /* count: time that took */
    _Atomic uint64_t limit_skipped; /* count: work left undone */
    _Atomic uint64_t limit_refused; /* count: large blocks refused */
    _Atomic uint64_t limit_told;    /* count: subscribers called */
    _Atomic uint64_t
        budget_refused; /* count: reservations and blocks, by budgets */
    _Atomic uint64_t reserved[30];
};

#define WR_LIMIT_IS_HARD 1u
#define WR_LIMIT_IS_AUTO 2u

struct wr_region_header {
    _Atomic uint64_t magic; /* WR_REGION_MAGIC, stored last */
    uint32_t version;       /* WR_REGION_VERSION */
    uint32_t header_bytes;  /* sizeof this struct */
    uint64_t region_bytes;  /* the file's length */
    _Atomic uint32_t state; /* enum wr_region_state */
    uint32_t pid;
    uint32_t ppid;
    uint32_t forked_from; /* pid whose image this continues; 0: exec'd */
    uint32_t uid;
    uint32_t frame_max; /* WR_STACK_FRAMES of the writer */
    uint64_t start_ns;  /* CLOCK_REALTIME when the region was made */
    uint64_t start_mono_ns;
    _Atomic uint64_t end_ns;      /* CLOCK_REALTIME at exit(); 0 before */
    _Atomic uint64_t sample_rate; /* mean bytes between samples; 0: off */
    uint64_t page_bytes;          /* the heap's page */
    uint32_t class_count;         /* size classes, class 0 unused */
    uint32_t capture_signal;      /* see below; 0: no thread stacks */
    /* Thread stacks: a reader of the same user queues capture_signal with
     * value capture_cookie to a thread listed in threads (si_code SI_QUEUE);
     * its handler publishes the counters and stores its stack in its slot.
     * capture_ready is 1 while the handler is in place, and falls to 0 when
     * the program takes the signal for itself or is about to exec. */
    uint64_t capture_cookie;
    _Atomic uint32_t capture_ready;
    uint32_t class_bytes[WR_CLASS_MAX]; /* object size of each size class */
    char weir_version[24];
    char exe[WR_PATH_MAX];  /* the program's file */
    char cmdline[2048];     /* argv joined by NUL; cut if longer */
    uint32_t cmdline_bytes; /* bytes used of it */
    /* By this word Weir's own thread sleeps, where there is one: it is odd
     * then. A reader may wake it (futex(2), FUTEX_WAKE): it looks whether there
     * is a request. */
    _Atomic uint32_t bell;
    struct wr_counters counters;
    struct wr_table table[WR_TABLE_COUNT];
};

/* One size class of one thread slot. allocs of class 0: blocks that began in
 * one that another had begun, which is counted in its class. */
struct wr_class_count {
    _Atomic uint64_t allocs;
    _Atomic uint64_t frees; /* by this thread, whoever allocated */
};

enum wr_thread_state {
    WR_THREAD_EMPTY = 0,
    WR_THREAD_RUNNING = 1,
    WR_THREAD_ENDED = 2 /* the slot may be taken by a later thread */
};

/* A thread. The class counts are of the slot, not of the thread: they go on
 * when a later thread takes the slot, so that sums over slots never fall.
 * They are published at slow paths and lag by about a thousand operations. */
struct wr_thread_slot {
    _Atomic uint32_t state; /* enum wr_thread_state */
    _Atomic uint32_t tid;
    _Atomic uint64_t start_ns;           /* CLOCK_REALTIME */
    _Atomic uint32_t create_stack;       /* where it was made; 0: not known */
    _Atomic uint32_t threads;            /* threads that have used this slot */
    _Atomic uint64_t stack_lo, stack_hi; /* its stack; 0: not known */
    struct wr_class_count count[WR_CLASS_MAX];
    /* The last stack captured on request; seq is odd while it is written. */
    _Atomic uint64_t capture_seq;
    _Atomic uint64_t capture_ns; /* CLOCK_MONOTONIC */
    uint32_t capture_frames;
    uint32_t capture_unloads; /* counters.unloads then */
    uint64_t capture_pc[WR_STACK_FRAMES];
    /* Since when it has been where that stack says without running, but for
     * the captures themselves; CLOCK_MONOTONIC. Written with the stack. */
    uint64_t still_ns;
    uint64_t still_switches; /* how often it had gone to sleep, then */
};

/* A thread had used up its stack, by which the program ended. Of the frames,
 * which may be millions, the first and the last are kept: from them follows
 * which ones repeat. Addresses are as in struct wr_stack. */
#define WR_OVERFLOW_FIRST 192
#define WR_OVERFLOW_LAST  64
struct wr_overflow {
    _Atomic uint64_t when_ns; /* CLOCK_REALTIME, stored last; 0: none */
    uint32_t tid;
    uint32_t main_thread;
    char name[16];
    uint64_t stack_hi; /* where the stack begins */
    uint64_t limit;    /* bytes it may have */
    uint64_t used;     /* from there to the address that was wanted */
    uint64_t frames;   /* all that were walked */
    uint32_t unloads;  /* counters.unloads then */
    uint32_t first_count, last_count, reserved;
    uint64_t first[WR_OVERFLOW_FIRST]; /* innermost first */
    uint64_t last[WR_OVERFLOW_LAST];   /* the outermost ones, likewise */
};

/* A thread that somebody could still join. From when it is made until it is
 * joined or detached; a slot is free when `thread` is 0. */
#define WR_JOINABLE_MOST 4096
struct wr_joinable {
    _Atomic uint64_t thread;   /* its pthread_t; 1: it is being made */
    _Atomic uint64_t ended_ns; /* CLOCK_MONOTONIC; 0: it runs */
    _Atomic uint32_t create_stack;
    _Atomic uint32_t tid;
};

/* A piece of code: one executable segment of a loaded file. Two entries may
 * cover the same addresses when one was unloaded: an address of a stack
 * recorded at `unloads` u belongs to the entry with the highest `born` that
 * is <= u. */
struct wr_module {
    uint64_t start, end;   /* addresses of the segment */
    uint64_t file_offset;  /* of start */
    uint64_t bias;         /* address - address in the file */
    uint64_t born;         /* counters.unloads when it was first seen */
    uint32_t build_id_len; /* bytes of build_id; 0: none */
    uint8_t build_id[32];
    uint8_t main_program; /* 1: the executable itself */
    uint8_t reserved[3];
    char path[WR_PATH_MAX];
};

/* A call stack, in the pool. A stack's number is the index of its first word
 * in the pool; 0 is "no stack" (word 0 is never part of a record). */
struct wr_stack {
    uint64_t hash;
    uint32_t frames;
    uint32_t unloads; /* counters.unloads when it was recorded */
    uint64_t pc[];    /* return addresses, innermost first; a frame that was
                         interrupted by a signal holds its address + 1 */
};

/* Sampled allocations of one size from one stack. Values are raw: a reader
 * multiplies by 1 / (1 - exp(-size / rate)). Stack 0 gathers what found no
 * room, of all sizes: its size is 0, and the mean one stands for it. rate 1
 * means every allocation is here. The bytes of all others are blocks * size:
 * wr_bucket_read. */
struct wr_bucket {
    uint32_t stack;
    uint32_t flags;
    uint64_t size; /* bytes of one block (its size class or pages) */
    uint64_t rate; /* sample_rate these were sampled at */
    _Atomic uint64_t allocs;
    _Atomic uint64_t frees;
    _Atomic uint64_t alloc_bytes; /* of bucket 0; else 0 */
    _Atomic uint64_t free_bytes;
    uint64_t stands_for; /* bytes that one sample stands for, rounded */
    /* Of the frees those of blocks that were older than one unit, by age:
     * died[k] were at least WR_AGE_UNIT_NS << (k - 1) old and, but for the
     * last, less than twice that. died[0]: of all frees those by the collector
     * (it found that the program had lost a block of malloc). Modulo 2^32. */
    _Atomic uint32_t died[WR_AGES];
};

/* A sampled block that is live, in no order. address is stored last when a
 * block comes and cleared first when it goes: while it is 0 there is none. */
struct wr_ledger_slot {
    _Atomic uint64_t address;
    _Atomic uint64_t born_ns; /* CLOCK_MONOTONIC, to about 10 ms */
    _Atomic uint64_t who;     /* tid << 32 | bucket */
};

/* ---- the history ----
 *
 * Of what changes by itself a ring keeps the last entries. Entry n (from 0) is
 * in slot n % entries. seq is 0 while nothing was written there, 2n + 1 while
 * entry n is being written, 2n + 2 when it is whole. A reader copies a slot
 * and looks whether seq is even and still the same; so it never sees a torn
 * entry, and a writer killed half-way costs one. */

#define WR_HISTORY_SECOND_SLOTS 600  /* slots 0 .. 599 of the table */
#define WR_HISTORY_MINUTE_SLOTS 1440 /* those behind them */
#define WR_POINT_WORDS          21   /* of struct wr_point, region/history.h */
#define WR_POINT_WORDS_FIRST    16   /* the first writers had no more */

struct wr_history_slot {
    _Atomic uint64_t seq;
    _Atomic uint64_t word[WR_POINT_WORDS]; /* a struct wr_point */
};

#define WR_MARK_SLOTS 256
#define WR_MARK_WORDS 15 /* of struct wr_mark, region/history.h */

struct wr_mark_slot {
    _Atomic uint64_t seq;
    _Atomic uint64_t word[WR_MARK_WORDS]; /* a struct wr_mark */
};

/* What the buckets held before.
 *
 * A series is a pair of counts that only grow: series b + 1 has the allocs and
 * frees of bucket b; series 0 has the alloc_bytes and free_bytes of bucket 0,
 * which do not follow from its counts. After these series come three of each
 * bucket which say how many blocks died old: pair p of a bucket counts those
 * that were older than WR_AGE_UNIT_NS << (4 + 4p) and << (6 + 4p), which are
 * grades 2p and 2p + 1. At each tick that finds a series
 * changed, an entry says by how much, and `logged` becomes what it is then. So
 * what a series was at tick T is `logged` less all its entries of later ticks.
 * Ticks count from the region's start: tick 0 is all zero, in a forked child
 * what it was born with (tick `base`).
 *
 * One log has a tick each ten seconds; the other follows it every five
 * minutes, and reaches further back. The reader takes the one that is nearer.
 *
 * seq is odd while a log is written. Each change is three stores: the entry at
 * `written`, which covers it only after; the series; `written`. Before them,
 * undo says which series was what. A writer killed in between leaves seq odd
 * and undo.at == written: then the series is what undo says. */

#define WR_PAST_SERIES 32769 /* buckets and one; behind them the old */
#define WR_PAST_OLD    3     /* series of a bucket's old */
#define WR_PAST_GRADES 6     /* in which are so many grades */
#define WR_PAST_ALL    (WR_PAST_SERIES + WR_PAST_OLD * (WR_PAST_SERIES - 1))
enum { WR_PAST_FINE, WR_PAST_COARSE, WR_PAST_LOGS };
#define WR_PAST_FINE_NS        UINT64_C(10000000000)
#define WR_PAST_COARSE_NS      UINT64_C(300000000000)
#define WR_PAST_FINE_ENTRIES   16384
#define WR_PAST_COARSE_ENTRIES 32768

struct wr_past_pair {
    _Atomic uint64_t allocs, frees; /* of the old: the lower grade, the next */
};

struct wr_past_entry {
    uint32_t series;
    uint32_t tick;
    uint32_t allocs, frees; /* by how much they grew; more: several entries */
};

struct wr_past_log {
    _Atomic uint64_t seq;
    _Atomic uint64_t written; /* entries ever; the last ones are there */
    _Atomic uint64_t base;    /* the tick before the first entry's changes */
    _Atomic uint64_t last;    /* the tick that was logged last */
    struct {
        _Atomic uint64_t at;
        _Atomic uint64_t series;
        struct wr_past_pair was;
    } undo;
    struct wr_past_pair logged[WR_PAST_ALL];
};

struct wr_past {
    _Atomic uint64_t begun; /* 1: the base of both logs is set */
    uint64_t reserved[7];
    struct wr_past_log log[WR_PAST_LOGS];
    struct wr_past_entry fine[WR_PAST_FINE_ENTRIES];
    struct wr_past_entry coarse[WR_PAST_COARSE_ENTRIES];
};

/* ---- open descriptors ----
 *
 * What is known of each descriptor by its number, and of each place that opened
 * some. Only calls that libweir.so sees are known (preload/files.c), so this
 * is what opened a descriptor if it is open, which the kernel says. `opened_ns`
 * is stored last when one is opened, and 0 first when it is closed. */

#define WR_FD_MOST    65536 /* descriptors above it are not recorded */
#define WR_FD_SITES   1024
#define WR_FD_MINUTES 16

/* The call that made a descriptor. */
enum wr_fd_call {
    WR_FD_UNKNOWN,
    WR_FD_OPEN,   /* open, openat, creat, mkstemp */
    WR_FD_STREAM, /* fopen, freopen, tmpfile */
    WR_FD_DIRECTORY,
    WR_FD_SOCKET, /* socket, socketpair */
    WR_FD_ACCEPT,
    WR_FD_PIPE,
    WR_FD_POPEN,
    WR_FD_DUP, /* dup, dup2, dup3, fcntl */
    WR_FD_EPOLL,
    WR_FD_EVENT,
    WR_FD_TIMER,
    WR_FD_SIGNAL,
    WR_FD_INOTIFY,
    WR_FD_MEMORY, /* memfd_create, shm_open */
    WR_FD_CALLS
};

struct wr_fd {
    _Atomic uint64_t opened_ns; /* CLOCK_MONOTONIC; 0: not known to be open */
    _Atomic uint32_t site;      /* index in site[] */
    _Atomic uint32_t call;      /* enum wr_fd_call */
};

/* A stack that opened descriptors. site[0] is for those whose stack could not
 * be taken. level[m % WR_FD_MINUTES] is how many were open when minute m of the
 * region began, for the minutes up to `minute`; since then nothing changed. */
struct wr_fd_site {
    uint32_t stack; /* in the pool */
    uint32_t reserved;
    _Atomic uint64_t opened; /* count */
    _Atomic uint64_t closed; /* count */
    _Atomic uint64_t minute;
    _Atomic uint32_t level[WR_FD_MINUTES];
};

struct wr_fds {
    _Atomic uint64_t watched; /* 1: openings are recorded */
    _Atomic uint64_t sites;   /* of site[] that exist, site[0] among them */
    _Atomic uint64_t beyond;  /* count: openings of too high a number */
    uint64_t reserved[5];
    struct wr_fd_site site[WR_FD_SITES];
    struct wr_fd fd[WR_FD_MOST];
};

/* ---- budgets ----
 *
 * Each budget (include/weir/budget.h) has a slot while it lives and there is
 * one: the words are a struct wr_budget_line of region/budget.h, of which kind
 * 0 means that the slot is free. seq is odd while they are written. */

#define WR_BUDGETS      256
#define WR_BUDGET_WORDS 14

struct wr_budget_slot {
    _Atomic uint64_t seq;
    _Atomic uint64_t word[WR_BUDGET_WORDS];
};

/* ---- the collector ----
 *
 * The table's entry exists once the program uses collected blocks. Written by
 * region/collector_write.h, read by region/collector.h. */

#define WR_PAUSES 256

/* How the collector learns what the program writes while it marks. */
enum wr_collector_way {
    WR_WAY_NONE,     /* no cycle has run yet */
    WR_WAY_TRACKED,  /* the kernel notes which pages were written */
    WR_WAY_SNAPSHOT, /* a copy of the process is marked */
    WR_WAY_STOPPED,  /* the program stands still */
    WR_WAY_BARRIER   /* the program's own stores tell it */
};

enum wr_collector_phase {
    WR_PHASE_REST,
    WR_PHASE_PREPARE, /* sweep termination */
    WR_PHASE_MARK,
    WR_PHASE_END,  /* mark termination */
    WR_PHASE_SWEEP /* beside the program */
};

struct wr_collector {
    _Atomic uint64_t cycles;  /* count: that ended; stored last of a cycle */
    _Atomic uint64_t forced;  /* count: of these what the program asked for */
    _Atomic uint64_t percent; /* level: GOGC; UINT64_MAX: off */
    _Atomic uint64_t goal;    /* level: bytes at which the next one ends;
                                 UINT64_MAX: none will begin */
    _Atomic uint64_t live;    /* level: bytes the last one found alive */
    _Atomic uint64_t stacks;  /* level: bytes of roots it scanned */
    _Atomic uint64_t globals; /* level: the same, not on stacks */
    _Atomic uint64_t sys;     /* level: bytes of the collector's tables */
    _Atomic uint64_t phase;   /* level: enum wr_collector_phase */
    _Atomic uint64_t way;     /* level: enum wr_collector_way, of the last
                                 cycle */
    _Atomic uint64_t last_end_ns; /* level: CLOCK_REALTIME; 0: none ended */
    _Atomic uint64_t stopped_ns;  /* count: the program stood still */
    _Atomic uint64_t longest_ns;  /* the longest stop so far */
    _Atomic uint64_t stops;       /* count */
    /* Counts of processors' time. */
    _Atomic uint64_t stopped_cpu_ns; /* of all that stood still */
    _Atomic uint64_t assist_ns;      /* of who allocated */
    _Atomic uint64_t background_ns;
    _Atomic uint64_t idle_ns;          /* of processors nobody wanted */
    _Atomic uint64_t share_millionths; /* level: of the processors' time since
                                          the start, but for idle_ns */
    _Atomic uint64_t limited;     /* count: cycles whose goal was the memory
                                     limit's */
    _Atomic uint64_t lost_blocks; /* count: of malloc, freed since the program
                                     had lost them; */
    _Atomic uint64_t lost_bytes;  /* their bytes */
    _Atomic uint64_t young; /* count: cycles that marked only what was new */
    _Atomic uint64_t reserved[9];
    /* Cycle n (from 1) is at (n - 1) % WR_PAUSES: how long the program stood
     * still for it, all its stops together; when it ended, CLOCK_REALTIME. */
    _Atomic uint64_t pause_ns[WR_PAUSES];
    _Atomic uint64_t pause_end_ns[WR_PAUSES];
};

/* ---- meters ----
 *
 * What a pool or a cache of the program does (include/weir/meter.h). Kind and
 * name are there before the entry exists and never change; sums are single
 * words, of which a level may be below 0 for a moment. */

#define WR_METERS     128
#define WR_METER_SUMS 10 /* with room for later ones */

struct wr_meter {
    uint64_t kind; /* enum weir_meter_kind; others may come */
    char name[40]; /* ends with NUL */
    _Atomic uint64_t sum[WR_METER_SUMS]; /* by enum weir_meter_sum */
};

#endif
