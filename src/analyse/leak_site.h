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

#include <stdbool.h>
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

/* The size of its blocks; 0: they are large, of any size. */
int64_t wr_leak_block_bytes(const struct wr_profile *p,
                            const struct wr_leak_site *s);
/* Is it a site of blocks of which none was sampled? */
bool wr_leak_is_unsampled(const struct wr_profile *p,
                          const struct wr_leak_site *s);

bool wr_leak_any_unsampled(const struct wr_profile *p);

/* Where blocks of that size may come from: the sites of a heap profile that
 * have such in use, the biggest first. How many there are, at most room. */
enum { WR_LEAK_GUESSES = 3 }; /* enough for a reader */
struct wr_leak_guess {
    struct wr_leak_site site; /* of the heap profile */
    double share;             /* of all blocks of that size, 0 to 1 */
};
size_t wr_leak_guess(const struct wr_profile *heap, int64_t bytes,
                     struct wr_leak_guess *out, size_t room);

/* Call it for each function of a site's stack, innermost first. */
void wr_leak_frames(const struct wr_profile *p, const struct wr_leak_site *s,
                    void (*call)(const struct wr_leak_frame *, unsigned number,
                                 FILE *out),
                    FILE *out);

#endif
