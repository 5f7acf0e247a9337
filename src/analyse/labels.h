/* Labels of samples: which are text, which are numbers, and the units of
 * those.
 *
 *     uint32_t *units = wr_label_units(p);
 *     if (wr_label_is_number(l))
 *         wr_value_label(text, l->num, p->strings[units[l->key]], "auto");
 *     free(units);
 *
 * A number's unit is that of the first label with its key that names one;
 * without any it is the key itself ("bytes").
 * Threads: as the profile.
 */
#ifndef WR_ANALYSE_LABELS_H
#define WR_ANALYSE_LABELS_H

#include "analyse/profile.h"

/* The label that marks samples of a base of differences. */
#define WR_LABEL_BASE "pprof::base"

static inline bool
wr_label_is_text(const struct wr_label *l)
{
    return l->str != 0;
}

/* A label that says nothing at all is neither. */
static inline bool
wr_label_is_number(const struct wr_label *l)
{
    return l->str == 0 && (l->num != 0 || l->unit != 0);
}

/* By number of the key's string: the string of the unit. The caller frees
 * it; NULL: no memory. */
uint32_t *wr_label_units(struct wr_profile *p);

/* Does the sample belong to a base? */
bool wr_label_is_base(const struct wr_profile *p, const struct wr_sample *s);

#endif
