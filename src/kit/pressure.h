/* Who gives memory back near the soft limit: one subscription (weir/limit.h)
 * for all of the kit.
 *
 * Lock order: the list's lock, then those of whoever is called.
 */
#ifndef WR_KIT_PRESSURE_H
#define WR_KIT_PRESSURE_H

#include <weir/limit.h>

/* Lies in what can give back; an entry of one list. */
struct wr_kit_shrinker {
    struct wr_kit_shrinker *next, **link;
    /* Give back *wanted bytes if it can, and take what it gave off that. */
    void (*shrink)(struct wr_kit_shrinker *s, enum weir_pressure_level level,
                   uint64_t *wanted);
};

void wr_kit_shrinker_add(struct wr_kit_shrinker *s);
/* It does not run any more when this returns. */
void wr_kit_shrinker_remove(struct wr_kit_shrinker *s);

/* What the subscriber does; tests call it. */
void wr_kit_shrink(enum weir_pressure_level level, uint64_t wanted);

#endif
