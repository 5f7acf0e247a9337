/* The view of this process's own region, for the runtime's own readers. Apart
 * from read.c, which is also compiled where there is no writer. */
#include "region/read.h"
#include "region/region.h"

int
wr_region_open_self(struct wr_region_view *v, char *why, size_t why_bytes)
{
    static const struct wr_region_header none;

    if (wr_region == NULL)
        return wr_view_over(v, &none, sizeof none, why, why_bytes);
    return wr_view_over(v, wr_region, wr_region->region_bytes, why, why_bytes);
}
