/* An index over DWARF, in three steps that each happen when first needed:
 * which unit covers an address (all units' ranges, once), which function of
 * that unit (its functions' ranges, once per unit), which inlined functions
 * inside it (a walk over that one function).
 *
 * Invariants:
 * 1. Ranges are sorted by their start once they are complete. A search
 *    returns the narrowest of the ranges that start last before the address.
 * 2. A unit is indexed at most twice: shallow first (functions at the top and
 *    in namespaces and types); deep, into functions as well, only when an
 *    address of the unit was in none of those.
 * 3. Memory that runs out shortens the index and never breaks it: an address
 *    then has no frames.
 */
#include "analyse/dwarf.h"

#include <dwarf.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include "analyse/search.h"

#define NESTING_MAX 64   /* of the tree of entries: more is damaged data */
#define NAME_BYTES  1024 /* bytes of a name that is put together */
#define NO_SCOPE    UINT32_MAX

struct range {
    uint64_t lo, hi;
    uint32_t unit;
    Dwarf_Off function; /* of a unit's ranges: the entry */
};

struct ranges {
    struct range *at;
    size_t count, capacity;
    uint64_t longest; /* how far before an address a range may start */
};

/* What gives a name its prefix: a namespace, a class, a function. Scopes are
 * in the order of the tree, so by start. */
struct scope {
    Dwarf_Off start, end; /* of its entries; end 0: the parent's */
    uint32_t parent;      /* NO_SCOPE: none */
};

struct scopes {
    struct scope *at;
    size_t count, capacity;
};

/* A name that was put together. */
struct made_name {
    struct made_name *next;
    char text[];
};

enum depth { DEPTH_NONE, DEPTH_SHALLOW, DEPTH_DEEP };

struct unit {
    Dwarf_Die die;   /* where the line table hangs */
    Dwarf_Die split; /* where the functions hang; usually the same */
    struct ranges functions;
    struct scopes scopes; /* of C++ and the like */
    enum depth indexed;
};

struct wr_dwarf {
    Dwarf *dw;
    struct unit *units;
    size_t unit_count, unit_capacity;
    struct ranges ranges;
    bool complete;
    struct made_name *made;
};

/* --- Ranges ------------------------------------------------------------- */

static void
ranges_add(struct ranges *r, struct range range)
{
    if (range.lo == 0 || range.lo >= range.hi)
        return; /* of a section the linker threw away */
    if (r->count == r->capacity) {
        size_t more = r->capacity ? r->capacity * 2 : 16;
        struct range *bigger = realloc(r->at, more * sizeof *bigger);
        if (!bigger)
            return;
        r->at = bigger;
        r->capacity = more;
    }
    r->at[r->count++] = range;
    if (range.hi - range.lo > r->longest)
        r->longest = range.hi - range.lo;
}

static void
ranges_add_die(struct ranges *r, Dwarf_Die *die, uint32_t unit)
{
    Dwarf_Addr base, lo, hi;
    Dwarf_Off offset = dwarf_dieoffset(die);
    ptrdiff_t next = 0;
    while ((next = dwarf_ranges(die, next, &base, &lo, &hi)) > 0)
        ranges_add(r, (struct range){lo, hi, unit, offset});
}

static int
by_start(const void *a, const void *b)
{
    const struct range *x = a, *y = b;
    if (x->lo != y->lo)
        return x->lo < y->lo ? -1 : 1;
    return (x->hi < y->hi) - (x->hi > y->hi);
}

static void
ranges_sort(struct ranges *r)
{
    if (r->count)
        qsort(r->at, r->count, sizeof *r->at, by_start);
}

static uint64_t
range_start(const void *ranges, size_t i)
{
    return ((const struct range *)ranges)[i].lo;
}

static const struct range *
ranges_find(const struct ranges *r, uint64_t address)
{
    size_t before = wr_search_before(r->at, r->count, range_start, address);
    for (size_t i = before; i-- > 0;) {
        if (address < r->at[i].hi)
            return &r->at[i];
        if (address - r->at[i].lo > r->longest)
            break;
    }
    return NULL;
}

/* --- Units -------------------------------------------------------------- */

static void
add_unit(struct wr_dwarf *d, const Dwarf_Die *die, const Dwarf_Die *split)
{
    if (d->unit_count == d->unit_capacity) {
        size_t more = d->unit_capacity ? d->unit_capacity * 2 : 64;
        struct unit *bigger = realloc(d->units, more * sizeof *bigger);
        if (!bigger)
            return;
        d->units = bigger;
        d->unit_capacity = more;
    }
    struct unit *u = &d->units[d->unit_count];
    *u = (struct unit){.die = *die, .split = split->cu ? *split : *die};
    ranges_add_die(&d->ranges, &u->die, (uint32_t)d->unit_count++);
}

