/* A verdict as people and programs read it.
 *
 *     wr_verdict_print(&v, WR_ENGLISH, stdout);
 *     fputc('{', out), wr_verdict_json(&v, WR_ENGLISH, out), fputc('}', out);
 *
 * Threads: any.
 */
#ifndef WR_ANALYSE_VERDICT_REPORT_H
#define WR_ANALYSE_VERDICT_REPORT_H

#include <stdio.h>
#include "analyse/verdict.h"

/* Some lines, indented by two spaces. */
void wr_verdict_print(const struct wr_verdict *v, enum wr_language in,
                      FILE *out);
/* Members of an object: verdict, certainty, findings. */
void wr_verdict_json(const struct wr_verdict *v, enum wr_language in,
                     FILE *out);

#endif
