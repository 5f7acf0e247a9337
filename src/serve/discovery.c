/* Service discovery. */
#include "serve/discovery.h"

#include <stdio.h>
#include <stdlib.h>
#include "analyse/quote.h"

static void
put_target(FILE *out, const struct wr_source *one, const char *host)
{
    fputs("{\"targets\":[", out);
    wr_json_string(out, host);
    fprintf(out,
            "],\"labels\":{\"__metrics_path__\":\"/pid/%u/metrics\","
            "\"__profile_path_prefix__\":\"/pid/%u\",\"pid\":\"%u\","
            "\"program\":",
            one->pid, one->pid, one->pid);
    wr_json_string(out, one->program);
    fputs("}}", out);
}

void
wr_discovery_answer(struct wr_visit *v, struct wr_answer *a)
{
    char *text = NULL;
    size_t bytes = 0;
    const char *comma = "";
    FILE *out = open_memstream(&text, &bytes);
    if (out)
        fputc('[', out);
    for (size_t i = 0; out && i < v->scope.count; i++) {
        if (!v->scope.list[i]->live)
            continue;
        fputs(comma, out);
        put_target(out, v->scope.list[i],
                   v->q->host ? v->q->host : "localhost");
        comma = ",\n";
    }
    if (out)
        fputs("]\n", out);
    if (!out || fclose(out) != 0) {
        free(text);
        wr_answer_error(a, 500, "out of memory\n");
        return;
    }
    a->type = WR_TYPE_JSON;
    a->bytes = (unsigned char *)text;
    a->count = bytes;
}
