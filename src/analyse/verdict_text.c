/* Verdicts in words, in English and in Chinese. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include "analyse/units.h"
#include "analyse/verdict.h"

#define TIME_ROOM 48

/* What a class of verdict says beside its numbers. */
static const struct words {
    const char *name, *doubt, *advice;
} words[WR_VERDICT_CLASSES][2] = {
    [WR_VERDICT_UNKNOWN] = {{"too early to tell",
                             "Ten seconds of history change it.",
                             "Ask again in a minute."},
                            {"为时尚早，无法判断",
                             "有了十秒钟的历史记录就能判断。",
                             "请一分钟后再试。"}},
    [WR_VERDICT_HEALTHY] =
        {{"healthy",
          "Growth that is slower than a twentieth in the time looked at would "
          "not show yet.",
          "Nothing."},
         {"正常", "若增长在观察期内不到二十分之一，目前还看不出来。",
          "无需处理。"}},
    [WR_VERDICT_WARM_UP] =
        {{"warm-up: it grows, but ever more slowly",
          "If the growth stops slowing down, it is a leak or a cache without "
          "bound.",
          "Look again later; compare with weir diff PID@-10m PID."},
         {"预热：仍在增长，但越来越慢",
          "如果增长不再放缓，就是泄漏或无界缓存。",
          "过一会儿再看；用 weir diff PID@-10m PID 比较。"}},
    [WR_VERDICT_HUGE] =
        {{"overflow by one huge request",
          "A limit several times as high would make it an ordinary request.",
          "Process the data in parts (streaming), check sizes that come from "
          "outside before allocating, or raise the limit."},
         {"内存溢出：单次请求过大", "若限制高出数倍，这只是一次普通请求。",
          "分块（流式）处理数据；分配前检查来自外部的大小；或提高限制。"}},
    [WR_VERDICT_SUDDEN] =
        {{"overflow by sudden growth",
          "Growth that went on for hours, or blocks that are old, would make "
          "it a leak.",
          "Bound what is in flight: admission (weir_budget), back-pressure, "
          "smaller batches; or a soft limit (weir run --limit)."},
         {"内存溢出：短时间内猛增",
          "若增长持续数小时，或增长的内存块已存在很久，则属于泄漏。",
          "限制同时处理的数量：准入控制（weir_budget）、背压、更小的批次；"
          "或设置软限制（weir run --limit）。"}},
    [WR_VERDICT_LEAK] =
        {{"leak: what survives grows steadily",
          "A search that reaches these blocks would make it a cache without "
          "bound; a second half that grows less, a warm-up.",
          "See weir leaks PID for proof with stacks, weir diff PID@-10m PID "
          "for what grew; free what is lost there."},
         {"内存泄漏：存活内存稳定增长",
          "如果搜索发现这些内存块仍可达，则是无界缓存；如果后半段增长变慢，"
          "则是预热。",
          "用 weir leaks PID 查看证据和调用栈，用 weir diff PID@-10m PID "
          "查看增长来源；在那里释放丢失的内存。"}},
    [WR_VERDICT_CACHE] =
        {{"cache without bound: reachable, and it only grows",
          "Blocks that nobody can reach would make it a leak; growth that "
          "slows down, a cache that fills.",
          "Give the container a bound and an age (LRU, TTL); weir why PID "
          "SITE tells what holds it."},
         {"无界缓存：仍可达，但只增不减",
          "如果有不可达的内存块，则是泄漏；如果增长放缓，则是正在填充的缓存。",
          "为容器设置上限和过期时间（LRU、TTL）；weir why PID SITE "
          "说明是谁持有它。"}},
    [WR_VERDICT_THREADS] =
        {{"thread leak: their number rises steadily",
          "Threads that end would stop it.",
          "See /debug/pprof/goroutine for where they wait; join or end them, "
          "use a pool of fixed size."},
         {"线程泄漏：线程数稳定上升", "如果线程会结束，则不成立。",
          "查看 /debug/pprof/goroutine 了解它们在等什么；结束或 join "
          "线程，使用固定大小的线程池。"}},
    [WR_VERDICT_DESCRIPTORS] =
        {{"descriptor leak: more and more files are open",
          "Files that are closed would stop it.",
          "See weir fds PID for who opened them; close them on every path."},
         {"文件描述符泄漏：打开的文件越来越多", "如果文件会被关闭，则不成立。",
          "用 weir fds PID 查看是谁打开的；在每条路径上关闭它们。"}},
    [WR_VERDICT_FRAGMENTS] =
        {{"fragmentation: the heap holds much more than is allocated",
          "Memory that goes back within some seconds is no fragmentation.",
          "Allocate what lives long together, apart from what lives short; "
          "reuse buffers (pools); see weir top for what is left in the spans."},
         {"内存碎片：堆占用远多于已分配",
          "如果内存在几秒内归还系统，则不是碎片。",
          "把长寿命与短寿命的对象分开分配；复用缓冲区（内存池）；用 weir top "
          "查看残留的内存块。"}},
    [WR_VERDICT_FOREIGN] =
        {{"memory outside the heap",
          "A heap that grows as much would explain it.",
          "Look for mmap, shared memory, stacks of threads and allocators of "
          "their own: /proc/PID/smaps, weir threads."},
         {"堆外内存", "如果堆也同样增长，则可以解释。",
          "检查 mmap、共享内存、线程栈和自带的分配器：/proc/PID/smaps。"}},
    [WR_VERDICT_STACK] =
        {{"stack overflow", "Nothing: the address of the fault tells it.",
          "Bound the recursion or make it a loop; move large locals to the "
          "heap; weir_stack_max or ulimit -s for a larger stack."},
         {"栈溢出", "无：出错的地址已经说明。",
          "限制递归深度或改为循环；把大的局部变量放到堆上；用 weir_stack_max "
          "或 ulimit -s 增大栈。"}},
    [WR_VERDICT_SYSTEM] =
        {{"the machine is short of memory, and others took it",
          "If this program had most of the memory, it would be its own.",
          "Find the largest: ps aux --sort -rss; give this program a "
          "guaranteed share (memory.min) or another machine."},
         {"系统内存不足，被其他进程占用",
          "如果该程序占用了大部分内存，则是它自身的问题。",
          "找出占用最多的进程：ps aux --sort -rss；为该程序保留内存"
          "（memory.min）或换一台机器。"}},
};

