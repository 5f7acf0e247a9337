/* Names of C++ as a demangler may print them, and as the linker may have
 * them: always an answer, never longer than the question. */
#include <stdlib.h>
#include <string.h>

#include "analyse/demangle.h"
#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *full = malloc(size + 1), *name;

    if (full == NULL)
        return 0;
    if (size > 0)
        memcpy(full, data, size);
    full[size] = '\0';
    name = wr_demangle_shorten(full);
    if (name != NULL && strlen(name) > size)
        abort();
    free(name);
    free(wr_demangle(full));
    free(full);
    return 0;
}
