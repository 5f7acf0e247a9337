/* Numbers. */
#include "weir/number.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static int
digits(const char *text, uint64_t *number, char **end)
{
    if (*text < '0' || *text > '9')
        return -1;
    errno = 0;
    *number = strtoull(text, end, 10);
    return errno ? -1 : 0;
}

int
wr_number_bytes(const char *text, uint64_t *bytes)
{
    static const char letter[] = "kmgt";
    char *end;
    uint64_t n;
    if (digits(text, &n, &end) != 0)
        return -1;
    const char *unit = *end ? strchr(letter, *end | 0x20) : NULL;
    unsigned shift = unit ? 10 * (unsigned)(unit - letter + 1) : 0;
    const char *rest = end + (unit != NULL);
    if (*rest && strcasecmp(rest, "b") != 0 &&
        !(unit && strcasecmp(rest, "ib") == 0))
        return -1;
    if (n > UINT64_MAX >> shift)
        return -1;
    *bytes = n << shift;
    return 0;
}

int
wr_number_plain(const char *text, uint64_t max, uint64_t *number)
{
    char *end;
    uint64_t n;
    if (digits(text, &n, &end) != 0 || *end || n > max)
        return -1;
    *number = n;
    return 0;
}
