/* The size of new threads' stacks: libc's own default, set. */
#include <limits.h>
#include <pthread.h>
#include <weir/stack.h>

#include "base/base.h"

WR_EXPORT weir_err
weir_stack_max(size_t bytes)
{
    pthread_attr_t attr;
    weir_err result = WEIR_OK;

    if (bytes < (size_t)PTHREAD_STACK_MIN || bytes > PTRDIFF_MAX)
        return WEIR_EINVAL;
    if (pthread_getattr_default_np(&attr) != 0)
        return WEIR_ENOMEM;
    if (pthread_attr_setstacksize(&attr, wr_align_up(bytes, 4096)) != 0 ||
        pthread_setattr_default_np(&attr) != 0)
        result = WEIR_EINVAL;
    (void)pthread_attr_destroy(&attr);
    return result;
}
