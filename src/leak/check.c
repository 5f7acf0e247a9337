/* Invariants
 * 1. `found` is there while the errand is sent, and only then.
 */
#include "leak/check.h"

#include <string.h>
#include <stdatomic.h>
#include <weir/leak.h>

#include "base/base.h"
#include "base/text.h"
#include "leak/copy.h"
#include "leak/errand.h"
#include "leak/known.h"
#include "leak/search.h"
#include "os/os.h"
#include "profile/bucket.h"
#include "profile/module.h"
#include "profile/sample.h"
#include "region/history_write.h"
#include "region/region.h"
#include "world/thread.h"

enum { SHOWN = 100, SHOWN_FRAMES = 16 };

static void search(void);

static struct wr_errand errand = {.work = search};
static struct wr_leaks_header *found; /* room for records behind it */
static bool searched;

/* ---- on Weir's thread ---- */

static bool
find(const struct wr_copy *c)
{
    if (c->where != WR_WHERE_COPY) /* one may have begun */
        memset(found, 0, WR_LEAK_ROOM);
    wr_leak_find(c, found);
    return true;
}

static void
search(void)
{
    struct wr_ask ask = {.kind = WR_ASK_LEAKS};

    if (!wr_errand_begun(&errand))
        return;
    (void)wr_copy_run(&ask, NULL, find, &searched);
    if (!searched)
        searched = wr_copy_do_without(&ask, NULL, find);
}

void
wr_check_answer(void)
{
    wr_errand_answer(&errand);
}

void
wr_check_fork_child(void)
{
    wr_errand_reset(&errand);
}

/* ---- on the thread that asks ---- */

static void
fill(struct weir_leaks *out, const struct wr_leaks_header *h)
{
    *out = (struct weir_leaks){
        .live = {h->live.blocks, h->live.bytes},
        .direct = {h->direct.blocks, h->direct.bytes},
        .indirect = {h->indirect.blocks, h->indirect.bytes},
        .proved = h->about.trust == WR_TRUST_PROVED,
        .stop_ns = h->about.stop_ns,
        .search_ns = h->about.search_ns,
    };
}

typedef void each_fn(const struct weir_leak *leak, void *arg);

static void
tell(const struct wr_leak *l, each_fn *each, void *arg)
{
    uintptr_t stack[WR_STACK_FRAMES];
    struct weir_leak leak = {
        .address = (const void *)(uintptr_t)l->address,
        .bytes = l->bytes,
        .direct = l->direct != 0,
        .hanging = {l->hangs.blocks, l->hangs.bytes},
        .stack = stack,
        .tid = l->tid,
    };

    if (l->bucket != WR_LEAK_NO_BUCKET)
        leak.frames = wr_bucket_stack(l->bucket, stack, wr_countof(stack));
    if (l->born_ns != 0)
        leak.age_ns = wr_history_uptime() - l->born_ns;
    each(&leak, arg);
}

static weir_err
take_result(struct weir_leaks *out, each_fn *each, void *arg)
{
    const struct wr_leak *l = (const struct wr_leak *)(found + 1);

    if (!searched)
        return WEIR_ENOTSUP;
    if (found->about.trust == WR_TRUST_BLIND)
        return WEIR_ENOMEM;
    if (out != NULL)
        fill(out, found);
    for (uint64_t i = 0; each != NULL && i < found->records; i++)
        tell(&l[i], each, arg);
    return WEIR_OK;
}

static _Atomic bool busy;

WR_EXPORT weir_err
weir_leak_check(struct weir_leaks *out, each_fn *each, void *arg)
{
    weir_err err;

    if (!wr_os_at_home() || !wr_world_region())
        return WEIR_ENOTSUP;
    if (atomic_exchange(&busy, true))
        return WEIR_EBUSY;
    found = wr_os_map_shared(WR_LEAK_ROOM);
    if (found == NULL)
        err = WEIR_ENOMEM;
    else if (!wr_errand_send(&errand))
        err = WEIR_ENOTSUP;
    else
        err = take_result(out, each, arg);
    wr_errand_reset(&errand);
    if (found != NULL)
        wr_os_unmap(found, WR_LEAK_ROOM);
    atomic_store(&busy, false);
    return err;
}

/* ---- as text ---- */

struct printing {
    int fd;
    unsigned left;
};

static void
put_count(struct wr_text *t, uint64_t bytes, uint64_t blocks)
{
    wr_text_uint(t, bytes);
    wr_text_str(t, " bytes in ");
    wr_text_uint(t, blocks);
    wr_text_str(t, blocks == 1 ? " block" : " blocks");
}

static void
put_line(int fd, struct wr_text *t)
{
    wr_text_str(t, "\n");
    wr_os_write(fd, t->buf, t->len);
}

static void
print_leak(const struct weir_leak *l, void *printing)
{
    struct printing *p = printing;
    struct wr_text t;

    if (!l->direct || p->left == 0)
        return;
    p->left--;
    wr_text_init(&t);
    wr_text_str(&t, "  ");
    wr_text_uint(&t, l->bytes);
    wr_text_str(&t, " bytes at ");
    wr_text_hex(&t, (uintptr_t)l->address);
    if (l->hanging.blocks > 0) {
        wr_text_str(&t, ", off which hang ");
        put_count(&t, l->hanging.bytes, l->hanging.blocks);
    }
    for (size_t i = 0; i < l->frames && i < SHOWN_FRAMES; i++) {
        wr_text_str(&t, i == 0 ? ", from " : " < ");
        wr_module_name(&t, l->stack[i] - 1);
    }
    put_line(p->fd, &t);
}

WR_EXPORT weir_err
weir_leak_print(int fd, uint64_t *blocks)
{
    struct printing p = {fd, SHOWN};
    struct weir_leaks l;
    struct wr_text t;
    weir_err err = weir_leak_check(&l, print_leak, &p);

    if (err != WEIR_OK)
        return err;
    if (blocks != NULL)
        *blocks = l.direct.blocks + l.indirect.blocks;
    if (l.direct.blocks + l.indirect.blocks == 0)
        return WEIR_OK;
    wr_text_init(&t);
    wr_text_str(&t, l.proved ? "leaked: " : "leaked, but not proved: ");
    put_count(&t, l.direct.bytes + l.indirect.bytes,
              l.direct.blocks + l.indirect.blocks);
    put_line(fd, &t);
    return WEIR_OK;
}

/* ---- what the program knows ---- */

WR_EXPORT weir_err
weir_root_add_masked(const void *from, size_t bytes, uintptr_t keep,
                     uintptr_t flip)
{
    struct wr_known_root r = {(uintptr_t)from, bytes, keep, flip};

    if (from == NULL || bytes == 0 || r.from + bytes < r.from)
        return WEIR_EINVAL;
    return wr_known_root_add(&r) ? WEIR_OK : WEIR_ENOMEM;
}

WR_EXPORT weir_err
weir_root_add(const void *from, size_t bytes)
{
    return weir_root_add_masked(from, bytes, UINTPTR_MAX, 0);
}

WR_EXPORT weir_err
weir_root_remove(const void *from)
{
    return wr_known_root_remove((uintptr_t)from) ? WEIR_OK : WEIR_ENOENT;
}

WR_EXPORT weir_err
weir_leak_ignore(const void *p)
{
    return wr_known_excuse(p) ? WEIR_OK : WEIR_EINVAL;
}

WR_EXPORT void
weir_leak_ignore_begin(void)
{
    wr_known_some_excused();
    wr_sample_excuse_all();
}

WR_EXPORT void
weir_leak_ignore_end(void)
{
    wr_sample_excuse_no_more();
}
