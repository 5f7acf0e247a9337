/* Judge: everything that is known of a process, put before the verdict.
 *
 *     struct wr_judgement j;
 *     if (wr_judge(&j, &story, one, names, true, why, sizeof why) == 0) {
 *         wr_verdict_print(&j.verdict, WR_ENGLISH, stdout);
 *         wr_judgement_fini(&j);
 *     }
 *
 * Threads: one. Ownership: names are the story's and the judgement's.
 */
#ifndef WR_CMD_JUDGE_H
#define WR_CMD_JUDGE_H

#include <stdbool.h>
#include "analyse/facts.h"
#include "analyse/overflow.h"

struct wr_profile;
struct wr_source;
struct wr_story;
struct wr_symboliser;

struct wr_judgement {
    struct wr_symboliser *symboliser;
    struct wr_known known;
    struct wr_verdict verdict;
    struct wr_suspect suspect; /* the site that grows most, if one does */
    struct wr_overflow_fold overflow; /* of a stack, if there was one */
    struct wr_profile *names[5];      /* that sites are named in */
    char note[WR_CULPRIT_ROOM];       /* why there was no search; "" */
};

/* The story's verdict becomes this one. search: ask a running program for its
 * leaks, for which it stands still some milliseconds. names NULL: without.
 * 0, or -1 with a sentence. */
int wr_judge(struct wr_judgement *j, struct wr_story *s,
             const struct wr_source *one, struct wr_symboliser *names,
             bool search, char *why, size_t n);
void wr_judgement_fini(struct wr_judgement *j);

/* The user's language, as far as verdicts know it: by --lang's word, or NULL:
 * by the locale. false: there is no such. */
bool wr_language_of(const char *word, enum wr_language *in);

#endif
