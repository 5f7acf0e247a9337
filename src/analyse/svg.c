/* A flame graph drawn once, for viewers that only look: SVG without script.
 *
 * Invariants:
 * 1. A frame's width is its size's share of the root's, so the frames above
 *    one never stick out of it.
 * 2. A frame is a group with a title, a rectangle and, where three letters
 *    fit, a text that stays inside the rectangle.
 */
#include <stdlib.h>
#include <string.h>
#include "analyse/export.h"
#include "analyse/flame.h"
#include "analyse/paths.h"
#include "analyse/quote.h"
#include "analyse/store.h"
#include "analyse/top.h"

#define WIDTH  1200.0 /* pixels, as all below */
#define MARGIN 10.0
#define TOP    52.0
#define ROW    18.0
#define LETTER 7.3  /* width of one in the text's font and size */
#define SHARE  2400 /* frames below half a pixel are gathered */

struct canvas {
    const struct wr_flame *f;
    FILE *out;
    double scale; /* pixels for one of the unit */
    double *left; /* by depth: where the next frame begins */
};

static double
size_of(const struct wr_flame_node *x)
{
    return (double)wr_paths_size(x->value, x->base);
}

static uint32_t
deepest(const struct wr_flame *f)
{
    uint32_t most = 0;
    for (uint32_t i = 0; i < f->count; i++)
        if (f->nodes[i].depth > most)
            most = f->nodes[i].depth;
    return most;
}

static const char *
name_of(const struct wr_flame *f, const struct wr_flame_node *x)
{
    return x->function == WR_FLAME_ROOT ? "all"
           : x->function == WR_FLAME_OTHERS
               ? "(smaller ones)"
               : f->names.functions[x->function].name;
}

/* --- Colours ------------------------------------------------------------ */

/* What grew by half or more of both is full red, what shrank so full blue. */
static void
print_change_colour(const struct wr_flame_node *x, FILE *out)
{
    double change =
        size_of(x) > 0 ? ((double)x->value - (double)x->base) / size_of(x) : 0;
    double pale = 92 - 32 * (change < 0 ? -change : change);
    fprintf(out, "hsl(%d,%d%%,%.0f%%)", change < 0 ? 215 : 5,
            change == 0 ? 0 : 80, pale);
}

/* One hue for a module; its functions differ in lightness. */
static void
print_module_colour(const struct wr_names_function *f, FILE *out)
{
    const char *module = wr_names_base(f->module);
    uint64_t m = wr_hash_bytes(7, module, strlen(module));
    uint64_t n = wr_hash_bytes(7, f->name, strlen(f->name));
    fprintf(out, "hsl(%u,65%%,%u%%)", (unsigned)(m >> 32) % 360,
            68 + (unsigned)(n >> 32) % 14);
}

static void
print_colour(const struct wr_flame *f, const struct wr_flame_node *x, FILE *out)
{
    if (x->function < 0)
        fputs("hsl(0,0%,85%)", out);
    else if (f->has_base)
        print_change_colour(x, out);
    else
        print_module_colour(&f->names.functions[x->function], out);
}

/* --- Frames ------------------------------------------------------------- */

static void
print_value(int64_t value, int64_t total, const char *unit, FILE *out)
{
    char text[80];
    wr_value_format(text, sizeof text, value, unit);
    wr_xml_string(out, text);
    if (total != 0)
        fprintf(out, " (%.2f%%)", 100.0 * (double)value / (double)total);
}

static void
print_title(const struct canvas *c, const struct wr_flame_node *x)
{
    const struct wr_flame *f = c->f;
    fputs("<title>", c->out);
    wr_xml_string(c->out, name_of(f, x));
    if (x->function >= 0 && *f->names.functions[x->function].file) {
        fputc('\n', c->out);
        wr_xml_string(c->out, f->names.functions[x->function].file);
    }
    fputc('\n', c->out);
    if (f->has_base) {
        print_value(x->base, f->nodes[0].base, f->unit, c->out);
        fputs(" before, ", c->out);
    }
    print_value(x->value, f->nodes[0].value, f->unit, c->out);
    if (f->has_base)
        fputs(" after", c->out);
    fputs("</title>", c->out);
}

