/* A flame graph drawn once, for viewers that only look: SVG without script.
 *
 * Invariants:
 * 1. A frame's width is the sum of its children's and its own: what it holds
 *    itself or, in a difference, the bigger of what it held and holds. So no
 *    child sticks out, and what is gone can still be seen.
 * 2. A frame is a group with a title, a rectangle and, where three letters
 *    fit, a text that stays inside the rectangle.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include "analyse/export.h"
#include "analyse/flame.h"
#include "analyse/path.h"
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
    uint32_t depth; /* of the deepest */
    double *left;   /* by depth: where the next frame begins */
    double *width;  /* by node */
};

/* --- Widths ------------------------------------------------------------- */

/* Of all nodes, in the profile's unit. Children stand behind their parent, so
 * from the end on each finds its own complete: sums are by depth. */
static void
sum_widths(struct canvas *c, double *below, double *base_below)
{
    for (uint32_t i = c->f->count; i-- > 0;) {
        const struct wr_flame_node *x = &c->f->nodes[i];
        double base_self = (double)x->base - base_below[x->depth + 1];
        double self = (double)x->self;
        c->width[i] =
            below[x->depth + 1] + (base_self > self ? base_self : self);
        below[x->depth + 1] = base_below[x->depth + 1] = 0;
        below[x->depth] += c->width[i];
        base_below[x->depth] += (double)x->base;
    }
}

static bool
make_widths(struct canvas *c)
{
    for (uint32_t i = 0; i < c->f->count; i++)
        if (c->f->nodes[i].depth > c->depth)
            c->depth = c->f->nodes[i].depth;
    double *sums = calloc(2 * ((size_t)c->depth + 2), sizeof *sums);
    c->left = calloc((size_t)c->depth + 2, sizeof *c->left);
    c->width = calloc(c->f->count, sizeof *c->width);
    bool ok = sums && c->left && c->width;
    if (ok) {
        sum_widths(c, sums, sums + c->depth + 2);
        double scale = c->width[0] > 0 ? (WIDTH - 2 * MARGIN) / c->width[0] : 0;
        for (uint32_t i = 0; i < c->f->count; i++)
            c->width[i] *= scale;
        c->left[0] = MARGIN;
    }
    free(sums);
    return ok;
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

/* What is new is full red, what is gone full blue. */
static void
print_change_colour(const struct wr_flame_node *x, FILE *out)
{
    double most = (double)(x->value > x->base ? x->value : x->base);
    double change = most > 0 ? ((double)x->value - (double)x->base) / most : 0;
    double pale = 92 - 32 * (change < 0 ? -change : change);
    fprintf(out, "hsl(%d,%d%%,%.0f%%)", change < 0 ? 215 : 5,
            change == 0 ? 0 : 80, pale);
}

/* One hue for a module; its functions differ in lightness. */
static void
print_module_colour(const struct wr_names_function *f, FILE *out)
{
    const char *module = wr_path_base(f->module);
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
print_frame(const struct canvas *c, uint32_t i)
{
    const struct wr_flame_node *x = &c->f->nodes[i];
    double left = c->left[x->depth], width = c->width[i];
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
    struct canvas c = {.f = f, .out = out};
    bool ok = make_widths(&c);
    if (ok) {
        print_heading(&c, TOP + ROW * (c.depth + 1.0) + MARGIN);
        for (uint32_t i = 0; i < f->count; i++)
            print_frame(&c, i);
        fputs("</svg>\n", out);
    }
    free(c.left);
    free(c.width);
    return ok;
}

int
wr_export_svg(const struct wr_export *e, FILE *out, char *why, size_t n)
{
    struct wr_flame f;
    struct wr_flame_options o = {.type = e->type,
                                 .title = e->title,
                                 .share = SHARE,
                                 .by_line = e->by_line};
    if (wr_flame_make(&f, e->p, e->base, &o, why, n) != 0)
        return -1;
    bool ok = print_svg(&f, out);
    wr_flame_fini(&f);
    return ok ? 0 : wr_profile_fail(why, n, "out of memory");
}