/* --- Numbers ------------------------------------------------------------- */

static const char *
bytes(char text[WR_VALUE_ROOM], double value)
{
    wr_value_format(text, WR_VALUE_ROOM, (int64_t)value, "bytes");
    return text;
}

static const char *
duration(char text[TIME_ROOM], double s, enum wr_language in)
{
    static const struct {
        double from, unit;
        const char *names[2];
    } units[] = {{172800, 86400, {"days", "天"}},
                 {7200, 3600, {"hours", "小时"}},
                 {120, 60, {"minutes", "分钟"}},
                 {0, 1, {"seconds", "秒"}}};
    size_t i = 0;
    while (s < units[i].from)
        i++;
    snprintf(text, TIME_ROOM, "%.*f %s", s / units[i].unit < 10,
             s / units[i].unit, units[i].names[in]);
    return text;
}

struct line {
    char *text;
    size_t room;
};

__attribute__((format(printf, 2, 3))) static void
put(struct line *l, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(l->text, l->room, format, args);
    va_end(args);
    if (n < 0 || (size_t)n >= l->room)
        n = l->room > 0 ? (int)l->room - 1 : 0;
    l->text += n;
    l->room -= (size_t)n;
}

/* --- Sentences ----------------------------------------------------------- */

static void
put_growth(struct line *l, const struct wr_finding *f, enum wr_language in)
{
    char grown[WR_VALUE_ROOM], rate[WR_VALUE_ROOM], over[TIME_ROOM];
    put(l,
        in == WR_ENGLISH ? ": %s in %s, %s a minute"
                         : "：%s（%s内），每分钟 %s",
        bytes(grown, f->bytes), duration(over, f->over, in),
        bytes(rate, f->per_minute));
    if (f->left < 30 * 86400.0)
        put(l,
            in == WR_ENGLISH ? "; full in %s at this rate"
                             : "；按此速度 %s后耗尽",
            duration(over, f->left, in));
}