static void
index_units(struct wr_dwarf *d)
{
    Dwarf_CU *cu = NULL;
    Dwarf_Half version;
    uint8_t type;
    Dwarf_Die die, split;
    d->complete = true;
    while (memset(&split, 0, sizeof split),
           dwarf_get_units(d->dw, cu, &cu, &version, &type, &die, &split) == 0)
        if (type == DW_UT_compile || type == DW_UT_skeleton)
            add_unit(d, &die, &split);
    ranges_sort(&d->ranges);
}

/* --- Functions ---------------------------------------------------------- */

static bool
holds_functions(int tag, enum depth depth)
{
    switch (tag) {
    case DW_TAG_namespace:
    case DW_TAG_module:
    case DW_TAG_class_type:
    case DW_TAG_structure_type:
    case DW_TAG_union_type:
    case DW_TAG_enumeration_type:
        return true;
    case DW_TAG_subprogram:
    case DW_TAG_lexical_block:
        return depth == DEPTH_DEEP;
    default:
        return false;
    }
}

/* C++ and Rust. Where one of them has no linkage name the linker's symbol may
 * know it: compilers leave it out for what other files cannot call. */
static bool
mangles(struct unit *u)
{
    switch (dwarf_srclang(&u->split)) {
    case DW_LANG_C_plus_plus:
    case DW_LANG_C_plus_plus_03:
    case DW_LANG_C_plus_plus_11:
    case DW_LANG_C_plus_plus_14:
    case 0x2b: /* C++17 and C++20, younger than this list in dwarf.h */
    case 0x2c:
    case DW_LANG_Rust:
        return true;
    default:
        return false;
    }
}

struct indexing {
    struct ranges *ranges;
    struct scopes *scopes; /* NULL: names need no prefix */
    enum depth depth;
};

/* Declarations of functions hold nothing, and are many. */
static bool
is_scope(Dwarf_Die *die, int tag)
{
    if (tag == DW_TAG_subprogram)
        return !dwarf_hasattr(die, DW_AT_declaration);
    return holds_functions(tag, DEPTH_SHALLOW) && dwarf_haschildren(die) > 0;
}

/* The number of the scope that the entry opens; NO_SCOPE: none. */
static uint32_t
open_scope(struct scopes *s, Dwarf_Die *die, int tag, uint32_t parent)
{
    if (!s || !is_scope(die, tag))
        return NO_SCOPE;
    if (s->count == s->capacity) {
        size_t more = s->capacity ? s->capacity * 2 : 64;
        struct scope *bigger = realloc(s->at, more * sizeof *bigger);
        if (!bigger)
            return NO_SCOPE;
        s->at = bigger;
        s->capacity = more;
    }
    s->at[s->count] = (struct scope){dwarf_dieoffset(die), 0, parent};
    return (uint32_t)s->count++;
}

static void
index_functions(struct indexing *x, Dwarf_Die *parent, uint32_t scope,
                int nesting)
{
    Dwarf_Die die;
    uint32_t opened = NO_SCOPE;
    if (nesting > NESTING_MAX || dwarf_child(parent, &die) != 0)
        return;
    do {
        int tag = dwarf_tag(&die);
        if (opened != NO_SCOPE) /* the entry before */
            x->scopes->at[opened].end = dwarf_dieoffset(&die);
        opened = open_scope(x->scopes, &die, tag, scope);
        if (tag == DW_TAG_subprogram)
            ranges_add_die(x->ranges, &die, 0);
        if (holds_functions(tag, x->depth))
            index_functions(x, &die, opened != NO_SCOPE ? opened : scope,
                            nesting + 1);
    } while (dwarf_siblingof(&die, &die) == 0);
}

static void
index_unit(struct unit *u)
{
    struct indexing x = {&u->functions, mangles(u) ? &u->scopes : NULL,
                         u->indexed};
    u->functions.count = u->scopes.count = 0;
    index_functions(&x, &u->split, NO_SCOPE, 0);
    ranges_sort(&u->functions);
}

static const struct range *
find_function(struct unit *u, uint64_t address)
{
    const struct range *found = ranges_find(&u->functions, address);
    while (!found && u->indexed < DEPTH_DEEP) {
        u->indexed++;
        index_unit(u);
        found = ranges_find(&u->functions, address);
    }
    return found;
}

