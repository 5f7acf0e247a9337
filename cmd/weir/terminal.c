/* Terminal. The stream has no buffer of its own: libc's is in front of it. */
#include "weir/terminal.h"

#include <stdbool.h>
#include <unistd.h>

static bool
is_control(unsigned char c)
{
    return (c < 0x20 && c != '\n' && c != '\t') || c == 0x7f;
}

/* Beside ASCII's there are control characters from U+0080 to U+009F, in UTF-8
 * 0xc2 and one byte; where a write ends between the two, the second is left
 * alone, and is nothing by itself. */
static ssize_t
write_clean(void *cookie, const char *text, size_t n)
{
    (void)cookie;
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)text[i];
        unsigned char next = i + 1 < n ? (unsigned char)text[i + 1] : 0;
        bool wide = c == 0xc2 && next >= 0x80 && next < 0xa0;
        if (putchar(is_control(c) || wide ? '?' : c) == EOF)
            return 0;
        i += wide;
    }
    return (ssize_t)n;
}

FILE *
wr_terminal_open(void)
{
    const cookie_io_functions_t how = {.write = write_clean};
    FILE *out = isatty(STDOUT_FILENO) ? fopencookie(NULL, "w", how) : NULL;
    return out ? out : stdout;
}

void
wr_terminal_close(FILE *out)
{
    if (out != stdout)
        fclose(out);
}
