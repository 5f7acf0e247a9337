/* Lost: what the programs of a run had lost when they ended.
 *
 *     struct wr_lost *l = wr_lost_new(&options);
 *     wr_lost_add(l, &source, symboliser);        each that ended
 *     if (wr_lost_show(l, quiet) > 0) ... there are leaks
 *
 * `weir run --leaks` shows it. A forked child has the leaks of its parent,
 * too: of these only what it lost itself makes it worth a report of its own.
 * Errors are told on stderr. Threads: one.
 */
#ifndef WR_CMD_LOST_H
#define WR_CMD_LOST_H

#include <stdbool.h>
#include <stdint.h>

struct wr_source;
struct wr_symboliser;
struct wr_lost;

struct wr_lost_options {
    const char *file;         /* where the report goes; NULL: stderr. Its name
                                 says what it is: .json, .xml, or text */
    const char *suppressions; /* a file; NULL: none */
};

/* NULL after a sentence on stderr. */
struct wr_lost *wr_lost_new(const struct wr_lost_options *o);
/* Read and take away the list it left. */
void wr_lost_add(struct wr_lost *l, const struct wr_source *one,
                 struct wr_symboliser *symboliser);
/* Write the report, and free all. How many blocks it tells of; -1: it could
 * not be written, or none of the programs could be searched. */
int64_t wr_lost_show(struct wr_lost *l, bool quiet);

#endif
