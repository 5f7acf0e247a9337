/* What every fuzz target has: one function that takes any bytes and must
 * neither crash nor read beyond what it was given. libFuzzer calls it with
 * inputs it makes up (clang, -DWEIR_FUZZ=ON), replay.c with those in corpus/.
 */
#ifndef WEIR_FUZZ_H
#define WEIR_FUZZ_H

#include <stddef.h>
#include <stdint.h>

/* Always 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
