/* Pipelines: stages in threads of their own, with bounded memory between.
 *
 *     static const struct weir_stage stages[] = {
 *         {read_block, &input, 1},     makes items
 *         {compress, NULL, 4},         works on them, four at a time
 *         {write_block, &output, 1},   uses them up
 *     };
 *     struct weir_pipeline_options o = {.items = 16, .bytes = 64 << 20};
 *     weir_err err = weir_pipeline_run(stages, 3, &o);
 *
 * A slow stage must not let items pile up in front of it: the first stage is
 * called only while fewer than so many items, with fewer than so many bytes,
 * are on their way. So at most one item for each of its threads is above that.
 *
 * The first stage is called with data NULL, sets data and bytes, and leaves
 * data NULL when there is nothing more. Each later one gets an item and may
 * change it, bytes too; with data NULL it is used up. What the last one leaves
 * is given to drop. With several threads in a stage items pass each other.
 *
 * A stage that answers anything but WEIR_OK stops the pipeline: no stage is
 * called again, drop gets what is on its way (that item, too), and the call
 * returns the first such answer.
 *
 * Units: bytes, as the stages count them. Threads: stages are called by the
 * pipeline's own, drop by them and by the caller, and each must allow as many
 * at once as its stage has; the caller waits. Complexity: handing on takes a
 * lock; items should be worth some microseconds.
 */
#ifndef WEIR_PIPELINE_H
#define WEIR_PIPELINE_H

#include <stddef.h>
#include <weir/error.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct weir_item {
    void *data;
    size_t bytes;
} weir_item;

struct weir_stage {
    weir_err (*run)(weir_item *item, void *arg);
    void *arg;
    unsigned threads; /* 0: 1 */
};

struct weir_pipeline_options {
    size_t items;                             /* on their way; 0: 16 */
    size_t bytes;                             /* 0: any number */
    void (*drop)(weir_item *item, void *arg); /* may be NULL */
    void *arg;
};

/* options may be NULL. WEIR_EINVAL: no stage, or one without run; WEIR_ENOMEM:
 * no memory, or no thread; else what a stage answered. */
weir_err weir_pipeline_run(const struct weir_stage *stages, size_t n,
                           const struct weir_pipeline_options *options);

#ifdef __cplusplus
}
#endif
#endif
