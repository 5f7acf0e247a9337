# What the scripts of this folder share.
#
#   cases        print the lines of cases.txt, without those that cannot be
#                tried here
#   make_module  a library for the cases of modules; false when it cannot be
leak_dir=$(cd "$(dirname "$0")" && pwd)

make_module() {
    export LEAK_MODULE="$tmp/module.so"
    compile module.so -shared -fPIC -g <<'END'
#include <stdlib.h>
static void *volatile held;
void hold(void) { held = malloc(123); }
END
}

cases() {
    grep -v '^ *#' "$leak_dir/cases.txt" | grep .
}
