/* Short texts, of 3 to 12 bytes with their ends: a table of them, of which one
 * after the other is replaced. What they hold beside their letters is what
 * this measures. */
#include <string.h>

#include "heap.h"
#include "work.h"

static char *
new_text(struct part *p)
{
    static const char letters[] = "abcdefghijk";
    uint64_t bytes = 3 + below(p, 10);
    char *text = NEW_BYTES(bytes);

    memcpy(text, letters + sizeof letters - bytes, bytes);
    return text;
}

void
work_strings(struct part *p)
{
    uint64_t most = p->size / p->parts;
    char **text = NEW_ARRAY(char *, most);

    for (uint64_t i = 0; i < most; i++)
        text[i] = new_text(p);
    part_begin(p);
    for (uint64_t i = 0; i < p->ops; i++) {
        uint64_t at = below(p, most);

        p->sum += strlen(text[at]);
        DROP(text[at]);
        text[at] = new_text(p);
        part_step(p);
    }
}
