#include <jansson.h>
#include "common.h"

WEIR_ADAPT(adapted);
WEIR_ADAPT_JANSSON(adapted);

int
main(int argc, char **argv)
{
    json_t *all;
    int failed = 0;

    (void)argc;
    begin(argv);
    adapted_budget = budget;
    adapted_jansson();
    all = json_array();
    for (int i = 0; i < 5000; i++)
        failed |= json_array_append_new(all, json_sprintf("entry %d", i));
    look(argv);
    json_decref(all);
    return end(failed ? "no memory" : "done");
}
