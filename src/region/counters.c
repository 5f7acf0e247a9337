/* The counters before there is a region to keep them in. */
#include "region/counters.h"

#include "base/base.h"

static struct wr_counters private_counters;

struct wr_counters *wr_counters WR_AT_FORK = &private_counters;
