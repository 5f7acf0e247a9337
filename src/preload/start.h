#ifndef WR_PRELOAD_START_H
#define WR_PRELOAD_START_H
#endif
