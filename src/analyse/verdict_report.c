/* Verdicts, printed. */
#include "analyse/verdict_report.h"

#include <math.h>
#include "analyse/quote.h"

#define SAY_ROOM 600

static const char *
certainty(enum wr_sure sure, enum wr_language in)
{
    static const char *const words[][2] = {
        {"low", "低"}, {"fair", "中"}, {"high", "高"}};
    return words[sure][in];
}

static void
print_finding(const struct wr_finding *f, enum wr_language in, FILE *out)
{
    static const char *const lines[][2] = {
        {"certainty: %s. ", "可信度：%s。"},
        {"What would change it: %s\n", "什么会改变结论：%s\n"},
        {"    to try: %s\n", "    建议：%s\n"}};
    char text[SAY_ROOM];
    wr_finding_say(f, in, text, sizeof text);
    fprintf(out, "  %s\n    ", text);
    fprintf(out, lines[0][in], certainty(f->sure, in));
    fprintf(out, lines[1][in], wr_finding_doubt(f, in));
    fprintf(out, lines[2][in], wr_finding_advice(f, in));
}

void
wr_verdict_print(const struct wr_verdict *v, enum wr_language in, FILE *out)
{
    for (size_t i = 0; i < v->count; i++)
        print_finding(&v->finding[i], in, out);
}

static void
number(FILE *out, const char *key, double value)
{
    if (isfinite(value))
        fprintf(out, ",\"%s\":%.17g", key, value);
    else
        fprintf(out, ",\"%s\":null", key);
}

static void
text(FILE *out, const char *key, const char *value)
{
    fprintf(out, ",\"%s\":", key);
    if (value)
        wr_json_string(out, value);
    else
        fputs("null", out);
}

static void
json_finding(const struct wr_finding *f, enum wr_language in, FILE *out)
{
    char says[SAY_ROOM];
    wr_finding_say(f, in, says, sizeof says);
    fprintf(out, "{\"class\":\"%s\",\"certainty\":\"%s\"",
            wr_verdict_key(f->what), certainty(f->sure, WR_ENGLISH));
    text(out, "says", says);
    text(out, "site", f->site);
    text(out, "or_site", f->other);
    text(out, "doubt", wr_finding_doubt(f, in));
    text(out, "advice", wr_finding_advice(f, in));
    number(out, "amount", f->bytes);
    number(out, "per_minute", f->per_minute);
    number(out, "over_s", f->over);
    number(out, "left_s", f->left);
    number(out, "limit", f->ceiling > 0 ? f->ceiling : NAN);
    fprintf(out, ",\"proved\":%s}", f->proved ? "true" : "false");
}

void
wr_verdict_json(const struct wr_verdict *v, enum wr_language in, FILE *out)
{
    fprintf(out, "\"verdict\":\"%s\",\"certainty\":\"%s\",\"findings\":[",
            wr_verdict_key(v->finding[0].what),
            certainty(v->finding[0].sure, WR_ENGLISH));
    for (size_t i = 0; i < v->count; i++) {
        fputs(i ? "," : "", out);
        json_finding(&v->finding[i], in, out);
    }
    fputc(']', out);
}