/* As much of a name as fits, cut between characters. */
static void
print_text(const struct canvas *c, const char *name, double x, double y,
           double width)
{
    char shown[512];
    size_t room = width > 6 ? (size_t)((width - 6) / LETTER) : 0, n = 0;
    if (room < 3)
        return;
    for (size_t letters = 0; name[n] && n < sizeof shown - 4; n++) {
        letters += ((unsigned char)name[n] & 0xc0) != 0x80;
        if (letters > room)
            break;
        shown[n] = name[n];
    }
    if (name[n])
        for (int cut = 0; cut < 2; cut++)
            while (n > 0 && ((unsigned char)shown[--n] & 0xc0) == 0x80)
                ;
    strcpy(shown + n, name[n] ? ".." : "");
    fprintf(c->out, "<text x=\"%.1f\" y=\"%.1f\">", x + 3, y + 13);
    wr_xml_string(c->out, shown);
    fputs("</text>", c->out);
}

static void
print_frame(const struct canvas *c, const struct wr_flame_node *x)
{
    double left = c->left[x->depth], width = size_of(x) * c->scale;
    double y = TOP + ROW * x->depth;
    c->left[x->depth] = left + width;
    c->left[x->depth + 1] = left;
    fputs("<g>", c->out);
    print_title(c, x);
    fprintf(c->out,
            "<rect x=\"%.2f\" y=\"%.1f\" width=\"%.2f\" height=\"%.1f\" "
            "fill=\"",
            left, y, width > 0.5 ? width - 0.3 : width, ROW - 1);
    print_colour(c->f, x, c->out);
    fputs("\"/>", c->out);
    print_text(c, name_of(c->f, x), left, y, width);
    fputs("</g>\n", c->out);
}

static void
print_heading(const struct canvas *c, double height)
{
    const struct wr_flame *f = c->f;
    fprintf(c->out,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%.0f\" "
            "height=\"%.0f\" viewBox=\"0 0 %.0f %.0f\">\n"
            "<style>text{font:12px monospace;fill:#111}"
            ".h{font:bold 16px sans-serif}.s{font:13px sans-serif}"
            "g:hover rect{stroke:#111}</style>\n"
            "<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n"
            "<text class=\"h\" x=\"%.0f\" y=\"22\">",
            WIDTH, height, WIDTH, height, MARGIN);
    wr_xml_string(c->out, f->title);
    fprintf(c->out, "</text>\n<text class=\"s\" x=\"%.0f\" y=\"42\">", MARGIN);
    wr_xml_string(c->out, f->type);
    fputs(": ", c->out);
    if (f->has_base) {
        print_value(f->nodes[0].base, 0, f->unit, c->out);
        fputs(" before, ", c->out);
    }
    print_value(f->nodes[0].value, 0, f->unit, c->out);
    fputs(f->has_base ? " after; red grew, blue shrank</text>\n" : "</text>\n",
          c->out);
}

static bool
print_svg(const struct wr_flame *f, FILE *out)
{
    uint32_t depth = deepest(f);
    struct canvas c = {.f = f, .out = out};
    c.left = calloc((size_t)depth + 2, sizeof *c.left);
    if (!c.left)
        return false;
    c.left[0] = MARGIN;
    if (size_of(&f->nodes[0]) > 0)
        c.scale = (WIDTH - 2 * MARGIN) / size_of(&f->nodes[0]);
    print_heading(&c, TOP + ROW * (depth + 1.0) + MARGIN);
    for (uint32_t i = 0; i < f->count; i++)
        print_frame(&c, &f->nodes[i]);
    fputs("</svg>\n", out);
    free(c.left);
    return true;
}

int
wr_export_svg(const struct wr_export *e, FILE *out, char *why, size_t n)
{
    struct wr_flame f;
    struct wr_flame_options o = {
        .type = e->type, .title = e->title, .share = SHARE};
    if (wr_flame_make(&f, e->p, e->base, &o, why, n) != 0)
        return -1;
    bool ok = print_svg(&f, out);
    wr_flame_fini(&f);
    return ok ? 0 : wr_profile_fail(why, n, "out of memory");
}
