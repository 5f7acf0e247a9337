#!/bin/sh
# Programs that cannot be recorded: each is run all the same, with its own
# exit status, after a sentence that says why and what to do.
. "$(dirname "$0")/_lib.sh"

# told WORDS ADVICE COMMAND...: status 9, output "ran", and the sentence
told() {
    words=$1 advice=$2
    shift 2
    "$weir" run --http none -- "$@" >out.txt 2>err.txt
    is $? 9 "status of $1"
    is "$(cat out.txt)" ran "output of $1"
    says "nothing is recorded" err.txt
    says "$words" err.txt
    says "$advice" err.txt
    is "$(wc -l <err.txt)" 1 "lines on stderr for $1"
}

cat >program.c <<'END'
#include <stdio.h>
#include <stdlib.h>
int main(void) { free(malloc(10)); puts("ran"); return 9; }
END

if compile static -static <program.c; then
    told "is linked statically" "Link it dynamically" ./static
    printf '#!%s/static\n' "$tmp" >script
    chmod +x script
    told "static is linked statically" "Link it" ./script
else
    echo "no static libc: static programs are not tested"
fi
if compile pie -static-pie <program.c; then
    told "is linked statically" "Link it dynamically" ./pie
fi
if compile asan -fsanitize=address <program.c; then
    told "built with a sanitizer" "without -fsanitize" ./asan
    compile asan-in -fsanitize=address -static-libasan <program.c &&
        told "has its own malloc" "Build it to use libc's" ./asan-in
else
    echo "no -fsanitize=address: not tested"
fi
if compile lsan -fsanitize=leak <program.c; then
    told "built with a sanitizer" "without -fsanitize" ./lsan
fi

if [ "$(id -u)" = 0 ] && compile setid <program.c; then
    chmod 755 .
    chown nobody setid && chmod 4755 setid
    told "changes its user" "Run weir as that user" ./setid
fi

if command -v go >/dev/null; then
    cat >hello.go <<'END'
package main

import "os"

func main() { os.Stdout.WriteString("ran\n"); os.Exit(9) }
END
    if GO111MODULE=off GOFLAGS= CGO_ENABLED=0 GOCACHE="$tmp/cache" \
        HOME="$tmp" timeout 100 go build -o hello hello.go 2>go.log; then
        told "is a Go program" "net/http/pprof" ./hello
    else
        echo "go cannot build here: not tested"
    fi
fi

# weir without its library: a copy of the program alone
mkdir -p alone/bin "with space/bin" "with space/lib"
cp "$weir" alone/bin/weir
compile plain <program.c || fail "no C compiler"
whole=$weir weir=$tmp/alone/bin/weir
told "needs libweir.so.0" "Install Weir whole" ./plain
cp "$whole" "with space/bin/weir"
cp "$build/lib/libweir.so.0" "with space/lib/"
weir="$tmp/with space/bin/weir"
told "has a space" "Install Weir elsewhere" ./plain
weir=$whole

# A program that was built for the real thing is no obstacle
"$weir" run --http none -o out -- ./plain >out.txt 2>err.txt
is $? 9 "status of a plain program"
says "profiles in out" err.txt
is "$(ls out | wc -l)" 2 "profiles of a plain program"

# No directory that can be written: in a mount name space, where there is one
if unshare -m sh -c 'mount -t tmpfs -o ro none /dev/shm &&
    mount --bind /tmp /tmp && mount -o remount,ro,bind /tmp' 2>/dev/null; then
    unshare -m sh -c 'mount -t tmpfs -o ro none /dev/shm
        mount --bind /tmp /tmp && mount -o remount,ro,bind /tmp
        XDG_RUNTIME_DIR=/proc/nowhere exec "$0" run -- "$1"' \
        "$weir" "$tmp/plain" >out.txt 2>err.txt
    is $? 9 "status without any directory"
    is "$(cat out.txt)" ran "output without any directory"
    says "nothing is recorded: there is no directory" err.txt
    says "set XDG_RUNTIME_DIR" err.txt
else
    echo "no mount name space: a system without directories is not tested"
fi
finish
