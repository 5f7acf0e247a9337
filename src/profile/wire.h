/* Protocol buffer messages, written to a file descriptor without malloc.
 *
 *     struct wr_wire w;
 *     wr_wire_init(&w, fd, buffer, sizeof buffer);
 *     wr_wire_open(&w, 2);              message in field 2
 *     wr_wire_field(&w, 1, id);         its field 1, a number
 *     wr_wire_text(&w, 5, path, n);     its field 5, bytes
 *     wr_wire_close(&w);
 *     if (!wr_wire_end(&w)) ...         errno says why
 *
 * The buffer is the caller's and must hold WR_WIRE_MESSAGE bytes twice: a
 * message is put together in it and written when whole, so none may be longer
 * than WR_WIRE_MESSAGE. After a failure nothing more is written. A number 0
 * is left out, as the format asks. Threads: one at a time per wire.
 */
#ifndef WR_PROFILE_WIRE_H
#define WR_PROFILE_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WR_WIRE_MESSAGE 4096
#define WR_WIRE_DEPTH   3 /* messages open at once */

struct wr_wire {
    int fd;
    bool failed;
    unsigned char *buffer;
    size_t room, used;
    unsigned depth;
    size_t start[WR_WIRE_DEPTH]; /* where the open messages' bodies begin */
};

void wr_wire_init(struct wr_wire *w, int fd, void *buffer, size_t room);
/* A message or a packed array of numbers begins; ends. */
void wr_wire_open(struct wr_wire *w, unsigned field);
void wr_wire_close(struct wr_wire *w);
void wr_wire_field(struct wr_wire *w, unsigned field, uint64_t value);
void wr_wire_text(struct wr_wire *w, unsigned field, const char *s, size_t n);
/* One element of a packed array. */
void wr_wire_number(struct wr_wire *w, uint64_t value);
/* Write what is left. false: something was not written. */
bool wr_wire_end(struct wr_wire *w);

#endif
