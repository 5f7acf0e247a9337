/* Small files. */
#include "serve/kernel.h"

#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool
wr_kernel_read(char *text, size_t bytes, const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    size_t have = 0;
    if (fd < 0)
        return false;
    for (ssize_t n;
         have < bytes - 1 && (n = read(fd, text + have, bytes - 1 - have)) > 0;)
        have += (size_t)n;
    close(fd);
    text[have] = 0;
    return have > 0;
}

double
wr_kernel_number_at(const char *text)
{
    char *end;
    double value = strtod(text, &end);
    return end == text ? NAN : value;
}

double
wr_kernel_number(const char *text, const char *word)
{
    size_t n = strlen(word);
    for (const char *line = text; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, word, n) == 0)
            return wr_kernel_number_at(line + n);
    }
    return NAN;
}
