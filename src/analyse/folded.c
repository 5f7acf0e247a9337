/* Folded stacks: one line of text for each stack. */
#include "analyse/export.h"
#include "analyse/split.h"
#include "analyse/store.h"

static void
print_name(const char *name, FILE *out)
{
    for (; *name; name++)
        fputc(*name == ';'                  ? ':'
              : (unsigned char)*name < 0x20 ? '?'
                                            : *name,
              out);
}

static void
print_path(void *out, const struct wr_split *s, const uint32_t *functions,
           uint32_t depth, int64_t value, int64_t base)
{
    if (depth == 0)
        fputs("<unknown>", out);
    for (uint32_t i = 0; i < depth; i++) {
        if (i > 0)
            fputc(';', out);
        print_name(s->names.functions[functions[i]].name, out);
    }
    if (s->has_base)
        fprintf(out, " %lld", (long long)base);
    fprintf(out, " %lld\n", (long long)value);
}

int
wr_export_folded(const struct wr_export *e, FILE *out, char *why, size_t n)
{
    struct wr_split s;
    const struct wr_split_input in = {e->p, e->base, e->type, e->by_line};
    if (wr_split_init(&s, &in, why, n) != 0)
        return -1;
    int rc = wr_split_walk(&s, print_path, out);
    wr_split_fini(&s);
    return rc == 0 ? 0 : wr_profile_fail(why, n, "out of memory");
}
