/* Tag filters: does a sample carry a label like this? The languages of
 * pprof's -tagfocus and -tagignore (analyse/filter.h).
 *
 *     struct wr_tag_filter *f;
 *     wr_tag_filter_new(&f, "bytes=1kb:4kb", wr_label_units(p), why, n);
 *     wr_tag_filter_matches(f, p, &p->samples[0]);
 *
 * Threads: one at a time. Ownership: the caller's; the text and the units
 * must outlive it.
 */
#ifndef WR_ANALYSE_TAGS_H
#define WR_ANALYSE_TAGS_H

#include "analyse/profile.h"

struct wr_tag_filter;

int wr_tag_filter_new(struct wr_tag_filter **out, const char *text,
                      const uint32_t *units, char *why, size_t n);
bool wr_tag_filter_matches(const struct wr_tag_filter *f,
                           const struct wr_profile *p,
                           const struct wr_sample *s);
void wr_tag_filter_free(struct wr_tag_filter *f);

#endif
