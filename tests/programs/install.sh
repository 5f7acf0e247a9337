#!/bin/sh
# An installation works from where it was put, and after it was moved:
# weir run finds its library, pkg-config and CMake give working programs,
# man pages and completion are there and well formed.
. "$(dirname "$0")/_lib.sh"
need cmake pkg-config gcc man

first=$scratch/first
prefix=$scratch/moved
cmake --install "$build" --prefix "$first" >install.log 2>&1 || {
    fail "cmake --install: $(tail -5 install.log)"
    finish
}
mv "$first" "$prefix"

for file in bin/weir lib/libweir.so lib/libweir.so.0.1.0-gdb.py \
    lib/libweir-serve.so lib/libweir-bench.so lib/libweir-gc.so lib/weir/compat/libgc.so lib/libweir-tools.so.0 lib/libweir-screen.so.0 \
    include/weir/weir.h include/weir/memstats.h lib/pkgconfig/weir.pc \
    lib/pkgconfig/weir-serve.pc lib/pkgconfig/weir-bench.pc lib/pkgconfig/weir-gc.pc lib/cmake/Weir/WeirConfig.cmake \
    lib/cmake/Weir/WeirConfigVersion.cmake share/man/man1/weir.1 \
    share/man/man1/weir-run.1 lib/libweir-record.so.0 share/man/man3/weir.3 share/man/man7/weir.7 \
    share/man/man7/weir-metrics.7 share/weir/grafana/weir.json \
    share/weir/prometheus/weir.rules.yml share/weir/profilers/weir.alloy \
    share/bash-completion/completions/weir; do
    [ -e "$prefix/$file" ] || fail "not installed: $file"
done
stray=$(grep -rlF "$first" "$prefix" || :)
[ -z "$stray" ] || fail "these know where they were first:" $stray

# The program finds its library beside itself, away from the build.
weir=$prefix/bin/weir
under sh -c 'grep -o "/[^ ]*libweir\.so[.0-9]*" /proc/self/maps' >maps ||
    fail "weir run: $(cat maps)"
grep -q "^$prefix/lib/" maps || fail "another library: $(sort -u maps)"
"$weir" version | grep -q '[0-9]\.[0-9]' || fail "weir version"
"$weir" record-allocs -q -o ls.trace -- ls / >/dev/null && [ -s ls.trace ] ||
    fail "weir record-allocs recorded nothing"

cat >tiny.c <<'END'
#include <stdio.h>
#include <stdlib.h>
#include <weir/weir.h>
int
main(void)
{
    struct weir_memstats m;
    void *p = malloc(100000);
    weir_err err = weir_memstats(&m);
    puts(weir_strerror(err));
    free(p);
    return err != WEIR_OK || m.heap_alloc < 100000;
}
END
sed 's/weir_err err = .*/weir_err err = weir_memstats(\&m);\n    if (weir_serve("127.0.0.1:0") != WEIR_OK) return 2;/' \
    tiny.c >tiny-serve.c

# pkg-config, in C and in C++.
export PKG_CONFIG_PATH="$prefix/lib/pkgconfig"
for module in weir weir-serve; do
    source=tiny${module#weir}.c
    gcc -Werror -o "by-pc-$module" "$source" \
        $(pkg-config --cflags --libs $module) || fail "pkg-config $module"
    env "$mark" LD_LIBRARY_PATH="$prefix/lib" "./by-pc-$module" >/dev/null ||
        fail "a program made with pkg-config $module ended with $?"
done
version=$(pkg-config --modversion weir)
[ "$("$weir" version)" = "weir $version" ] ||
    fail "weir version says '$("$weir" version)', pkg-config $version"

# CMake.
mkdir cmake
cp tiny.c tiny-serve.c cmake
cat >cmake/CMakeLists.txt <<END
cmake_minimum_required(VERSION 3.16)
project(tiny C)
find_package(Weir ${version%.*} REQUIRED)
add_executable(tiny tiny.c)
target_link_libraries(tiny Weir::weir)
add_executable(tiny-serve tiny-serve.c)
target_link_libraries(tiny-serve Weir::weir Weir::serve)
END
cmake -S cmake -B cmake/build -DCMAKE_PREFIX_PATH="$prefix" \
    >cmake.log 2>&1 && cmake --build cmake/build >>cmake.log 2>&1 ||
    fail "find_package(Weir): $(tail -20 cmake.log)"
for program in tiny tiny-serve; do
    env "$mark" "cmake/build/$program" >/dev/null ||
        fail "a program made with CMake ($program) ended with $?"
done

# A linked program has Weir's heap without any preload.
env "$mark" LD_LIBRARY_PATH="$prefix/lib" LD_DEBUG=bindings ./by-pc-weir 2>&1 |
    grep -q 'to .*libweir.*malloc' || fail "malloc is not Weir's"

for page in "$prefix"/share/man/man?/*; do
    complaints=$(man --warnings=w -E UTF-8 -l "$page" 2>&1 >/dev/null)
    [ -z "$complaints" ] || fail "$page: $complaints"
    man -l "$page" 2>/dev/null | grep -qi weir || fail "$page is empty"
done
# Each command of weir help is in weir(1) and in the completion; each option of
# its --help is in its own page and in the completion.
overview=$(MANWIDTH=200 man -l "$prefix/share/man/man1/weir.1" 2>/dev/null)
for command in $("$weir" help | awk '/^$/ { part++ } part == 2 { print $1 }'); do
    echo "$overview" | grep -q "weir $command" ||
        fail "weir(1) does not tell of $command"
    grep -q "\(^\|[' ]\)$command\([' ]\|$\)" "$prefix/share/bash-completion/completions/weir" ||
        fail "weir $command is not completed"
done
for command in run serve ps watch top record-allocs; do
    page=$(MANWIDTH=200 man -l "$prefix/share/man/man1/weir-$command.1" 2>/dev/null)
    for option in $("$weir" $command --help |
        sed -n 's/^  [ -][a-z ],\{0,1\} *\(--[a-z-]*\).*/\1/p'); do
        echo "$page" | grep -q -e "$option" ||
            fail "weir-$command(1) does not tell of $option"
        grep -q -e "$option" "$prefix/share/bash-completion/completions/weir" ||
            fail "weir $command $option is not completed"
    done
done
bash -n "$prefix/share/bash-completion/completions/weir" ||
    fail "the completion does not parse"
bash -c '. "$1"; COMP_WORDS=(weir ru) COMP_CWORD=1; _weir
    [ "${COMPREPLY[*]}" = run ]' bash \
    "$prefix/share/bash-completion/completions/weir" ||
    fail "weir ru<Tab> does not complete to run"
find "$XDG_RUNTIME_DIR" -name '*.weir' -delete
find "$XDG_RUNTIME_DIR" -mindepth 1 -type d -empty -delete
finish
