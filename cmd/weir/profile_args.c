/* Arguments of the commands that read profiles.
 *
 * pprof's options are a table: name, kind, and where the value goes. Beside
 * it are those that stand for another ("-inuse_space") and those of which
 * there may be several ("-base").
 */
#include "weir/profile_args.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "weir/cmd.h"
#include "weir/number.h"

enum kind { TEXT, SWITCH, OFF_SWITCH, COUNT, REAL };

struct option {
    const char *name;
    char letter;
    enum kind kind;
    size_t offset;
};

#define FIELD(field) offsetof(struct wr_profile_args, field)

static const struct option options[] = {
    {"sample_index", 'i', TEXT, FIELD(type)},
    {"focus", 0, TEXT, FIELD(filter.focus)},
    {"ignore", 0, TEXT, FIELD(filter.ignore)},
    {"hide", 0, TEXT, FIELD(filter.hide)},
    {"show", 0, TEXT, FIELD(filter.show)},
    {"show_from", 0, TEXT, FIELD(filter.show_from)},
    {"tagfocus", 0, TEXT, FIELD(filter.tagfocus)},
    {"tagignore", 0, TEXT, FIELD(filter.tagignore)},
    {"tagshow", 0, TEXT, FIELD(filter.tagshow)},
    {"taghide", 0, TEXT, FIELD(filter.taghide)},
    {"unit", 0, TEXT, FIELD(options.unit)},
    {"source_path", 0, TEXT, FIELD(options.source_path)},
    {"trim_path", 0, TEXT, FIELD(options.trim_path)},
    {"nodecount", 'n', COUNT, FIELD(options.node_count)},
    {"number", 0, COUNT, FIELD(options.node_count)},
    {"seconds", 0, COUNT, FIELD(seconds)},
    {"ages", 0, SWITCH, FIELD(ages)},
    {"nodefraction", 0, REAL, FIELD(options.node_fraction)},
    {"edgefraction", 0, REAL, FIELD(options.edge_fraction)},
    {"divide_by", 0, REAL, FIELD(options.divide_by)},
    {"cum", 'c', SWITCH, FIELD(options.cum)},
    {"flat", 0, OFF_SWITCH, FIELD(options.cum)},
    {"trim", 0, OFF_SWITCH, FIELD(options.untrimmed)},
    {"noinlines", 0, SWITCH, FIELD(options.no_inlines)},
    {"drop_negative", 0, SWITCH, FIELD(options.drop_negative)},
    {"relative_percentages", 0, SWITCH, FIELD(options.relative)},
    {"normalize", 0, SWITCH, FIELD(normalise)},
};

#define OPTIONS (sizeof options / sizeof *options)

struct parsing {
    struct wr_profile_args *a;
    const struct wr_own_option *own;
    int argc, at;
    char **argv;
};

/* --- Names --------------------------------------------------------------- */

/* Is the name, which ends at '=' or NUL, that of an option? */
static bool
is_name(const char *given, const char *name)
{
    for (; *name; given++, name++)
        if (*given != *name && !(*given == '-' && *name == '_'))
            return false;
    return *given == '\0' || *given == '=';
}

static bool
is_option(const char *given, const char *name, char letter)
{
    return is_name(given, name) ||
           (letter && given[0] == letter && (!given[1] || given[1] == '='));
}

/* The value: behind '=', or the next argument. NULL, and said, when there is
 * none. */
static const char *
take_value(struct parsing *s, const char *given)
{
    const char *equals = strchr(given, '=');
    if (equals)
        return equals + 1;
    if (s->at + 1 < s->argc)
        return s->argv[++s->at];
    wr_say("%s: -%s needs a value", s->a->command, given);
    return NULL;
}

/* A switch may be said to be off: -cum=false. -1: it says something else. */
static int
take_switch(struct parsing *s, const char *given)
{
    static const char *const words[] = {"false", "true", "0", "1",
                                        "no",    "yes",  "f", "t"};
    const char *equals = strchr(given, '=');
    for (int i = 0; equals && i < 8; i++)
        if (strcmp(equals + 1, words[i]) == 0)
            return i % 2;
    if (equals)
        wr_say("%s: -%s: say true or false", s->a->command, given);
    return equals ? -1 : 1;
}

/* --- Values -------------------------------------------------------------- */

static int
set_number(struct parsing *s, const struct option *o, const char *text)
{
    char *end;
    errno = 0;
    double v = strtod(text, &end);
    bool whole = o->kind == COUNT;
    if (end == text || *end || errno || !isfinite(v) || fabs(v) > 1e9 ||
        (whole && (v != floor(v) || v < (o->letter ? -1 : 0))) ||
        (!whole && v < 0) || (v == 0 && is_name("divide_by", o->name))) {
        wr_say("%s: -%s: %s is not %s", s->a->command, o->name, text,
               whole ? "a whole number that fits" : "a number that fits");
        return -1;
    }
    char *field = (char *)s->a + o->offset;
    if (whole)
        *(long *)(void *)field = (long)v;
    else
        *(double *)(void *)field = v;
    return 0;
}

static int
set_option(struct parsing *s, const struct option *o, const char *given)
{
    char *field = (char *)s->a + o->offset;
    if (o->kind == SWITCH || o->kind == OFF_SWITCH) {
        int on = take_switch(s, given);
        if (on >= 0)
            *(bool *)field = (on != 0) == (o->kind == SWITCH);
        return on < 0 ? -1 : 0;
    }
    const char *text = take_value(s, given);
    if (!text)
        return -1;
    if (o->kind != TEXT)
        return set_number(s, o, text);
    *(const char **)(void *)field = text;
    return 0;
}

