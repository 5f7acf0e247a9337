/* What glibc tells of its heap, told of Weir's.
 *
 * The calls whose numbers make no sense here (fastbins, the top chunk) answer
 * zero there, as glibc does where it has none.
 */
#include <errno.h>
#include <limits.h>
#include <malloc.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>
#include <weir/memstats.h>

#include "base/base.h"
#include "base/text.h"
#include "heap/heap.h"
#include "os/os.h"
#include "region/counters.h"
#include "region/region.h"
#include "world/thread.h"

WR_EXPORT const char *weir_region_path(void);

/* The region's file of this process, "" when there is none: how libweir-serve
 * finds it. */
const char *
weir_region_path(void)
{
    (void)wr_world_region();
    return wr_region_path();
}

WR_EXPORT struct mallinfo2
mallinfo2(void)
{
    struct mallinfo2 info = {0};
    static struct weir_memstats m; /* large; a torn read does no harm */

    if (weir_memstats(&m) != WEIR_OK)
        return info;
    info.arena = m.heap_sys;
    info.ordblks = 1;
    info.hblks = wr_count_get(large_allocs) - wr_count_get(large_frees);
    info.hblkhd =
        wr_count_get(large_alloc_bytes) - wr_count_get(large_free_bytes);
    info.uordblks = m.heap_alloc - info.hblkhd;
    info.fordblks = m.heap_sys - m.heap_alloc;
    info.keepcost = m.heap_idle - m.heap_released;
    return info;
}

static int
clipped(size_t n)
{
    return n > INT_MAX ? INT_MAX : (int)n;
}

WR_EXPORT struct mallinfo
mallinfo(void)
{
    struct mallinfo2 wide = mallinfo2();
    struct mallinfo info = {
        .arena = clipped(wide.arena),
        .ordblks = clipped(wide.ordblks),
        .hblks = clipped(wide.hblks),
        .hblkhd = clipped(wide.hblkhd),
        .uordblks = clipped(wide.uordblks),
        .fordblks = clipped(wide.fordblks),
        .keepcost = clipped(wide.keepcost),
    };

    return info;
}

static void
add_line(struct wr_text *t, const char *name, uint64_t n)
{
    wr_text_str(t, name);
    wr_text_str(t, " = ");
    wr_text_uint(t, n);
    wr_text_str(t, "\n");
}

WR_EXPORT void
malloc_stats(void)
{
    struct mallinfo2 info = mallinfo2();
    struct wr_text t;

    wr_text_init(&t);
    add_line(&t, "system bytes", info.arena);
    add_line(&t, "in use bytes", info.uordblks);
    add_line(&t, "large blocks", info.hblks);
    add_line(&t, "large bytes ", info.hblkhd);
    wr_os_write(STDERR_FILENO, t.buf, t.len);
}

static void
add_element(struct wr_text *t, const char *head, uint64_t n)
{
    wr_text_str(t, head);
    wr_text_uint(t, n);
    wr_text_str(t, "\"/>\n");
}

WR_EXPORT int
malloc_info(int options, FILE *out)
{
    struct mallinfo2 info = mallinfo2();
    struct wr_text t;

    if (options != 0)
        return EINVAL;
    wr_text_init(&t);
    wr_text_str(&t, "<malloc version=\"weir-" WEIR_VERSION "\">\n");
    add_element(&t, "<total type=\"large\" size=\"", info.hblkhd);
    add_element(&t, "<total type=\"small\" size=\"", info.uordblks);
    add_element(&t, "<system type=\"current\" size=\"", info.arena);
    wr_text_str(&t, "</malloc>\n");
    return fwrite(t.buf, 1, t.len, out) == t.len ? 0 : errno;
}

WR_EXPORT int
malloc_trim(size_t pad)
{
    (void)pad;
    return wr_heap_trim() != 0;
}

/* Every parameter glibc knows is accepted; Weir needs none of them. */
WR_EXPORT int
mallopt(int parameter, int value)
{
    (void)parameter;
    (void)value;
    return 1;
}
