/* The viewer with a call tree inside. */
#include <string.h>
#include "analyse/export.h"
#include "analyse/flame.h"
#include "analyse/store.h"
#include "ui/assets.h"

/* No text of the JSON has a '<' (analyse/quote.h), so none ends the element
 * it stands in. */
int
wr_export_html(const struct wr_export *e, FILE *out, char *why, size_t n)
{
    struct wr_flame_options o = {
        .type = e->type, .title = e->title, .by_line = e->by_line};
    const unsigned char *end = wr_ui_flame + wr_ui_flame_bytes;
    const unsigned char *mark =
        memmem(wr_ui_flame, wr_ui_flame_bytes, WR_UI_DATA, strlen(WR_UI_DATA));
    if (!mark)
        return wr_profile_fail(why, n, "this build has no flame graph viewer");
    struct wr_flame f;
    if (wr_flame_make(&f, e->p, e->base, &o, why, n) != 0)
        return -1;
    fwrite(wr_ui_flame, 1, (size_t)(mark - wr_ui_flame), out);
    int rc = wr_flame_print_json(&f, out);
    mark += strlen(WR_UI_DATA);
    fwrite(mark, 1, (size_t)(end - mark), out);
    wr_flame_fini(&f);
    return rc == 0 ? 0 : wr_profile_fail(why, n, "out of memory");
}
