/* A request and its answer, apart from any HTTP library.
 *
 *     struct wr_request q;
 *     if (wr_request_parse(&q, "GET", "/debug/pprof/heap?debug=1") == 0)
 *         debug = wr_request_number(&q, "debug");
 *     wr_request_fini(&q);
 *
 * The connection's thread owns both; nothing here is shared. Limits: a
 * target longer than WR_TARGET_MAX is refused by wr_request_parse.
 */
#ifndef WR_SERVE_REQUEST_H
#define WR_SERVE_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define WR_TARGET_MAX 8192
#define WR_BODY_MAX   (1u << 20) /* bytes of a POST */

struct wr_request {
    const char *method; /* not ours */
    char *path;         /* decoded, without the query */
    char *query;        /* as sent, without '?'; "" when there is none */
    const char *host;   /* the Host header, NULL without one; not ours */
    bool json;          /* the client prefers JSON */
    bool gzip;          /* the client takes gzip */
    const char *etag;   /* the If-None-Match header, or NULL; not ours */
    const char *body;   /* of a POST; not ours */
    size_t body_bytes;
    int socket; /* watched while an answer waits; -1: none */
    int stop;   /* readable when the server ends; -1: none */
};

/* 0, or the HTTP status that tells what is wrong with the target. */
int wr_request_parse(struct wr_request *q, const char *method,
                     const char *target);
void wr_request_fini(struct wr_request *q);

/* The decoded value of a query parameter: true and a string, possibly cut
 * to fit; false when it is not there. The first one counts. */
bool wr_request_param(const struct wr_request *q, const char *name, char *value,
                      size_t bytes);
/* The same as a decimal number; 0 when absent or not a number. */
long wr_request_number(const struct wr_request *q, const char *name);

/* Wait so long; false when the client hung up or the server ends before. */
bool wr_request_wait(const struct wr_request *q, long seconds);

struct wr_answer {
    int status;
    const char *type;     /* Content-Type */
    const char *policy;   /* Content-Security-Policy of HTML; NULL: no script */
    const char *etag;     /* may be kept and asked for again; NULL: not */
    const char *allow;    /* methods, with status 405; else NULL */
    char location[256];   /* with a redirect; else "" */
    char attachment[64];  /* the file name to save under; else "" */
    bool pprof_error;     /* marks our own errors for pprof: X-Go-Pprof */
    bool gzipped;         /* bytes are; Content-Encoding says so */
    unsigned char *bytes; /* from malloc */
    size_t count;
};

void wr_answer_init(struct wr_answer *a);
void wr_answer_fini(struct wr_answer *a);
/* Replace the body by formatted text. */
__attribute__((format(printf, 3, 4))) void
wr_answer_text(struct wr_answer *a, const char *type, const char *format, ...);
/* An error in the form pprof shows: status, text/plain, X-Go-Pprof. */
__attribute__((format(printf, 3, 4))) void
wr_answer_error(struct wr_answer *a, int status, const char *format, ...);
void wr_answer_redirect(struct wr_answer *a, const char *to);
/* Compress a text for a client that takes it; small ones stay as they are. */
void wr_answer_compress(struct wr_answer *a);

/* A body that is printed piece by piece:
 *
 *     struct wr_body b;
 *     if (!wr_body_open(&b, a))
 *         return;
 *     fputs("[]\n", b.out);
 *     wr_body_close(&b, a, WR_TYPE_JSON);
 */
struct wr_body {
    FILE *out;
    char *text;
    size_t bytes;
};

/* False when there is no memory: the answer then says so. */
bool wr_body_open(struct wr_body *b, struct wr_answer *a);
/* The answer becomes what was printed, or an error. */
void wr_body_close(struct wr_body *b, struct wr_answer *a, const char *type);

#define WR_TYPE_TEXT   "text/plain; charset=utf-8"
#define WR_TYPE_HTML   "text/html; charset=utf-8"
#define WR_TYPE_JSON   "application/json"
#define WR_TYPE_BINARY "application/octet-stream"

#endif
