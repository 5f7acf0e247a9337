/* The end of a program that broke a promise, or of Weir that did. */
#include "base/die.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/base.h"

_Noreturn void
wr_die(const struct wr_text *t)
{
    struct wr_text line = *t;

    line.len = wr_min(line.len, sizeof line.buf - 2); /* room for the end */
    wr_text_str(&line, "\n");
    (void)!write(STDERR_FILENO, line.buf, line.len);
    abort();
}

_Noreturn void
wr_assert_failed(const char *what, const char *file, int line)
{
    struct wr_text t;

    wr_text_init(&t);
    wr_text_str(&t, "weir: broken assertion ");
    wr_text_str(&t, what);
    wr_text_str(&t, " in ");
    wr_text_str(&t, file);
    wr_text_str(&t, ":");
    wr_text_uint(&t, (uint64_t)line);
    wr_text_str(&t, ": this is a fault of Weir's; please report it");
    wr_die(&t);
}
