/* Snapshots made by hand, as bytes of a file.
 *
 *     static struct snap snap;
 *     snap_begin(&snap);
 *     snap_span(&snap, 0x10000, 64, 4, 0xf);      base, bytes, blocks, live
 *     snap_pointer(&snap, 0x10000, 8, 0x10040);   holder, offset, target
 *     snap_root(&snap, 0x5000, 0x10000);          address, target
 *     snap_sample(&snap, 0x10040, 7);             address, bucket
 *     FILE *in = snap_file(&snap);
 *
 * Pointers are told in the order of their holders and offsets.
 */
#ifndef WEIR_TESTS_SNAP_H
#define WEIR_TESTS_SNAP_H

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include "region/snapshot.h"

enum { SNAP_SPANS = 8, SNAP_POINTERS = 256, SNAP_BYTES = 1 << 16 };

struct snap_pointer {
    uint64_t holder, offset, target;
};

struct snap {
    struct wr_snapshot_span span[SNAP_SPANS];
    uint64_t live[SNAP_SPANS];
    struct snap_pointer pointer[SNAP_POINTERS], root[SNAP_POINTERS];
    struct wr_snapshot_sample sample[SNAP_POINTERS];
    unsigned spans, pointers, roots, samples;
    _Alignas(8) uint8_t bytes[SNAP_BYTES];
    size_t used;
};

static inline void
snap_begin(struct snap *s)
{
    memset(s, 0, sizeof *s);
}

static inline void
snap_span(struct snap *s, uint64_t base, uint64_t bytes, uint32_t blocks,
          uint64_t live)
{
    s->live[s->spans] = live;
    s->span[s->spans++] = (struct wr_snapshot_span){
        .base = base, .block_bytes = bytes, .blocks = blocks};
}

static inline void
snap_pointer(struct snap *s, uint64_t holder, uint64_t offset, uint64_t target)
{
    s->pointer[s->pointers++] = (struct snap_pointer){holder, offset, target};
}

static inline void
snap_root(struct snap *s, uint64_t address, uint64_t target)
{
    s->root[s->roots++] = (struct snap_pointer){address, 0, target};
}

static inline void
snap_sample(struct snap *s, uint64_t address, uint32_t bucket)
{
    s->sample[s->samples++] =
        (struct wr_snapshot_sample){.address = address, .bucket = bucket};
}

static inline void
snap_put(struct snap *s, const void *from, size_t bytes)
{
    memcpy(s->bytes + s->used, from, bytes);
    s->used += bytes;
}

static inline void
snap_number(struct snap *s, uint64_t n)
{
    for (; n >= 0x80; n >>= 7)
        s->bytes[s->used++] = (uint8_t)(n | 0x80);
    s->bytes[s->used++] = (uint8_t)n;
}

static inline void
snap_target(struct snap *s, uint64_t holder, uint64_t target)
{
    int64_t distance = (int64_t)(target - holder) / 16;

    snap_number(s, (uint64_t)distance << 1 ^ (uint64_t)(distance >> 63));
}

static inline struct wr_snapshot_section *
snap_section(struct snap *s, struct wr_snapshot_header *h, int id)
{
    s->used = (s->used + 7) / 8 * 8;
    h->section[id].offset = s->used;
    return &h->section[id];
}

static inline void
snap_block(struct snap *s, uint64_t block)
{
    uint64_t word = 0;

    for (unsigned i = 0; i < s->pointers; i++)
        if (s->pointer[i].holder == block) {
            snap_number(s, s->pointer[i].offset / 8 + 1 - word);
            word = s->pointer[i].offset / 8 + 1;
            snap_target(s, block, s->pointer[i].target);
        }
    snap_number(s, 0);
}

static inline void
snap_words(struct snap *s, struct wr_snapshot_header *h)
{
    struct wr_snapshot_section *in = snap_section(s, h, WR_SNAPSHOT_WORDS);

    for (unsigned i = 0; i < s->spans; i++) {
        s->span[i].words = s->used - in->offset;
        for (unsigned k = 0; k < s->span[i].blocks; k++)
            if (s->live[i] >> k & 1) {
                h->blocks++;
                h->bytes += s->span[i].block_bytes;
                snap_block(s, s->span[i].base + k * s->span[i].block_bytes);
            }
    }
    in->bytes = s->used - in->offset;
    in = snap_section(s, h, WR_SNAPSHOT_ROOTS);
    for (unsigned i = 0; i < s->roots; i++) {
        snap_number(s, WR_SNAPSHOT_MEMORY);
        snap_number(s, 0);
        snap_number(s, s->root[i].holder);
        snap_number(s, 1);
        snap_target(s, 0, s->root[i].target);
        snap_number(s, 0);
    }
    snap_number(s, 0);
    in->bytes = s->used - in->offset;
}

static inline void
snap_tables(struct snap *s, struct wr_snapshot_header *h)
{
    struct wr_snapshot_section *in = snap_section(s, h, WR_SNAPSHOT_SAMPLES);
    unsigned bit = 0;

    snap_put(s, s->sample, s->samples * sizeof *s->sample);
    in->bytes = s->used - in->offset;
    in = snap_section(s, h, WR_SNAPSHOT_SPANS);
    snap_put(s, s->span, s->spans * sizeof *s->span);
    in->bytes = s->used - in->offset;
    in = snap_section(s, h, WR_SNAPSHOT_LIVE);
    for (unsigned i = 0; i < s->spans; i++)
        for (unsigned k = 0; k < s->span[i].blocks; k++, bit++)
            s->bytes[in->offset + bit / 8] |=
                (uint8_t)((s->live[i] >> k & 1) << bit % 8);
    in->bytes = (bit + 63) / 64 * 8;
    s->used += in->bytes;
}

/* The file's bytes are in s->bytes[0 .. used). */
static inline void
snap_finish(struct snap *s)
{
    struct wr_snapshot_header h = {
        .reply = {.magic = WR_SNAPSHOT_MAGIC,
                  .version = WR_SNAPSHOT_VERSION,
                  .header_bytes = sizeof h,
                  .record_bytes = sizeof(struct wr_snapshot_span),
                  .trust = WR_TRUST_PROVED},
        .pointers = s->pointers,
        .root_pointers = s->roots};

    s->used = sizeof h;
    snap_words(s, &h);
    for (int id = WR_SNAPSHOT_THREADS; id < WR_SNAPSHOT_SECTIONS; id++)
        (void)snap_section(s, &h, id);
    snap_tables(s, &h);
    memcpy(s->bytes, &h, sizeof h);
}

static inline FILE *
snap_file(struct snap *s)
{
    FILE *f = tmpfile();

    if (f != NULL) {
        fwrite(s->bytes, 1, s->used, f);
        rewind(f);
    }
    return f;
}

#endif
