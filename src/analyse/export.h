/* A profile in the formats of others, and as JSON.
 *
 *     struct wr_export e = {.p = p, .type = wr_profile_default_type(p),
 *                           .title = "redis-server"};
 *     wr_export_folded(&e, stdout, why, sizeof why);
 *
 * All leave out what reports leave out (stack.h). With a base, the profile
 * that p is compared with, each says how it shows both.
 *
 * Threads: any. Functions return 0, or -1 and a sentence; whether writing
 * worked is the stream's to tell.
 */
#ifndef WR_ANALYSE_EXPORT_H
#define WR_ANALYSE_EXPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct wr_profile;

struct wr_export {
    struct wr_profile *p;
    struct wr_profile *base; /* or NULL */
    uint32_t type;           /* sample type of p */
    const char *title;
    bool by_line; /* frames are lines, not functions */
};

/* Folded stacks, as flamegraph.pl, speedscope and many more read them: a line
 * "main;f;g 1024" for each stack, the root first. With a base there are two
 * numbers, before and after, as difffolded.pl writes them. A ';' in a name
 * becomes ':'. */
int wr_export_folded(const struct wr_export *e, FILE *out, char *why, size_t n);

/* https://www.speedscope.app/file-format-schema.json. With a base there are
 * two profiles in the file, after and before. */
int wr_export_speedscope(const struct wr_export *e, FILE *out, char *why,
                         size_t n);

/* A flame graph that needs nothing but a viewer of SVG: names and values are
 * titles, which viewers show under the mouse. Root on top. With a base, what
 * grew is red and what shrank blue. */
int wr_export_svg(const struct wr_export *e, FILE *out, char *why, size_t n);

/* One HTML file with a viewer in it that draws the call tree, and needs
 * nothing from elsewhere. */
int wr_export_html(const struct wr_export *e, FILE *out, char *why, size_t n);

/* All of the profile; weir-flame(1) tells the schema. A base must have been
 * subtracted before. */
int wr_export_json(const struct wr_export *e, FILE *out, char *why, size_t n);

#endif
