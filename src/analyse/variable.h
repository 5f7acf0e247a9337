/* Variables of a program file or library: which one lies at an address?
 *
 *     struct wr_variables *v = wr_variables_open("/usr/bin/redis-server");
 *     struct wr_variable found;
 *     if (wr_variable_at(v, address, &found))
 *         printf("%s, %s:%d\n", found.name, found.file, found.line);
 *     wr_variables_close(v);
 *
 * Names come from the symbol table, of the file or of its separate debug file,
 * and so cover static variables where that was not stripped; files and lines
 * from DWARF, for those at file scope. Of a stripped file what it exports is
 * known.
 * Addresses are the file's own, as nm prints them; those of thread-local
 * variables count from the start of its storage.
 * Threads: one at a time. Ownership: names live until it is closed.
 */
#ifndef WR_ANALYSE_VARIABLE_H
#define WR_ANALYSE_VARIABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct wr_variables;

struct wr_variable {
    const char *name;
    uint64_t start, bytes;
    const char *file; /* "" when not known */
    int line;         /* 0 likewise */
};

struct wr_variables *wr_variables_open(const char *path); /* NULL: no file */
void wr_variables_close(struct wr_variables *v);

bool wr_variable_at(struct wr_variables *v, uint64_t address,
                    struct wr_variable *out);
bool wr_thread_variable_at(struct wr_variables *v, uint64_t address,
                           struct wr_variable *out);

/* A part that is loaded in one piece, with what follows it as zero. */
struct wr_loaded {
    uint64_t offset; /* in the file */
    uint64_t address, bytes;
    bool writable, runs;
};
bool wr_variables_part(const struct wr_variables *v, size_t i,
                       struct wr_loaded *out);
/* Bytes of storage that each thread has for it, aligned; 0: none. */
uint64_t wr_variables_storage(const struct wr_variables *v);

#endif
