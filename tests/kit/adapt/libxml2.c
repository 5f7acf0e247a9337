#include <libxml/parser.h>
#include <libxml/tree.h>
#include "common.h"

WEIR_ADAPT(adapted);
WEIR_ADAPT_LIBXML2(adapted);

int
main(int argc, char **argv)
{
    xmlDocPtr doc;
    xmlNodePtr root;
    int failed = 0;

    (void)argc;
    begin(argv);
    adapted_budget = budget;
    if (adapted_libxml2() != 0)
        return 1;
    doc = xmlNewDoc(BAD_CAST "1.0");
    root = doc ? xmlNewNode(NULL, BAD_CAST "root") : NULL;
    if (root != NULL)
        xmlDocSetRootElement(doc, root);
    for (int i = 0; i < 3000 && root != NULL; i++)
        failed |= xmlNewChild(root, NULL, BAD_CAST "child",
                              BAD_CAST "some text") == NULL;
    look(argv);
    xmlFreeDoc(doc);
    xmlCleanupParser();
    return end(failed || root == NULL ? "no memory" : "done");
}
