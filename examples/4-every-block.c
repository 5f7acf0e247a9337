/* 4: every block, for a while.
 *
 *     $ ./4-every-block out.pb
 *
 * Sampling sees one allocation per some tens of kilobytes: enough for who
 * holds the megabytes, not for "which of these calls forgets a node now and
 * then". For a short, suspicious stretch the rate can be 1: every block is
 * recorded. What was recorded before keeps its own rate, so the profile
 * stays right.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <weir/weir.h>

struct node {
    struct node *next;
    int key;
};

static struct node *list;

static __attribute__((noinline)) void
insert(int key)
{
    struct node *n = malloc(sizeof *n);

    if (n == NULL)
        abort();
    n->key = key;
    n->next = list;
    list = n;
}

/* Takes every node out, but forgets to free those with a round number. */
static void
clear(void)
{
    while (list != NULL) {
        struct node *n = list;

        list = n->next;
        if (n->key % 100 != 0)
            free(n);
    }
}

int
main(int argc, char **argv)
{
    const char *path = argc > 1 ? argv[1] : "out.pb";
    uint64_t rate = weir_profile_rate();
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    weir_err err;

    if (fd < 0)
        return 1;
    weir_profile_set_rate(1);
    for (int key = 0; key < 1000; key++)
        insert(key);
    clear();
    weir_profile_set_rate(rate);
    err = weir_profile_write(fd, "heap");
    close(fd);
    printf("%s: %s\n", path, weir_strerror(err));
    return err != WEIR_OK;
}
