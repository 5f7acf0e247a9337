/* The site: from a path to the function that answers it. */
#include "serve/site.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "analyse/symbol.h"
#include "serve/api.h"
#include "serve/discovery.h"
#include "serve/front.h"
#include "serve/leak_answer.h"
#include "serve/metrics.h"
#include "serve/page.h"
#include "serve/pprof.h"
#include "serve/route.h"

struct wr_site {
    char *dir; /* NULL: the program itself */
    enum wr_scan how;
    uint32_t subject;
    bool no_go_metrics;
    struct wr_namer names;
};

struct wr_site *
wr_site_new(const char *dir, enum wr_scan how)
{
    struct wr_site *site = calloc(1, sizeof *site);
    if (!site)
        return NULL;
    site->how = how;
    site->dir = dir ? strdup(dir) : NULL;
    site->subject = dir ? 0 : (uint32_t)getpid();
    site->names.symboliser = wr_symboliser_new();
    pthread_mutex_init(&site->names.lock, NULL);
    if ((dir && !site->dir) || !site->names.symboliser) {
        wr_site_free(site);
        return NULL;
    }
    return site;
}

void
wr_site_set_subject(struct wr_site *site, uint32_t pid)
{
    site->subject = pid;
}

void
wr_site_hide_go_metrics(struct wr_site *site)
{
    site->no_go_metrics = true;
}

void
wr_site_free(struct wr_site *site)
{
    if (!site)
        return;
    if (site->names.symboliser)
        wr_symboliser_free(site->names.symboliser);
    pthread_mutex_destroy(&site->names.lock);
    free(site->dir);
    free(site);
}

/* --- Handlers too small for a file of their own ------------------------- */

static void
answer_processes(struct wr_visit *v, struct wr_answer *a)
{
    char format[8] = "";
    wr_request_param(v->q, "format", format, sizeof format);
    if (strcmp(format, "json") == 0 || (v->q->json && !*format))
        wr_page_processes_json(a, &v->scope.sources);
    else
        wr_page_processes(a, &v->scope.sources);
}

/* To the index of profiles, of all processes or of the one asked about. */
static void
answer_to_index(struct wr_visit *v, struct wr_answer *a)
{
    char index[64];
    snprintf(index, sizeof index,
             v->scope.pid ? "/pid/%u/debug/pprof/" : "/debug/pprof/",
             v->scope.pid);
    wr_answer_redirect(a, index);
}

/* --- The table ---------------------------------------------------------- */

static const struct wr_route routes[] = {
    {"", NULL, wr_front_slash},
    {"/", NULL, wr_front_page},
    {"/api/flame", NULL, wr_api_flame},
    {"/api/history", NULL, wr_api_history},
    {"/api/processes", NULL, wr_api_processes},
    {"/api/top", NULL, wr_api_top},
    {"/debug/pprof", NULL, answer_to_index},
    {"/debug/pprof/", NULL, wr_pprof_index},
    {"/debug/pprof/cmdline", NULL, wr_pprof_cmdline},
    {"/debug/pprof/symbol", "GET, HEAD, POST", wr_pprof_symbol},
    {"/debug/pprof/leak", NULL, wr_leak_answer},
    {"/debug/pprof/*", NULL, wr_pprof_profile},
    {"/metrics", NULL, wr_metrics_answer},
    {"/sd", NULL, wr_discovery_answer},
    {"/pid", NULL, answer_processes},
    {"/pid/", NULL, answer_processes},
};

/* Does the route answer this path? *rest: what its '*' stands for. */
static bool
fits(const struct wr_route *route, const char *path, const char **rest)
{
    size_t n = strlen(route->path);
    if (n > 0 && route->path[n - 1] == '*') {
        *rest = path + n - 1;
        return strncmp(path, route->path, n - 1) == 0;
    }
    *rest = "";
    return strcmp(path, route->path) == 0;
}

static const struct wr_route *
find_route(const char *path, const char **rest)
{
    for (size_t i = 0; i < sizeof routes / sizeof *routes; i++)
        if (fits(&routes[i], path, rest))
            return &routes[i];
    return NULL;
}

/* "/pid/12/rest": the number, and rest. 0: not of that form. */
static uint32_t
split_pid(const char *path, const char **rest)
{
    char *end;
    if (strncmp(path, "/pid/", 5) != 0 || path[5] < '1' || path[5] > '9')
        return 0;
    unsigned long pid = strtoul(path + 5, &end, 10);
    if (pid > INT32_MAX || (*end && *end != '/'))
        return 0;
    *rest = end;
    return (uint32_t)pid;
}

/* Is the method one of the list "GET, HEAD"? */
static bool
method_allowed(const char *method, const char *list)
{
    size_t n = strlen(method);
    for (const char *p = list; n > 0; p += 2) {
        size_t word = strcspn(p, ",");
        if (word == n && memcmp(p, method, n) == 0)
            return true;
        p += word;
        if (!*p)
            return false;
    }
    return false;
}

static void
visit(struct wr_site *site, const struct wr_route *route, uint32_t pid,
      struct wr_visit *v, struct wr_answer *a)
{
    v->names = &site->names;
    v->dir = site->dir;
    v->how = site->how;
    v->no_go_metrics = site->no_go_metrics;
    if (wr_scope_open(&v->scope, site->dir, site->how, pid) != 0) {
        wr_answer_error(a, 500, "out of memory\n");
        return;
    }
    v->scope.subject = site->subject;
    if (pid && v->scope.count == 0)
        wr_answer_error(a, 404, "no process %u is known here; see /pid/\n",
                        pid);
    else
        route->answer(v, a);
    wr_scope_close(&v->scope);
}

void
wr_site_answer(struct wr_site *site, const struct wr_request *q,
               struct wr_answer *a)
{
    const char *path = q->path;
    uint32_t pid = split_pid(q->path, &path);
    struct wr_visit v = {.q = q};
    const struct wr_route *route = find_route(path, &v.rest);
    const char *methods =
        route && route->methods ? route->methods : "GET, HEAD";
    wr_answer_init(a);
    if (!method_allowed(q->method, methods)) {
        wr_answer_error(a, 405, "Method Not Allowed\n");
        a->allow = methods;
    } else if (route) {
        visit(site, route, pid, &v, a);
    } else {
        wr_answer_text(a, WR_TYPE_TEXT, "404 page not found\n");
        a->status = 404;
    }
}
