/* Errors: what a call of Weir can answer.
 *
 *     weir_err err = weir_profile_write(fd, "heap");
 *     if (err != WEIR_OK)
 *         fprintf(stderr, "no profile: %s\n", weir_strerror(err));
 *
 * A call that fails has changed nothing. Threads: any.
 */
#ifndef WEIR_ERROR_H
#define WEIR_ERROR_H

#ifdef __cplusplus
extern "C" {
#endif

typedef enum weir_err {
    WEIR_OK = 0,
    WEIR_EINVAL,  /* an argument makes no sense */
    WEIR_ENOMEM,  /* the system gave no memory */
    WEIR_EIO,     /* reading or writing failed; errno says why */
    WEIR_ENOENT,  /* no such profile, program or file */
    WEIR_ENOTSUP, /* not available here: no region, not built in */
    WEIR_EBUSY,   /* somebody else does it already; try again */
    WEIR_ELIMIT   /* it does not fit into the budget */
} weir_err;

/* One sentence in English, never NULL, not to be freed. */
const char *weir_strerror(weir_err err);

#ifdef __cplusplus
}
#endif
#endif
