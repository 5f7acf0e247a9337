/* Small files of the kernel, in /proc and /sys, and the numbers in them.
 *
 *     char text[WR_KERNEL_TEXT];
 *     if (wr_kernel_read(text, sizeof text, "/proc/meminfo"))
 *         total = wr_kernel_number(text, "MemTotal:");
 *
 * A number that is not there is NaN. Threads: any.
 */
#ifndef WR_SERVE_KERNEL_H
#define WR_SERVE_KERNEL_H

#include <stdbool.h>
#include <stddef.h>

#define WR_KERNEL_TEXT 16384 /* room for any file that is read here */

/* A file's beginning as a string; false: there is none. */
bool wr_kernel_read(char *text, size_t bytes, const char *path);
/* The number that the text begins with. */
double wr_kernel_number_at(const char *text);
/* The number behind the word that a line begins with. */
double wr_kernel_number(const char *text, const char *word);

#endif
