/* The guide. */
#include "leak/guide.h"

#include <stddef.h>

#include "heap/span.h"
#include "os/process.h"
#include "region/region.h"

/* Addresses are known to the linker: it is right from the first moment on. */
struct wr_guide wr_guide = {.text = WR_GUIDE_TEXT,
                            .version = WR_GUIDE_VERSION,
                            .bytes = sizeof(struct wr_guide),
                            .windows = (uintptr_t)wr_windows,
                            .first = (uintptr_t)&wr_window_first,
                            .last = (uintptr_t)&wr_window_last,
                            .entries = (uintptr_t)wr_near.entry,
                            .own = (uintptr_t)wr_os_own,
                            .own_count = WR_OS_OWN,
                            .page_shift = WR_PAGE_SHIFT,
                            .window_shift = WR_WINDOW_SHIFT,
                            .window_bytes = sizeof(struct wr_window),
                            .window_table = offsetof(struct wr_window, entry),
                            .window_from = offsetof(struct wr_window, first),
                            .window_end = offsetof(struct wr_window, end),
                            .span_bytes = sizeof(struct wr_span),
                            .span_base = offsetof(struct wr_span, base),
                            .span_blocks = offsetof(struct wr_span, blocks),
                            .span_block_bytes =
                                offsetof(struct wr_span, block_bytes),
                            .span_state = offsetof(struct wr_span, state),
                            .span_pages = offsetof(struct wr_span, pages),
                            .span_states = offsetof(struct wr_span, block),
                            .small = WR_SPAN_SMALL,
                            .large = WR_SPAN_LARGE,
                            .live = WR_BLOCK_LIVE_FROM};

void
wr_guide_start(void)
{
    wr_guide.region = (uintptr_t)wr_region_path();
}
