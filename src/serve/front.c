#include "serve/front.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "ui/assets.h"

/* The bundle's own policy: no script but the one in it, no other address. */
static char policy[512];
static char etag[24];

static void
describe(void)
{
    uint64_t hash = 14695981039346656037u; /* FNV-1a */
    for (size_t i = 0; i < wr_ui_page_bytes; i++)
        hash = (hash ^ wr_ui_page[i]) * 1099511628211u;
    /* Weak: the same page is sent compressed or not. */
    snprintf(etag, sizeof etag, "W/\"%016llx\"", (unsigned long long)hash);
    snprintf(policy, sizeof policy, "%.*s; frame-ancestors 'none'",
             (int)wr_ui_policy_bytes, (const char *)wr_ui_policy);
}

void
wr_front_page(struct wr_visit *v, struct wr_answer *a)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void)v;
    pthread_once(&once, describe);
    a->bytes = malloc(wr_ui_page_bytes);
    if (!a->bytes) {
        wr_answer_error(a, 500, "out of memory\n");
        return;
    }
    memcpy(a->bytes, wr_ui_page, wr_ui_page_bytes);
    a->count = wr_ui_page_bytes;
    a->type = WR_TYPE_HTML;
    a->policy = policy;
    a->etag = etag;
}

void
wr_front_slash(struct wr_visit *v, struct wr_answer *a)
{
    char to[32];
    snprintf(to, sizeof to, v->scope.pid ? "/pid/%u/" : "/", v->scope.pid);
    wr_answer_redirect(a, to);
}
