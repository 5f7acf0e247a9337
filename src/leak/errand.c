/* Errands. stage goes from IDLE to WANTED, BEGUN, DONE. Only who sends leaves
 * IDLE, or goes back to it; only Weir's thread leaves WANTED else, and BEGUN.
 */
#include "leak/errand.h"

#include <stddef.h>

#include "os/os.h"
#include "world/background.h"

enum { IDLE, WANTED, BEGUN, DONE };
enum { PATIENCE = 60 }; /* looks, until it must have begun */

#define LOOK_NS UINT64_C(50000000)

/* A thread that ends just now does not see that it is wanted: it is asked
 * again. */
static bool
is_hopeless(struct wr_errand *e, unsigned looks)
{
    wr_background_ask();
    return (atomic_load(&wr_background_state) == 0 &&
            atomic_load(&e->stage) == WANTED) ||
           looks == PATIENCE;
}

bool
wr_errand_send(struct wr_errand *e)
{
    uint32_t now = IDLE;

    if (!atomic_compare_exchange_strong(&e->stage, &now, WANTED))
        return false;
    for (unsigned looks = 0; (now = atomic_load(&e->stage)) != DONE;) {
        uint32_t wanted = WANTED;

        if (now == WANTED && is_hopeless(e, looks++) &&
            atomic_compare_exchange_strong(&e->stage, &wanted, IDLE))
            return false;
        wr_os_wait(&e->stage, now, LOOK_NS);
    }
    return true;
}

void
wr_errand_reset(struct wr_errand *e)
{
    if (atomic_load(&e->stage) != IDLE) /* else a forked child copies a page */
        atomic_store(&e->stage, IDLE);
}

bool
wr_errand_begun(struct wr_errand *e)
{
    uint32_t wanted = WANTED;

    return atomic_compare_exchange_strong(&e->stage, &wanted, BEGUN);
}

void
wr_errand_answer(struct wr_errand *e)
{
    if (atomic_load(&e->stage) != WANTED)
        return;
    e->work();
    for (uint32_t now = BEGUN; now != IDLE && now != DONE;)
        if (atomic_compare_exchange_strong(&e->stage, &now, DONE))
            break;
    wr_os_wake(&e->stage, 1);
}
