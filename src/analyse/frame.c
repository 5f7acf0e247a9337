/* Frames. */
#include "analyse/frame.h"

#include <string.h>
#include "analyse/quote.h"

static bool
location_frames(const struct wr_profile *p, const struct wr_location *l,
                struct wr_stack_line *f,
                bool (*call)(const struct wr_stack_line *f, void *arg),
                void *arg)
{
    f->function = f->file = f->module = "";
    f->line = 0;
    if (l->mapping != WR_NONE)
        f->module = p->strings[p->mappings[l->mapping].file];
    for (uint32_t k = 0; k < l->line_count; k++) {
        const struct wr_line *line = &p->lines[l->first_line + k];
        const struct wr_function *fn = &p->functions[line->function];
        f->function = p->strings[fn->name];
        f->file = p->strings[fn->file];
        f->line = line->line;
        if (!call(f, arg))
            return false;
        f->number++;
    }
    bool more = l->line_count != 0 || call(f, arg);
    f->number += l->line_count == 0;
    return more;
}

void
wr_frames_each(const struct wr_profile *p, uint32_t sample,
               bool (*call)(const struct wr_stack_line *f, void *arg),
               void *arg)
{
    const struct wr_sample *s = &p->samples[sample];
    struct wr_stack_line f = {.number = 0};
    for (uint32_t i = 0; i < s->depth; i++) {
        uint32_t location = p->frames[s->first_frame + i];
        if (!location_frames(p, &p->locations[location], &f, call, arg))
            return;
    }
}

struct printing {
    FILE *out;
    int blanks;
};

static bool
print(const struct wr_stack_line *f, void *arg)
{
    const struct printing *to = arg;
    fprintf(to->out, "%*s%s", to->blanks, "",
            *f->function ? f->function : f->module);
    if (*f->file && f->line)
        fprintf(to->out, "  %s:%lld", f->file, (long long)f->line);
    fputc('\n', to->out);
    return true;
}

void
wr_frames_print(const struct wr_profile *p, uint32_t sample, int blanks,
                FILE *out)
{
    struct printing to = {out, blanks};
    wr_frames_each(p, sample, print, &to);
}

static bool
json(const struct wr_stack_line *f, void *arg)
{
    FILE *out = arg;
    fputs(f->number ? ",{\"function\":" : "{\"function\":", out);
    wr_json_string(out, f->function);
    fputs(",\"file\":", out);
    wr_json_string(out, f->file);
    fprintf(out, ",\"line\":%lld,\"module\":", (long long)f->line);
    wr_json_string(out, f->module);
    fputc('}', out);
    return true;
}

void
wr_frames_json(const struct wr_profile *p, uint32_t sample, FILE *out)
{
    fputc('[', out);
    wr_frames_each(p, sample, json, out);
    fputc(']', out);
}

struct placing {
    char *text;
    size_t n;
};

static const char *
last_part(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static bool
place(const struct wr_stack_line *f, void *arg)
{
    const struct placing *to = arg;
    const char *name = *f->function ? f->function : last_part(f->module);
    if (*f->file && f->line)
        snprintf(to->text, to->n, "%s (%s:%lld)", name, last_part(f->file),
                 (long long)f->line);
    else
        snprintf(to->text, to->n, "%s", name);
    return false;
}

void
wr_frames_place(const struct wr_profile *p, uint32_t sample, char *text,
                size_t n)
{
    struct placing to = {text, n};
    text[0] = '\0';
    wr_frames_each(p, sample, place, &to);
}

static bool
take_function(const struct wr_stack_line *f, void *arg)
{
    const char **name = arg;
    if (*f->function)
        *name = f->function;
    return *name == NULL;
}

const char *
wr_frames_function(const struct wr_profile *p, uint32_t sample)
{
    const char *name = NULL;
    wr_frames_each(p, sample, take_function, &name);
    return name;
}
