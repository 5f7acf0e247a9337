/* The frames of a sample one after the other, the innermost first.
 *
 *     wr_frames_each(p, sample, print, out);
 *
 * Inlined functions are frames of their own. Texts are the profile's, "" where
 * not known. Threads: any.
 */
#ifndef WR_ANALYSE_FRAME_H
#define WR_ANALYSE_FRAME_H

#include <stdio.h>
#include "analyse/profile.h"

struct wr_stack_line {
    const char *function, *file, *module;
    int64_t line;    /* 0: not known */
    unsigned number; /* 0: the innermost */
};

/* call: false ends it. */
void wr_frames_each(const struct wr_profile *p, uint32_t sample,
                    bool (*call)(const struct wr_stack_line *f, void *arg),
                    void *arg);

/* "function  file:line" with so many blanks before, a line for each. */
void wr_frames_print(const struct wr_profile *p, uint32_t sample, int blanks,
                     FILE *out);
/* An array of {function, file, line, module}. */
void wr_frames_json(const struct wr_profile *p, uint32_t sample, FILE *out);
/* The innermost function that has a name; NULL: none has. */
const char *wr_frames_function(const struct wr_profile *p, uint32_t sample);
/* "function (file:line)" of the innermost; the file without its folders. */
void wr_frames_place(const struct wr_profile *p, uint32_t sample, char *text,
                     size_t n);

#endif
