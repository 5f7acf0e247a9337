/* Hand-made call frame information for tests.
 *
 *     struct image image;
 *     image_start(&image);
 *     size_t cie = image_cie(&image, "zR", 3, program, sizeof(program));
 *     image_fde(&image, cie, 0x1000, 0x100, program, sizeof(program));
 *     struct wr_cfi_module module = image_finish(&image);
 *
 * Addresses of functions are as given: the image pretends they are there.
 */
#ifndef WEIR_TESTS_CFI_IMAGE_H
#define WEIR_TESTS_CFI_IMAGE_H

#include <stdint.h>
#include <string.h>

#include "os/regs.h"
#include "profile/cfi.h"

enum { IMAGE_BYTES = 4096, IMAGE_TABLE = 12, IMAGE_FDES = 32 };
enum { IMAGE_FRAMES = IMAGE_TABLE + 8 * IMAGE_FDES };

/* The header, room for its table, then .eh_frame. */
struct image {
    _Alignas(16) uint8_t bytes[IMAGE_BYTES];
    size_t n; /* bytes used */
    uint32_t fdes;
    uintptr_t code[IMAGE_FDES];
    size_t fde[IMAGE_FDES];
    uint8_t address_form; /* how FDEs write addresses */
    uint8_t augmented;    /* the last CIE had a 'z' */
};

static inline void
image_put(struct image *image, const void *p, size_t n)
{
    memcpy(image->bytes + image->n, p, n);
    image->n += n;
}

static inline void
image_byte(struct image *image, uint8_t byte)
{
    image_put(image, &byte, 1);
}

static inline void
image_word(struct image *image, uint32_t word)
{
    image_put(image, &word, 4);
}

static inline void
image_start(struct image *image)
{
    memset(image, 0, sizeof(*image));
    image->n = IMAGE_FRAMES;
}

/* Fills in the length of the record that began at `start`. */
static inline void
image_end_record(struct image *image, size_t start)
{
    while ((image->n - start) % 4 != 0)
        image_byte(image, 0);
    uint32_t length = (uint32_t)(image->n - start - 4);
    memcpy(image->bytes + start, &length, 4);
}

/* A CIE whose FDEs hold 8-byte absolute addresses. Each letter gets what it
 * asks for: a personality of 8 bytes, no encoding of exception data. */
static inline size_t
image_cie(struct image *image, const char *letters, uint8_t version,
          const uint8_t *program, size_t n)
{
    size_t start = image->n;
    uint8_t length = 0;

    image->augmented = letters[0] == 'z';
    image_word(image, 0);
    image_word(image, 0);
    image_byte(image, version);
    image_put(image, letters, strlen(letters) + 1);
    image_byte(image, 1);    /* code unit */
    image_byte(image, 0x78); /* data unit -8 */
    image_byte(image, WR_REG_RA);
    for (const char *l = letters; *l; l++)
        length += *l == 'R' || *l == 'L' ? 1 : *l == 'P' ? 9 : 0;
    if (image->augmented)
        image_byte(image, length);
    for (const char *l = letters; *l; l++) {
        if (*l == 'R')
            image_byte(image, image->address_form);
        if (*l == 'L')
            image_byte(image, 0xff);
        if (*l == 'P')
            image_put(image, "\0personal", 9);
    }
    image_put(image, program, n);
    image_end_record(image, start);
    return start;
}

static inline void
image_fde(struct image *image, size_t cie, uintptr_t code, uintptr_t bytes,
          const uint8_t *program, size_t n)
{
    size_t start = image->n;

    image->code[image->fdes] = code;
    image->fde[image->fdes++] = start;
    image_word(image, 0);
    image_word(image, (uint32_t)(image->n - cie));
    if (image->address_form == 0) {
        image_put(image, &code, 8);
        image_put(image, &bytes, 8);
    } else { /* from here, in 4 bytes */
        code -= (uintptr_t)image->bytes + image->n;
        image_put(image, &code, 4);
        image_put(image, &bytes, 4);
    }
    if (image->augmented)
        image_byte(image, 0);
    image_put(image, program, n);
    image_end_record(image, start);
}

/* The header with its search table; FDEs were added in order of address. */
static inline struct wr_cfi_module
image_finish(struct image *image)
{
    size_t end = image->n;
    static const uint8_t encodings[] = {1, 0x1b, 0x03, 0x3b};

    image_word(image, 0);
    image->n = 0;
    image_put(image, encodings, 4);
    image_word(image, IMAGE_FRAMES - 4);
    image_word(image, image->fdes);
    for (uint32_t i = 0; i < image->fdes; i++) {
        image_word(image, (uint32_t)(image->code[i] - (uintptr_t)image->bytes));
        image_word(image, (uint32_t)image->fde[i]);
    }
    image->n = end + 4;
    return (struct wr_cfi_module){(uintptr_t)image->bytes,
                                  (uintptr_t)image->bytes + image->n,
                                  image->bytes};
}

#endif
