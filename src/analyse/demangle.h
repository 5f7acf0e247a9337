/* Readable names: from the linker's name of a function to what people call it.
 *
 *     char *name = wr_demangle("_ZNSt6vectorIiSaIiEE9push_backEOi");
 *     // "std::vector<int>::push_back"
 *     free(name);
 *
 * C++ names lose what makes them long and is seldom asked for: parameters,
 * return types, template arguments that are the default (allocators and the
 * like), and what of the others is longer than a line takes. What remains
 * tells instances apart: a vector<Order> from a vector<char>. The linker's name
 * has the rest, c++filt shows it.
 * Threads: any. Ownership: names are malloc'ed, the caller's.
 */
#ifndef WR_ANALYSE_DEMANGLE_H
#define WR_ANALYSE_DEMANGLE_H

/* NULL: no C++ name (nor one of Rust's older ones), or no library here that
 * can read it. */
char *wr_demangle(const char *linkage);

/* The same from a name that is demangled in full, "f(int) const": for
 * wr_demangle. NULL: no memory. */
char *wr_demangle_shorten(const char *full);

#endif
