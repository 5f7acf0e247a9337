/* Requests. */
#include "leak/ask.h"

#include "base/base.h"
#include "base/text.h"
#include "leak/check.h"
#include "leak/copy.h"
#include "leak/guide.h"
#include "leak/last.h"
#include "leak/search.h"
#include "leak/snapshot.h"
#include "os/os.h"
#include "os/process.h"
#include "region/ask.h"
#include "region/event.h"
#include "region/leaks.h"
#include "region/region.h"
#include "region/snapshot.h"
#include "world/background.h"

/* The kinds: the answer is a file of the region's name and this behind it,
 * which the search, in a copy of the program, writes. */
static const struct kind {
    const char *suffix;
    bool (*search)(const struct wr_copy *c);
    bool in_place; /* it may be done so */
} kinds[WR_ASK_KINDS] = {
    [WR_ASK_LEAKS] = {WR_LEAKS_SUFFIX, wr_leak_search, true},
    [WR_ASK_GARBAGE] = {WR_LEAKS_SUFFIX, wr_leak_search, true},
    [WR_ASK_SNAPSHOT] = {WR_SNAPSHOT_SUFFIX, wr_snapshot_search, false},
};

bool
wr_ask_is_good(const struct wr_ask *a, size_t bytes)
{
    return bytes == sizeof *a && a->magic == WR_ASK_MAGIC &&
           a->version == WR_ASK_VERSION && a->kind < WR_ASK_KINDS &&
           kinds[a->kind].search != NULL;
}

/* The request that waits, which is taken away. false: there is none, or none
 * that is understood. */
static bool
take(struct wr_ask *a)
{
    struct wr_text path;
    long n;

    if (wr_region == NULL || *wr_region_path() == '\0')
        return false;
    wr_text_init(&path);
    wr_text_str(&path, wr_region_path());
    wr_text_str(&path, WR_ASK_SUFFIX);
    n = wr_os_read_file(path.buf, (char *)a, sizeof *a);
    if (n >= 0)
        wr_os_remove(path.buf);
    return n >= 0 && wr_ask_is_good(a, (size_t)n);
}

static void
answer(void)
{
    const struct kind *k;
    struct wr_ask a;
    enum wr_where where;
    bool done;

    wr_last_answer();
    wr_check_answer();
    if (!take(&a))
        return;
    k = &kinds[a.kind];
    if (!k->in_place)
        a.flags |= WR_ASK_ONLY_COPY;
    where = wr_copy_run(&a, k->suffix, k->search, &done);
    if (!done)
        wr_copy_refuse(&a, k->suffix, where);
}

void
wr_ask_start(void)
{
    wr_os_note_library();
    wr_guide_start();
    wr_events.answer_wanted = wr_background_ask;
    wr_events.asked = answer;
}
