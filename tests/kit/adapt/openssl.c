#include <openssl/bn.h>
#include <openssl/crypto.h>
#include "common.h"

WEIR_ADAPT(adapted);
WEIR_ADAPT_OPENSSL(adapted);

int
main(int argc, char **argv)
{
    BIGNUM *n[1000];
    int failed = 0;

    (void)argc;
    begin(argv);
    adapted_budget = budget;
    if (adapted_openssl() != 1)
        return 1;
    for (int i = 0; i < 1000; i++) {
        n[i] = BN_new();
        failed |= n[i] == NULL || !BN_set_bit(n[i], 1000);
    }
    look(argv);
    for (int i = 0; i < 1000; i++)
        BN_free(n[i]);
    return end(failed ? "no memory" : "done");
}
