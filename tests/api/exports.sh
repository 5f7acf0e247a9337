#!/bin/sh
# The libraries show what they mean to show and lean on nothing else:
# libweir.so exports weir_* and the functions it stands in for, needs libc
# alone and calls nothing there that allocates or prints; so does weir; and
# every function of a public header is exported by one of the libraries.
set -eu

build=$1
here=$(cd "$(dirname "$0")/../.." && pwd)
runtime=$build/lib/libweir.so
serve=$build/lib/libweir-serve.so
failed=0

fail() {
    echo "FAIL: $*"
    failed=1
}

if [ ! -e "$runtime" ]; then
    echo "skip: this build has no libweir.so"
    exit 77
fi

# What a program's own calls are answered by.
allowed='weir_[a-z0-9_]+|__lsan_[a-z_]+
malloc|free|calloc|realloc|reallocarray|cfree
aligned_alloc|posix_memalign|memalign|valloc|pvalloc
free_sized|free_aligned_sized|malloc_usable_size
malloc_trim|mallinfo|mallinfo2|malloc_stats|malloc_info|mallopt
pthread_(create|detach|join|tryjoin_np|timedjoin_np|clockjoin_np)|dlopen|dlmopen|dlclose|sigaction|signal|sigaltstack|sigprocmask
fork|vfork|_Fork|daemon|_exit|_Exit|quick_exit
sete?[ug]id|setre[ug]id|setres[ug]id|setgroups|initgroups|capset
unshare|setns|prctl
exec(l|le|lp|v|ve|vp|vpe|veat)|fexecve|posix_spawnp?
open(at)?(64)?|__open(at)?(64)?_2|creat(64)?|mko?stemps?(64)?|posix_openpt
shm_open|memfd_create|socket|socketpair|accept4?|pipe2?|dup[23]?|fcntl(64)?
epoll_create1?|eventfd|timerfd_create|signalfd|inotify_init1?
f(re)?open(64)?|tmpfile(64)?|popen|pclose|fclose|opendir|closedir
close|close_range|closefrom|clone'
allowed=$(echo "$allowed" | paste -sd'|')

exported() {
    nm -D --defined-only "$1" | awk '$2 != "A" { print $3 }' |
        sed 's/@.*//' | sort -u
}

stray=$(exported "$runtime" | grep -Evx "$allowed" || :)
[ -z "$stray" ] || fail "libweir.so also exports:" $stray
for name in malloc free calloc realloc aligned_alloc posix_memalign \
    memalign valloc pvalloc reallocarray malloc_usable_size; do
    exported "$runtime" | grep -qx $name ||
        fail "libweir.so does not export $name"
done

stray=$(readelf -d "$runtime" | sed -n 's/.*NEEDED.*\[\(.*\)\]/\1/p' |
    grep -Ev '^(libc\.so\.6|ld-linux.*)$' || :)
[ -z "$stray" ] || fail "libweir.so needs more than libc:" $stray

# Functions that allocate or print. malloc_info gets a FILE to write to, which
# is all that fwrite is for.
called=$(nm -D --undefined-only "$runtime" | awk '{ print $2 }' |
    sed 's/@.*//' | grep -Ex 'v?(f|s|sn|as|d)?printf(_chk)?|__.*printf_chk|
fopen|fdopen|fputs|puts|fread|fgets|getline|strdup|strndup|
opendir|readdir|setenv|putenv|qsort|backtrace|syslog|getpwuid' || :)
[ -z "$called" ] || fail "libweir.so calls" $called

libraries=$runtime
if [ -e "$serve" ]; then
    libraries="$runtime $serve"
    stray=$(exported "$serve" | grep -Evx 'weir_[a-z0-9_]+' || :)
    [ -z "$stray" ] || fail "libweir-serve.so also exports:" $stray
fi
tools=$build/lib/libweir-tools.so
if [ -e "$tools" ]; then
    [ "$(exported "$tools")" = weir_tools ] ||
        fail "libweir-tools.so exports:" $(exported "$tools")
    # What every run waits for: weir itself is to need libc alone.
    stray=$(readelf -d "$build/bin/weir" |
        sed -n 's/.*NEEDED.*\[\(.*\)\]/\1/p' |
        grep -Ev '^(libc\.so\.6|ld-linux.*)$' || :)
    [ -z "$stray" ] || fail "weir needs more than libc:" $stray
fi
bench=$build/lib/libweir-bench.so
if [ -e "$bench" ]; then
    libraries="$libraries $bench"
    stray=$(exported "$bench" | grep -Evx 'weir_[a-z0-9_]+' || :)
    [ -z "$stray" ] || fail "libweir-bench.so also exports:" $stray
    # It serves programs on any malloc: libweir is no need of its.
    stray=$(readelf -d "$bench" | sed -n 's/.*NEEDED.*\[\(.*\)\]/\1/p' |
        grep -Ev '^(libc\.so\.6|libm\.so\.6|ld-linux.*)$' || :)
    [ -z "$stray" ] || fail "libweir-bench.so needs more than libc:" $stray
fi
boehm=$build/lib/libweir-gc.so
if [ -e "$boehm" ]; then
    stray=$(exported "$boehm" | grep -Evx 'GC_[A-Za-z_]+' || :)
    [ -z "$stray" ] || fail "libweir-gc.so also exports:" $stray
    for name in $(grep -ho '^[a-z].*GC_[A-Za-z_]*(' \
        "$here/include/weir/compat/gc.h" | grep -o 'GC_[A-Za-z_]*($' |
        tr -d '('); do
        exported "$boehm" | grep -qx "$name" ||
            fail "$name of compat/gc.h is not exported"
    done
fi
for library in $libraries; do
    exported "$library"
done | sort -u >"${TMPDIR:-/tmp}/exports.$$"
trap 'rm -f "${TMPDIR:-/tmp}/exports.$$"' EXIT
for header in "$here"/include/weir/*.h; do
    [ -e "$serve" ] || [ "${header##*/}" != serve.h ] || continue
    # Prototypes stand at the line's start and are not in comments; what is
    # inline has its name there, too.
    for name in $(awk '/^[a-z_].*static inline|^static inline/ { getline; next } /^[a-z]/' "$header" |
        grep -o 'weir_[a-z0-9_]*(' | tr -d '('); do
        grep -qx "$name" "${TMPDIR:-/tmp}/exports.$$" ||
            fail "$name of ${header##*/} is exported by no library"
    done
done
[ $failed -eq 0 ]
