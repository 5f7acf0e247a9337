/* What a client sends before anything is believed: the target of a request,
 * its query, the Host header, and addresses as users type them. The input is
 * lines: target, parameter name, Host header, address. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "serve/address.h"
#include "serve/host.h"
#include "serve/request.h"

enum { TARGET, PARAMETER, HOST, ADDRESS, LINES };

/* Cut text at its newlines; lines that are not there are empty. */
static void
split(char *text, char *line[LINES])
{
    for (int i = 0; i < LINES; i++) {
        line[i] = text;
        text += strcspn(text, "\n");
        if (*text == '\n')
            *text++ = '\0';
    }
}

static void
try_request(const char *target, const char *parameter)
{
    struct wr_request q;
    char value[16];

    if (wr_request_parse(&q, "GET", target) == 0) {
        if (wr_request_param(&q, parameter, value, sizeof value) &&
            memchr(value, '\0', sizeof value) == NULL)
            abort();
        (void)wr_request_number(&q, parameter);
        if (q.path == NULL || q.query == NULL)
            abort();
    }
    wr_request_fini(&q); /* also of what was refused */
}

static void
try_address(const char *text)
{
    struct wr_address a, again;
    char why[200] = "", shown[400];

    if (wr_address_parse(&a, text, why, sizeof why) != 0) {
        if (why[0] == '\0')
            abort();
        return;
    }
    wr_address_text(&a, shown, sizeof shown);
    if (wr_address_parse(&again, shown, why, sizeof why) != 0 ||
        again.port != a.port || again.is_unix != a.is_unix)
        abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1), *line[LINES];
    struct wr_host_rule rule;

    if (text == NULL)
        return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    split(text, line);
    try_request(line[TARGET], line[PARAMETER]);
    wr_host_rule_init(&rule, "127.0.0.1", NULL);
    (void)wr_host_is_name(line[HOST]);
    (void)wr_host_allowed(&rule, line[HOST]);
    if (wr_host_allowed(&rule, "evil.example"))
        abort();
    try_address(line[ADDRESS]);
    free(text);
    return 0;
}
