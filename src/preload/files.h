/* The calls that open and close descriptors, seen on the way (files.c). */
#ifndef WR_PRELOAD_FILES_H
#define WR_PRELOAD_FILES_H

/* Look up, before signal handlers can run, what handlers may call. */
void wr_files_start(void);

#endif
