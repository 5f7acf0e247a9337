/* How arrays grow: Go's rule, then up to what a block of malloc holds anyhow.
 */
#ifndef WR_KIT_GROW_H
#define WR_KIT_GROW_H

#include <stddef.h>

/* Room for `need` items where there is room for cap, need > cap; 0 where so
 * many bytes cannot be. */
size_t wr_kit_grow(size_t cap, size_t need, size_t item_bytes);

#endif