/* --- Inlined functions -------------------------------------------------- */

struct chain {
    Dwarf_Die die[WR_DWARF_FRAMES]; /* outermost first */
    size_t count;
};

/* Blocks are looked into whatever their own ranges say: compilers leave out
 * pieces of them, but not of the inlined functions inside. */
static bool
find_inlined(struct chain *c, Dwarf_Die *parent, uint64_t address, int nesting)
{
    Dwarf_Die die;
    if (nesting > NESTING_MAX || dwarf_child(parent, &die) != 0)
        return false;
    do {
        int tag = dwarf_tag(&die);
        if (tag == DW_TAG_lexical_block || tag == DW_TAG_try_block ||
            tag == DW_TAG_catch_block) {
            if (find_inlined(c, &die, address, nesting + 1))
                return true;
        } else if (tag == DW_TAG_inlined_subroutine &&
                   dwarf_haspc(&die, address) > 0) {
            if (c->count < WR_DWARF_FRAMES)
                c->die[c->count++] = die;
            find_inlined(c, &die, address, nesting + 1);
            return true;
        }
    } while (dwarf_siblingof(&die, &die) == 0);
    return false;
}

/* --- Names and lines ---------------------------------------------------- */

static const char *
linkage_name(Dwarf_Die *die)
{
    Dwarf_Attribute a;
    if (!dwarf_attr_integrate(die, DW_AT_linkage_name, &a) &&
        !dwarf_attr_integrate(die, DW_AT_MIPS_linkage_name, &a))
        return NULL;
    return dwarf_formstring(&a);
}

static Dwarf_Word
number(Dwarf_Die *die, unsigned name)
{
    Dwarf_Attribute a;
    Dwarf_Word value;
    if (!dwarf_attr(die, name, &a) || dwarf_formudata(&a, &value) != 0)
        return 0;
    return value;
}

/* Where the inlined function was called. */
static void
set_call_site(struct wr_dwarf_frame *f, Dwarf_Die *unit, Dwarf_Die *inlined)
{
    Dwarf_Files *files;
    size_t count;
    Dwarf_Word file = number(inlined, DW_AT_call_file);
    f->line = (int)number(inlined, DW_AT_call_line);
    if (dwarf_getsrcfiles(unit, &files, &count) == 0 && file < count)
        f->file = dwarf_filesrc(files, file, NULL, NULL);
}

static void
set_source_line(struct wr_dwarf_frame *f, Dwarf_Die *unit, uint64_t address)
{
    Dwarf_Line *line = dwarf_getsrc_die(unit, address);
    if (!line)
        return;
    f->file = dwarf_linesrc(line, NULL, NULL);
    dwarf_lineno(line, &f->line);
}

/* --- Whole names -----------------------------------------------------------
 */

/* Where the name of an entry stands: what it is an instance or a definition
 * of. */
static Dwarf_Die
origin_of(Dwarf_Die die)
{
    Dwarf_Attribute a;
    for (int i = 0; i < 8; i++) {
        Dwarf_Die next;
        if ((!dwarf_attr(&die, DW_AT_abstract_origin, &a) &&
             !dwarf_attr(&die, DW_AT_specification, &a)) ||
            !dwarf_formref_die(&a, &next))
            break;
        die = next;
    }
    return die;
}

static uint64_t
scope_start(const void *scopes, size_t i)
{
    return ((const struct scope *)scopes)[i].start;
}

static bool
is_inside(const struct scopes *s, uint32_t i, Dwarf_Off offset)
{
    while (i != NO_SCOPE && s->at[i].end == 0)
        i = s->at[i].parent;
    return i == NO_SCOPE || offset < s->at[i].end;
}

/* The innermost scope around the entry at an offset, which is not itself. */
static uint32_t
scope_around(const struct scopes *s, Dwarf_Off offset)
{
    size_t before = wr_search_before(s->at, s->count, scope_start, offset - 1);
    uint32_t i = before ? (uint32_t)(before - 1) : NO_SCOPE;
    while (i != NO_SCOPE && !is_inside(s, i, offset))
        i = s->at[i].parent;
    return i;
}

struct name {
    char text[NAME_BYTES];
    size_t n;
};

static bool
put(struct name *to, const char *text)
{
    size_t n = strlen(text);
    if (to->n + n >= sizeof to->text)
        return false;
    memcpy(to->text + to->n, text, n + 1);
    to->n += n;
    return true;
}

