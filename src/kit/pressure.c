/* One subscriber for all, of pressure and of the collector's cycles.
 *
 * 1. A forked child begins without subscribers (weir/limit.h), so it subscribes
 *    anew with the next thing that is made.
 */
#include "kit/pressure.h"

#include <pthread.h>
#include <unistd.h>
#include <weir/gc.h>

#include "base/base.h"
#include "os/process.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* before others' */
static struct wr_kit_shrinker *first;                    /* lock */
static pid_t subscribed;                                 /* lock */

void
wr_kit_shrink(enum weir_pressure_level level, uint64_t wanted)
{
    pthread_mutex_lock(&lock);
    for (struct wr_kit_shrinker *s = first; s != NULL; s = s->next)
        s->shrink(s, level, &wanted);
    pthread_mutex_unlock(&lock);
}

static void
on_pressure(const struct weir_pressure *p, void *unused)
{
    (void)unused;
    if (p->level >= WEIR_PRESSURE_HIGH)
        wr_kit_shrink(p->level, p->wanted);
}

static void
on_cycle(uint64_t cycles, void *unused)
{
    (void)unused;
    for (cycles = wr_min(cycles, 2); cycles > 0; cycles--)
        wr_kit_shrink(WEIR_PRESSURE_NONE, 0);
}

void
wr_kit_shrinker_add(struct wr_kit_shrinker *s)
{
    bool subscribe;

    pthread_mutex_lock(&lock);
    s->next = first;
    s->link = &first;
    if (first != NULL)
        first->link = &s->next;
    first = s;
    subscribe = subscribed != getpid();
    subscribed = getpid();
    pthread_mutex_unlock(&lock);
    wr_os_note_lent(&first, sizeof first);
    /* Without two of the 16 places nothing is given back, and all works. */
    if (subscribe) {
        (void)weir_pressure_subscribe(on_pressure, NULL);
        (void)weir_gc_subscribe(on_cycle, NULL);
    }
}

void
wr_kit_shrinker_remove(struct wr_kit_shrinker *s)
{
    pthread_mutex_lock(&lock);
    *s->link = s->next;
    if (s->next != NULL)
        s->next->link = s->link;
    pthread_mutex_unlock(&lock);
}
