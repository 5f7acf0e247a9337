/* Arguments of the commands that read profiles: pprof's options, and where
 * the profile is.
 *
 *     struct wr_profile_args a;
 *     const struct wr_own_option own[] = {{"folded", 0, NULL, &folded},
 *                                         {"output", 'o', &file, NULL},
 *                                         {NULL, 0, NULL, NULL}};
 *     struct wr_opened o;
 *     int status = wr_profile_args_parse(&a, "flame", own, argc, argv);
 *     if (status != 0)
 *         return status - 1;
 *     if (wr_profile_args_open(&a, a.words, a.word_count, &o, why,
 *                              sizeof why) != 0)
 *         return wr_say("%s", why), 1;
 *     ... o.profile, o.analysis.type, o.analysis.total ...
 *     wr_opened_close(&o);
 *
 * Options are written as pprof takes them: -focus=X, -focus X or --focus X,
 * with '-' or '_' in their names. What is no option is a word: a pattern for
 * some commands, else a file, a URL, the pid of a process under Weir, or
 * PID@-10m, what it held ten minutes ago (or @-10m, if it is the only one that
 * runs). Several are added up; none is the only process that runs.
 *
 * Threads: one. Ownership: texts are argv's, which must outlive all; what was
 * opened is the caller's until closed.
 */
#ifndef WR_CMD_PROFILE_ARGS_H
#define WR_CMD_PROFILE_ARGS_H

#include <stdbool.h>
#include <stddef.h>
#include "analyse/analysis.h"

struct wr_symboliser;

#define WR_ARGS_WORDS 256
#define WR_ARGS_WHY   500 /* room for any sentence of this file */

struct wr_profile_args {
    const char *command;
    const char *words[WR_ARGS_WORDS]; /* what is no option, in order */
    unsigned word_count;
    const char *bases[WR_ARGS_WORDS];
    unsigned base_count;
    bool diff_base; /* percentages are of the base */
    bool normalise;
    long seconds;   /* what changes in so many, of URLs and processes; 0: all */
    bool ages;      /* processes and URLs: what is alive has the label age */
    bool symbolise; /* find names that are missing; yes unless told */
    bool keep_base; /* for the command to set: give the base by itself */
    const char *type; /* -sample_index; NULL: the profile's own */
    struct wr_filter filter;
    struct wr_analysis_options options;
};

/* An option of one command: with a value in *text, or a switch in *flag. The
 * list ends with a name of NULL. */
struct wr_own_option {
    const char *name;
    char letter; /* "-o" beside "--output"; '\0': none */
    const char **text;
    bool *flag;
    unsigned *count; /* not NULL: there may be several, text is an array of
                        WR_ARGS_WORDS, and this is how many it has */
};

/* own may be NULL. 0: go on; else the exit status + 1, all said. */
int wr_profile_args_parse(struct wr_profile_args *a, const char *command,
                          const struct wr_own_option *own, int argc,
                          char **argv);

struct wr_opened {
    struct wr_profile *profile;  /* named, filtered; the base taken off */
    struct wr_profile *base;     /* with keep_base: by itself, filtered too */
    struct wr_analysis analysis; /* of the profile: its type, its total */
};

/* Open the profiles at places (files, URLs, processes), sum them up, take the
 * base off, find names, apply the filter. 0, or -1 with a sentence that names
 * the place it is about. Filters that match nothing are told on stderr. */
int wr_profile_args_open(const struct wr_profile_args *a,
                         const char *const *places, unsigned count,
                         struct wr_opened *o, char *why, size_t n);
void wr_opened_close(struct wr_opened *o);

/* One place (NULL: the only process), with names, unfiltered. */
int wr_profile_open(const struct wr_profile_args *a, const char *place,
                    struct wr_profile **out, char *why, size_t n);

/* A symboliser that waits for debug files, and says so. NULL: no memory. */
struct wr_symboliser *wr_symboliser_patient(void);
/* Names of a profile that was just taken from a process (0: not known), by one
 * of those. */
void wr_profile_find_names(struct wr_profile *p, int pid, bool runs);

#endif
