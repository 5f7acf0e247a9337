/* The sentences of weir_err. */
#include <weir/error.h>

#include "base/base.h"

WR_EXPORT const char *
weir_strerror(weir_err err)
{
    static const char *const text[] = {
        [WEIR_OK] = "no error",
        [WEIR_EINVAL] = "an argument makes no sense",
        [WEIR_ENOMEM] = "the system gave no memory",
        [WEIR_EIO] = "reading or writing failed; errno says why",
        [WEIR_ENOENT] = "there is no such profile, program or file",
        [WEIR_ENOTSUP] = "it is not available: no Weir in this program",
        [WEIR_EBUSY] = "somebody else does it already; try again",
        [WEIR_ELIMIT] = "it does not fit into the budget",
    };

    if ((unsigned)err >= wr_countof(text) || text[err] == NULL)
        return "an unknown error of Weir";
    return text[err];
}
