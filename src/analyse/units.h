/* Units: values of profiles as people read them, by pprof's rules.
 *
 *     char text[WR_VALUE_ROOM];
 *     wr_value_label(text, 1536, "bytes", "auto");    "1.50kB"
 *     wr_value_label(text, 1536, "bytes", "mb");      "0.00MB"
 *
 * Known are the families of bytes ("B" to "PB"), of time ("ns" to "hrs") and
 * of GCU, each under several spellings ("kbyte", "milliseconds"). The unit
 * "auto" (or "minimum") is the largest of its family that leaves at least one.
 * Units of no family are kept as they are; counts are bare.
 * Threads: any.
 */
#ifndef WR_ANALYSE_UNITS_H
#define WR_ANALYSE_UNITS_H

#include <stddef.h>
#include <stdint.h>

#define WR_VALUE_ROOM 80

/* value, given in `from`, in the unit `to`; *unit is what to print behind it,
 * which lives as long as the program or as `to`. */
double wr_unit_scale(int64_t value, const char *from, const char *to,
                     const char **unit);
/* Number and unit: "1.50MB", "42", "0". */
void wr_value_label(char text[WR_VALUE_ROOM], int64_t value, const char *from,
                    const char *to);
/* The same in the unit that fits best; unknown units stand behind. */
void wr_value_format(char *text, size_t n, int64_t value, const char *unit);
/* Six characters: " 1.23%", "  100%". Signs do not show. */
void wr_value_percent(char text[WR_VALUE_ROOM], int64_t value, int64_t total);

#define WR_AGE_ROOM 24
/* How long: "3 s", "12 min", "5.1 h", "3.0 days". */
void wr_age_text(char text[WR_AGE_ROOM], uint64_t ns);
/* What a noun has behind it: "" for one, else "s". */
const char *wr_plural(uint64_t n);

#endif
