/* Units of labels. */
#include "analyse/labels.h"

#include <stdlib.h>
#include <string.h>

static uint32_t
unit_without_one(struct wr_profile *p, uint32_t key, uint32_t bytes)
{
    const char *name = p->strings[key];
    bool size = strcmp(name, "alignment") == 0 || strcmp(name, "request") == 0;
    return size ? bytes : key;
}

uint32_t *
wr_label_units(struct wr_profile *p)
{
    uint32_t bytes = wr_profile_string(p, "bytes");
    uint32_t *units = calloc(p->string_count, sizeof *units);
    for (uint32_t i = 0; units && i < p->label_count; i++) {
        const struct wr_label *l = &p->labels[i];
        if (wr_label_is_number(l) && !units[l->key])
            units[l->key] = l->unit;
    }
    for (uint32_t i = 0; units && i < p->string_count; i++)
        if (!units[i])
            units[i] = unit_without_one(p, i, bytes);
    return units;
}

bool
wr_label_is_base(const struct wr_profile *p, const struct wr_sample *s)
{
    for (uint32_t i = 0; i < s->label_count; i++) {
        const struct wr_label *l = &p->labels[s->first_label + i];
        if (strcmp(p->strings[l->key], WR_LABEL_BASE) == 0 &&
            strcmp(p->strings[l->str], "true") == 0)
            return true;
    }
    return false;
}
