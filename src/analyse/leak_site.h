/* The sites of a list of leaks: what all ways to show it share.
 *
 *     struct wr_leak_site *list = wr_leak_sites(p);      the biggest first
 *     wr_leak_frames(p, &list[0], print_frame, out);
 *     free(list);
 *
 * A site is a sample of the profile: a stack and a block size.
 * Threads: any. Ownership: names are the profile's.
 */
#ifndef WR_ANALYSE_LEAK_SITE_H
#define WR_ANALYSE_LEAK_SITE_H

#include <stdint.h>
#include <stdio.h>

struct wr_profile;

struct wr_leak_site {
    uint32_t sample;
    int64_t blocks, bytes;
};

struct wr_leak_frame {
    const char *function, *file, *module; /* "": not known */
    int64_t line;
};

/* As many as the profile has samples; NULL: no memory. */
struct wr_leak_site *wr_leak_sites(const struct wr_profile *p);

/* Call it for each function of a site's stack, innermost first. */
void wr_leak_frames(const struct wr_profile *p, const struct wr_leak_site *s,
                    void (*call)(const struct wr_leak_frame *, unsigned number,
                                 FILE *out),
                    FILE *out);

#endif
