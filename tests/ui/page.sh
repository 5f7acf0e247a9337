#!/bin/sh
# The page in headless Chromium, before a program that allocates. Pictures of
# it are kept in the build directory, in ui/pictures.
. "$(dirname "$0")/../cmd/_lib.sh"
command -v node >/dev/null || { echo "skip: no node here"; exit 77; }
command -v chromium >/dev/null || { echo "skip: no chromium here"; exit 77; }

compile weir-page-prog -O1 -g <<'END' || fail "no compiler"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
void *kept[4096];
__attribute__((noinline)) void keep_blocks(int i) {
    kept[i % 4096] = malloc(20000);
    memset(kept[i % 4096], 1, 20000);
}
__attribute__((noinline)) void churn_blocks(void) {
    for (int i = 0; i < 200; i++) {
        volatile char *p = malloc(3000);
        p[0] = 1;
        free((void *)p);
    }
}
__attribute__((noinline)) void child_blocks(void) {
    kept[0] = malloc(1 << 22);
    memset(kept[0], 1, 1 << 22);
}
int main(void) {
    if (fork() == 0) {
        child_blocks();
        while (getppid() != 1)
            usleep(50000);
        return 0;
    }
    for (int i = 0;; i++) {
        keep_blocks(i);
        churn_blocks();
        usleep(5000);
    }
}
END
"$weir" run --http 127.0.0.1:0 -- ./weir-page-prog 2>err &
run=$!
wait_for "for tools:" err
url=$(sed -n 's,^weir: see \(http://[^ ]*\) .*,\1,p' err)
pid=$(curl -s "${url}api/processes" |
    sed -n 's/.*"main":\([0-9]*\),.*/\1/p')
sleep 6 # the history before the page is what is to be seen
pictures=$build/ui/pictures
mkdir -p "$pictures"
timeout 120 node "$source_dir/tests/ui/page.mjs" "$url" "$pictures" "$pid" ||
    fail "the page, see above"
[ -z "$pid" ] || kill "$pid" 2>/dev/null
wait $run
finish