static const char *
name_in_scope(Dwarf_Die *die)
{
    const char *name = dwarf_diename(die);
    if (name)
        return name;
    return dwarf_tag(die) == DW_TAG_namespace ? "(anonymous namespace)"
                                              : "{unnamed}";
}

/* False: it is too long, or partly in another unit. */
static bool
put_whole(struct name *to, struct unit *u, Dwarf_Die die, int nesting)
{
    Dwarf_Die origin = origin_of(die), around;
    if (nesting > NESTING_MAX || origin.cu != u->split.cu)
        return false;
    uint32_t scope = scope_around(&u->scopes, dwarf_dieoffset(&origin));
    if (scope != NO_SCOPE) {
        Dwarf *dw = dwarf_cu_getdwarf(u->split.cu);
        if (!dwarf_offdie(dw, u->scopes.at[scope].start, &around) ||
            !put_whole(to, u, around, nesting + 1) || !put(to, "::"))
            return false;
    }
    return put(to, name_in_scope(&origin));
}

/* A name of the index's; NULL: there is no more to tell than the entry does. */
static const char *
whole_name(struct wr_dwarf *d, struct unit *u, Dwarf_Die *die)
{
    struct name name = {.n = 0};
    if (!dwarf_diename(die) || !put_whole(&name, u, *die, 0))
        return NULL;
    struct made_name *made = malloc(sizeof *made + name.n + 1);
    if (!made)
        return NULL;
    memcpy(made->text, name.text, name.n + 1);
    made->next = d->made;
    d->made = made;
    return made->text;
}

/* --- Frames ----------------------------------------------------------------
 */

static size_t
frames_of_chain(struct wr_dwarf *d, struct unit *u, struct chain *c,
                uint64_t address, struct wr_dwarf_frame *f)
{
    Dwarf_Addr entry = 0;
    if (dwarf_entrypc(&c->die[0], &entry) != 0 || entry > address)
        entry = address;
    for (size_t i = 0; i < c->count; i++) {
        Dwarf_Die *die = &c->die[c->count - 1 - i];
        f[i] = (struct wr_dwarf_frame){.name = dwarf_diename(die),
                                       .linkage = linkage_name(die),
                                       .entry = address - entry,
                                       .mangles = mangles(u)};
        if (f[i].mangles && !f[i].linkage)
            f[i].whole = whole_name(d, u, die);
        if (i == 0)
            set_source_line(&f[i], &u->die, address);
        else
            set_call_site(&f[i], &u->split, &c->die[c->count - i]);
    }
    return c->count;
}

/* Assembler code has lines, but its functions are symbols only. */
static size_t
line_without_function(struct unit *u, uint64_t address,
                      struct wr_dwarf_frame *f)
{
    *f = (struct wr_dwarf_frame){0};
    set_source_line(f, &u->die, address);
    return f->file ? 1 : 0;
}

size_t
wr_dwarf_frames(struct wr_dwarf *d, uint64_t address,
                struct wr_dwarf_frame f[WR_DWARF_FRAMES])
{
    struct chain c;
    if (!d->complete)
        index_units(d);
    const struct range *at = ranges_find(&d->ranges, address);
    if (!at)
        return 0;
    struct unit *u = &d->units[at->unit];
    const struct range *function = find_function(u, address);
    if (!function)
        return line_without_function(u, address, f);
    Dwarf *dw = dwarf_cu_getdwarf(u->split.cu);
    if (!dwarf_offdie(dw, function->function, &c.die[0]))
        return 0;
    c.count = 1;
    find_inlined(&c, &c.die[0], address, 0);
    return frames_of_chain(d, u, &c, address, f);
}

/* --- Life --------------------------------------------------------------- */

struct wr_dwarf *
wr_dwarf_new(Dwarf *dw)
{
    struct wr_dwarf *d = calloc(1, sizeof *d);
    if (d)
        d->dw = dw;
    return d;
}

static void
free_unit(struct unit *u)
{
    free(u->functions.at);
    free(u->scopes.at);
}

void
wr_dwarf_free(struct wr_dwarf *d)
{
    if (!d)
        return;
    for (size_t i = 0; i < d->unit_count; i++)
        free_unit(&d->units[i]);
    for (struct made_name *m = d->made, *next; m; m = next) {
        next = m->next;
        free(m);
    }
    free(d->units);
    free(d->ranges.at);
    free(d);
}
