/* Numbers as people write them: "65536", "64K", "1MiB", "2g". */
#ifndef WR_CMD_NUMBER_H
#define WR_CMD_NUMBER_H

#include <stdint.h>

/* Bytes; K, M and G are powers of 1024. 0, or -1: not a number. */
int wr_number_bytes(const char *text, uint64_t *bytes);
/* A plain decimal number from 0 to max. 0, or -1. */
int wr_number_plain(const char *text, uint64_t max, uint64_t *number);

#endif
