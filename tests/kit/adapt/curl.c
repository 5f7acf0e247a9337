#include <curl/curl.h>
#include "common.h"

WEIR_ADAPT(adapted);
WEIR_ADAPT_CURL(adapted);

int
main(int argc, char **argv)
{
    struct curl_slist *list = NULL, *more;
    int failed = 0;

    (void)argc;
    begin(argv);
    adapted_budget = budget;
    failed = adapted_curl(CURL_GLOBAL_NOTHING) != CURLE_OK;
    for (int i = 0; i < 3000 && !failed; i++) {
        more = curl_slist_append(list, "a header: of a request");
        failed = more == NULL;
        list = failed ? list : more;
    }
    look(argv);
    curl_slist_free_all(list);
    return end(failed ? "no memory" : "done");
}
