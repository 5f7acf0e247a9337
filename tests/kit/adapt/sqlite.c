#include <sqlite3.h>
#include "common.h"

WEIR_ADAPT(adapted);
WEIR_ADAPT_SQLITE(adapted);

int
main(int argc, char **argv)
{
    sqlite3 *db = NULL;
    int err;

    (void)argc;
    begin(argv);
    adapted_budget = budget;
    if (adapted_sqlite() != SQLITE_OK)
        return 1;
    err = sqlite3_open(":memory:", &db);
    if (err == SQLITE_OK)
        err =
            sqlite3_exec(db,
                         "create table t(x); with recursive n(i) as (select 1 "
                         "union all select i + 1 from n where i < 5000) "
                         "insert into t select hex(randomblob(50)) from n",
                         NULL, NULL, NULL);
    look(argv);
    sqlite3_close(db);
    sqlite3_shutdown();
    return end(err == SQLITE_NOMEM ? "no memory"
               : err == SQLITE_OK  ? "done"
                                   : "failed");
}