static const char *const granularities[] = {[WR_BY_FUNCTIONS] = "functions",
                                            [WR_BY_FILEFUNCTIONS] =
                                                "filefunctions",
                                            [WR_BY_FILES] = "files",
                                            [WR_BY_LINES] = "lines",
                                            [WR_BY_ADDRESSES] = "addresses"};

static const char *const types[] = {"inuse_space", "inuse_objects",
                                    "alloc_space", "alloc_objects",
                                    "contentions"};

/* Options that are the value of another one. 1: it is none of them. */
static int
set_short_form(struct parsing *s, const char *given)
{
    for (int i = 0; i <= WR_BY_ADDRESSES; i++)
        if (is_name(given, granularities[i])) {
            int on = take_switch(s, given);
            if (on > 0)
                s->a->options.granularity = (enum wr_granularity)i;
            return on < 0 ? -1 : 0;
        }
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (is_name(given, types[i])) {
            s->a->type = types[i];
            return take_switch(s, given) < 0 ? -1 : 0;
        }
    return 1;
}

static int
set_granularity(struct parsing *s, const char *given)
{
    const char *text = take_value(s, given);
    for (int i = 0; text && i <= WR_BY_ADDRESSES; i++)
        if (strcmp(text, granularities[i]) == 0) {
            s->a->options.granularity = (enum wr_granularity)i;
            return 0;
        }
    if (text)
        wr_say("%s: -granularity is functions, filefunctions, files, lines "
               "or addresses",
               s->a->command);
    return -1;
}

static int
set_sort(struct parsing *s, const char *given)
{
    const char *text = take_value(s, given);
    if (text && strcmp(text, "cum") != 0 && strcmp(text, "flat") != 0) {
        wr_say("%s: -sort is flat or cum", s->a->command);
        return -1;
    }
    if (text)
        s->a->options.cum = *text == 'c';
    return text ? 0 : -1;
}

static int
add_base(struct parsing *s, const char *given, bool diff)
{
    const char *text = take_value(s, given);
    if (!text)
        return -1;
    if (s->a->base_count == WR_ARGS_WORDS) {
        wr_say("%s: too many bases", s->a->command);
        return -1;
    }
    s->a->bases[s->a->base_count++] = text;
    s->a->diff_base = diff;
    return 0;
}

/* Of pprof's ways to find names there are two here: the usual one, and not
 * to. */
static int
set_symbolise(struct parsing *s, const char *given)
{
    const char *text = take_value(s, given);
    if (text)
        s->a->symbolise = strcmp(text, "none") != 0;
    return text ? 0 : -1;
}

static int
set_own(struct parsing *s, const struct wr_own_option *o, const char *given)
{
    if (o->flag) {
        int on = take_switch(s, given);
        *o->flag = on > 0;
        return on < 0 ? -1 : 0;
    }
    if (o->count && *o->count == WR_ARGS_WORDS) {
        wr_say("%s: too many times -%s", s->a->command, o->name);
        return -1;
    }
    const char **text = o->text + (o->count ? (*o->count)++ : 0);
    return (*text = take_value(s, given)) ? 0 : -1;
}

/* 0, -1 and said, or 1: there is no such option. */
static int
take_option(struct parsing *s, const char *given)
{
    for (const struct wr_own_option *o = s->own; o && o->name; o++)
        if (is_option(given, o->name, o->letter))
            return set_own(s, o, given);
    for (size_t i = 0; i < OPTIONS; i++)
        if (is_option(given, options[i].name, options[i].letter))
            return set_option(s, &options[i], given);
    if (is_name(given, "base"))
        return add_base(s, given, false);
    if (is_name(given, "diff_base"))
        return add_base(s, given, true);
    if (is_name(given, "granularity"))
        return set_granularity(s, given);
    if (is_name(given, "sort"))
        return set_sort(s, given);
    if (is_name(given, "symbolize"))
        return set_symbolise(s, given);
    return set_short_form(s, given);
}

/* --- All ----------------------------------------------------------------- */

static int
take_word(struct parsing *s, const char *word)
{
    if (s->a->word_count == WR_ARGS_WORDS) {
        wr_say("%s: too many arguments", s->a->command);
        return -1;
    }
    s->a->words[s->a->word_count++] = word;
    return 0;
}

int
wr_profile_args_parse(struct wr_profile_args *a, const char *command,
                      const struct wr_own_option *own, int argc, char **argv)
{
    bool only_words = false;
    *a = (struct wr_profile_args){
        .command = command, .symbolise = true, .options = WR_ANALYSIS_DEFAULTS};
    struct parsing s = {a, own, argc, 1, argv};
    for (; s.at < argc; s.at++) {
        const char *arg = argv[s.at];
        int status = 0;
        if (only_words || arg[0] != '-' || !arg[1])
            status = take_word(&s, arg);
        else if (strcmp(arg, "--") == 0)
            only_words = true;
        else if (is_option(arg + 1 + (arg[1] == '-'), "help", 'h'))
            return wr_help_print(stdout, wr_command_find(command)), 1;
        else
            status = take_option(&s, arg + 1 + (arg[1] == '-'));
        if (status > 0)
            wr_say("%s: there is no option %s", command, arg);
        if (status != 0)
            return wr_usage_error(command) + 1;
    }
    return 0;
}
