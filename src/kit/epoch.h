/* Epochs: when nobody can look any more at what was taken out of a structure.
 *
 *     reader:  wr_kit_epoch_enter(); ... look ... wr_kit_epoch_leave();
 *     writer:  take it out; then, now and then:
 *              e = wr_kit_epoch_next();        begins a new epoch
 *              if (wr_kit_epoch_oldest() >= e) free what was out before next()
 *
 * Entering costs two stores: the writer pays for the fence (os/fence.h), which
 * wr_kit_epoch_start readies. Sections nest.
 * Threads: any; not in signal handlers.
 */
#ifndef WR_KIT_EPOCH_H
#define WR_KIT_EPOCH_H

#include <stdint.h>

void wr_kit_epoch_start(void);
void wr_kit_epoch_enter(void);
void wr_kit_epoch_leave(void);

uint64_t wr_kit_epoch_next(void);
/* The epoch in which the oldest section was entered that is not left yet;
 * UINT64_MAX: there is none; 0: not known now. */
uint64_t wr_kit_epoch_oldest(void);

#endif
