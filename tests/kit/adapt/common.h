/* What the programs of adapt.sh share: a budget, the work, what is left.
 *
 * PROGRAM OUT LIMIT: works under the budget of LIMIT bytes, writes the heap's
 * profile of every block to OUT while it holds what it made, and prints what
 * the budget was used for at most, and in the end. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <weir/adapt.h>
#include <weir/profile.h>

static weir_budget *budget;

static void
begin(char **argv)
{
    weir_profile_set_rate(1);
    if (weir_budget_new(&budget, argv[0], NULL, strtoull(argv[2], NULL, 10),
                        0) != WEIR_OK)
        exit(9);
}

static void
look(char **argv)
{
    int fd = open(argv[1], O_WRONLY | O_CREAT | O_TRUNC, 0600);

    if (fd < 0 || weir_profile_write(fd, "heap") != WEIR_OK)
        exit(8);
    close(fd);
}

/* Whether it is all freed is the program's to know: some keep a little. */
static int
end(const char *how)
{
    struct weir_budget_use use;

    weir_budget_read(budget, &use);
    printf("%s: peak %llu, left %llu, refused %llu\n", how,
           (unsigned long long)use.peak, (unsigned long long)use.used,
           (unsigned long long)use.refused);
    return 0;
}