static void
put_request(struct line *l, const struct wr_finding *f, enum wr_language in)
{
    char size[WR_VALUE_ROOM], limit[WR_VALUE_ROOM];
    put(l, in == WR_ENGLISH ? ": %s at once" : "：一次 %s",
        bytes(size, f->bytes));
    if (f->ceiling > 0)
        put(l, in == WR_ENGLISH ? ", of a limit of %s" : "，限制为 %s",
            bytes(limit, f->ceiling));
}

static void
put_number(struct line *l, const struct wr_finding *f, enum wr_language in)
{
    put(l,
        in == WR_ENGLISH ? ": %.0f, %.0f more than before"
                         : "：共 %.0f 个，比之前多 %.0f 个",
        f->number, f->bytes);
    if (f->what == WR_VERDICT_DESCRIPTORS && f->ceiling > 0)
        put(l, in == WR_ENGLISH ? ", of at most %.0f" : "，上限 %.0f",
            f->ceiling);
}

static void
put_waste(struct line *l, const struct wr_finding *f, enum wr_language in)
{
    char waste[WR_VALUE_ROOM], kept[WR_VALUE_ROOM], over[TIME_ROOM];
    put(l, in == WR_ENGLISH ? ": %s of %s, for %s" : "：%s / %s，已持续 %s",
        bytes(waste, f->bytes), bytes(kept, f->number),
        duration(over, f->over, in));
}

static void
put_foreign(struct line *l, const struct wr_finding *f, enum wr_language in)
{
    char size[WR_VALUE_ROOM], rate[WR_VALUE_ROOM];
    put(l, in == WR_ENGLISH ? ": %s" : "：%s", bytes(size, f->bytes));
    if (f->per_minute > 0)
        put(l,
            in == WR_ENGLISH ? ", growing by %s a minute" : "，每分钟增长 %s",
            bytes(rate, f->per_minute));
}

static void
put_system(struct line *l, const struct wr_finding *f, enum wr_language in)
{
    char mine[WR_VALUE_ROOM], all[WR_VALUE_ROOM];
    put(l,
        in == WR_ENGLISH ? ": this program had %s of %s"
                         : "：该程序占用 %s，总量 %s",
        bytes(mine, f->bytes), bytes(all, f->ceiling));
}

static void
put_proof(struct line *l, const struct wr_finding *f, enum wr_language in)
{
    if (f->what == WR_VERDICT_LEAK && f->proved)
        put(l, "%s",
            in == WR_ENGLISH ? "; proved by a search" : "；已由搜索证明");
    else if (f->what == WR_VERDICT_LEAK && !f->searched)
        put(l, "%s", in == WR_ENGLISH ? "; not proved yet" : "；尚未证明");
}

static void
put_site(struct line *l, const struct wr_finding *f, enum wr_language in)
{
    if (!f->site)
        return;
    put(l, in == WR_ENGLISH ? "; by %s" : "；来自 %s", f->site);
    if (f->other)
        put(l,
            in == WR_ENGLISH ? " or %s, too few samples tell which"
                             : " 或 %s，样本太少，无法区分",
            f->other);
}

void
wr_finding_say(const struct wr_finding *f, enum wr_language in, char *text,
               size_t room)
{
    static void (*const numbers[WR_VERDICT_CLASSES])(
        struct line *, const struct wr_finding *,
        enum wr_language) = {[WR_VERDICT_WARM_UP] = put_growth,
                             [WR_VERDICT_HUGE] = put_request,
                             [WR_VERDICT_SUDDEN] = put_growth,
                             [WR_VERDICT_LEAK] = put_growth,
                             [WR_VERDICT_CACHE] = put_growth,
                             [WR_VERDICT_THREADS] = put_number,
                             [WR_VERDICT_DESCRIPTORS] = put_number,
                             [WR_VERDICT_FRAGMENTS] = put_waste,
                             [WR_VERDICT_FOREIGN] = put_foreign,
                             [WR_VERDICT_SYSTEM] = put_system};
    struct line l = {text, room};
    put(&l, "%s", words[f->what][in].name);
    if (numbers[f->what])
        numbers[f->what](&l, f, in);
    put_proof(&l, f, in);
    put_site(&l, f, in);
}

const char *
wr_finding_doubt(const struct wr_finding *f, enum wr_language in)
{
    return words[f->what][in].doubt;
}

const char *
wr_finding_advice(const struct wr_finding *f, enum wr_language in)
{
    return words[f->what][in].advice;
}
