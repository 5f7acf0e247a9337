#!/bin/sh
# Where names come from besides the program's file: a server of debug files,
# what an earlier process found, and the map of code made at run time. And that
# C++ names can be read.
. "$(dirname "$0")/../cmd/_lib.sh"
export XDG_CACHE_HOME="$tmp/cache"

# top PROGRAM ARGUMENTS...: all it ever allocated, into top.txt
top() {
    rm -rf profiles
    "$weir" run -q --http none --sample 1 --out profiles -- "$@" ||
        fail "$* ended with $?"
    "$weir" top -n 0 -i alloc_space profiles/*.heap.pb.gz >top.txt
}

# ---- C++: templates, lambdas, inlined functions ----
cat >shop.cc <<'END'
#include <cstdlib>
#include <map>
#include <string>
#include <vector>
namespace {
struct Order {
    char text[1000];
};
}
namespace shop {
template <class T> struct Cart {
    std::vector<T> all;
    __attribute__((noinline)) void add(const T &t) { all.push_back(t); }
};
template <class F> __attribute__((noinline)) void *with(int n, F f)
{
    return f(n);
}
static inline __attribute__((always_inline)) void *inner(int n)
{
    return malloc(n);
}
}
void *volatile kept;
int main()
{
    shop::Cart<Order> *orders = new shop::Cart<Order>;
    for (int i = 0; i < 50; i++)
        orders->add(Order());
    auto *names = new std::map<std::string, std::vector<int>>;
    for (int i = 0; i < 50; i++)
        (*names)[std::string(100, 'a') + std::to_string(i)].resize(100);
    kept = shop::with(5000, [](int n) { return shop::inner(n); });
    return 0;
}
END
if ${CXX:-c++} -g -O1 -o shop shop.cc 2>shop.log; then
    top ./shop
    says " shop::Cart<(anonymous namespace)::Order>::add" top.txt
    says " shop::with<main::{lambda" top.txt
    says " shop::inner (inline)" top.txt
    says " main::operator() (inline)" top.txt
    says " std::vector<(anonymous namespace)::Order>::push_back" top.txt
    says " std::map<std::string, std::vector<int>>::" top.txt
    grep -q "_ZN\|std::char_traits\|std::less" top.txt &&
        fail "a name is not readable: $(grep '_ZN\|char_traits' top.txt)"
else
    echo "skip: no C++ compiler"
fi

# ---- names kept from before: the debug file and the program may go ----
if ! command -v objcopy >/dev/null || ! compile whole -g -O0 <<'END'
#include <stdlib.h>
static __attribute__((noinline)) void *hold_much(int n)
{
    return malloc(n);
}
void *volatile kept;
int main(int argc, char **argv)
{
    kept = hold_much(100000);
    return argc > 1 && argv[1][0] == 'x';
}
END
then
    echo "skip: needs objcopy and a C compiler"
    finish
fi
id=$(readelf -n whole | sed -n 's/ *Build ID: //p')
objcopy --only-keep-debug whole whole.debug
objcopy --strip-all whole stripped

top ./whole
says " hold_much" top.txt
[ -s "cache/weir/$id.names" ] || fail "nothing was kept: $(ls -R cache)"
top ./stripped # it has the same build id
says " hold_much" top.txt
printf x | dd of="cache/weir/$id.names" bs=1 seek=100 conv=notrunc 2>/dev/null
top ./stripped
says " stripped@0x" top.txt # what is damaged is not believed
rm -rf cache

# ---- a server of debug files ----
if ! command -v python3 >/dev/null ||
    ! ldconfig -p 2>/dev/null | grep -q libdebuginfod.so.1; then
    echo "skip: needs python3 and libdebuginfod.so.1; script/setup installs them"
else
    mkdir -p "www/buildid/$id"
    cp whole.debug "www/buildid/$id/debuginfo"
    cat >server.py <<'END'
import http.server, os, sys, time
class Handler(http.server.SimpleHTTPRequestHandler):
    def do_GET(self):
        with open("asked", "a") as f:
            f.write(self.path + "\n")
        while os.path.exists("slow"):
            time.sleep(0.05)
        super().do_GET()
    def log_message(self, *args):
        pass
s = http.server.ThreadingHTTPServer(("127.0.0.1", 0), lambda *a:
                                    Handler(*a, directory="www"))
print("port %d." % s.server_port, flush=True)
s.serve_forever()
END
    python3 server.py >server.out 2>&1 &
    server=$!
    trap 'kill $server 2>/dev/null; rm -rf "$tmp"' EXIT
    wait_for . server.out
    port=$(sed -n 's/port \([0-9]*\)\./\1/p' server.out)
    export DEBUGINFOD_URLS="http://127.0.0.1:$port"

    top ./stripped
    says " hold_much" top.txt
    says "/buildid/$id/debuginfo" asked
    # By then both the server and its file may be gone.
    rm -rf cache/debuginfod_client
    DEBUGINFOD_URLS= top ./stripped
    says " hold_much" top.txt

    # Debug files that share what they have in common, as Debian's do: names
    # are in the shared one, which the server has under a build id of its own.
    if command -v dwz >/dev/null; then
        for name in one two; do
            cat >$name.c <<END
#include <stdlib.h>
struct order { int count; struct order *next; char text[32]; double price; };
static inline __attribute__((always_inline)) struct order *make_inline(int n)
{
    return malloc(n);
}
__attribute__((noinline)) struct order *hold_$name(int n)
{
    return make_inline(n);
}
struct order *volatile kept;
int main(void)
{
    kept = hold_$name(100000);
    return 0;
}
END
            ${CC:-cc} -g -O1 -o $name $name.c
            objcopy --only-keep-debug $name $name.debug
        done
        dwz -m "$tmp/shared.debug" one.debug two.debug 2>/dev/null
        objcopy --strip-all --add-gnu-debuglink=one.debug one one.stripped
        DEBUGINFOD_URLS= top ./one.stripped
        says " make_inline" top.txt
        rm -rf cache
        id=$(readelf -n shared.debug 2>/dev/null |
            sed -n 's/ *Build ID: //p')
        mkdir -p "www/buildid/$id"
        mv shared.debug "www/buildid/$id/debuginfo"
        DEBUGINFOD_URLS= top ./one.stripped
        grep -q " make_inline" top.txt && fail "a name from nowhere"
        top ./one.stripped # half of the names were not kept
        says " make_inline" top.txt
        id=$(readelf -n one | sed -n 's/ *Build ID: //p')
        mkdir -p "www/buildid/$id"
        mv one.debug "www/buildid/$id/debuginfo"
        rm -rf cache
        top ./one.stripped
        says " make_inline" top.txt
    else
        echo "skip: no dwz; script/setup installs it"
    fi

    # A server that does not answer holds up nobody for long: the profile
    # comes without names, and has them when the file has come.
    rm -rf cache asked
    need_holder
    objcopy --strip-all holder holder.stripped
    id=$(readelf -n holder | sed -n 's/ *Build ID: //p')
    mkdir -p "www/buildid/$id"
    objcopy --only-keep-debug holder "www/buildid/$id/debuginfo"
    touch slow
    "$weir" run --http 127.0.0.1:0 --out profiles -- ./holder.stripped \
        >holder.out 2>holder.err &
    run=$!
    wait_for ready holder.out
    wait_for http:// holder.err
    url=$(grep -o 'http://[^ ]*' holder.err | head -1)
    url=${url%/}
    url=${url%/debug/pprof}/debug/pprof/heap
    before=$(date +%s)
    curl -sS -o first.pb.gz "$url" || fail "no first profile"
    curl -sS -o second.pb.gz "$url" || fail "no second profile"
    [ $(($(date +%s) - before)) -lt 15 ] || fail "the server held it up"
    "$weir" top -n 0 first.pb.gz >top.txt
    says "holder.stripped@0x" top.txt
    rm slow
    for _ in $(seq 100); do
        curl -sS -o later.pb.gz "$url"
        "$weir" top -n 0 later.pb.gz >top.txt
        grep -q " hold_blocks" top.txt && break
        sleep 0.1
    done
    says " hold_blocks" top.txt
    is "$(grep -c "$id" asked)" 1 "requests for one file"
    # Who asks for one profile waits longer, and is told so.
    rm -rf cache
    touch slow
    "$weir" top -n 0 >top.txt 2>top.err &
    asking=$!
    wait_for "waiting for debug files" top.err
    rm slow
    wait $asking
    says " hold_blocks" top.txt
    touch stop
    wait $run
    unset DEBUGINFOD_URLS
fi

# ---- code made at run time ----
if [ "$(uname -m)" != x86_64 ] || ! compile jit -g -O0 <<'END'
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
/* A compiler just in time: sub rsp, 8; mov rax, malloc; call rax; add rsp, 8;
 * ret. */
static void *(*make(unsigned char *at))(size_t)
{
    static const unsigned char before[] = {0x48, 0x83, 0xec, 8, 0x48, 0xb8};
    static const unsigned char behind[] = {0xff, 0xd0, 0x48, 0x83, 0xc4, 8,
                                           0xc3};
    void *to = (void *)malloc;
    memcpy(at, before, sizeof before);
    memcpy(at + sizeof before, &to, 8);
    memcpy(at + sizeof before + 8, behind, sizeof behind);
    return (void *(*)(size_t))(uintptr_t)at;
}
void *volatile kept[2];
int main(void)
{
    unsigned char *code = mmap(NULL, 8192, PROT_READ | PROT_WRITE | PROT_EXEC,
                               MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char path[64];
    snprintf(path, sizeof path, "/tmp/perf-%d.map", (int)getpid());
    FILE *map = fopen(path, "w");
    if (code == MAP_FAILED || !map)
        return 77;
    fprintf(map, "%lx 40 LazyCompile:~holdObjects /srv/app.js:12\n",
            (unsigned long)code);
    fprintf(map, "%lx 40 Eval:other\n", (unsigned long)code + 4096);
    fclose(map);
    puts(path);
    fflush(stdout);
    kept[0] = make(code)(50000);
    kept[1] = make(code + 4096)(60000);
    puts("ready");
    fflush(stdout);
    while (access("go", F_OK) != 0)
        usleep(20000);
    return 0;
}
END
then
    echo "skip: code is made for x86-64 only"
    finish
fi
"$weir" run -q --http none --sample 1 --out jit.saved -- ./jit >jit.out &
run=$!
wait_for ready jit.out
map=$(head -1 jit.out)
"$weir" top -n 0 >top.txt
says " LazyCompile:~holdObjects /srv/app.js:12" top.txt
says " Eval:other" top.txt
touch go
wait $run
"$weir" top -n 0 jit.saved/*.heap.pb.gz >top.txt
says " LazyCompile:~holdObjects /srv/app.js:12" top.txt
rm -f "$map" go

# The same with a /tmp of its own, as services have it.
if unshare -m sh -c "mount -t tmpfs none /tmp" 2>/dev/null; then
    outside=$(mktemp -d /dev/shm/weir-test.XXXXXX)
    trap 'kill ${server-} 2>/dev/null; rm -rf "$tmp" "$outside"' EXIT
    cp jit "$build/lib/libweir.so.0" "$outside"
    cd "$outside" || exit 2
    export XDG_RUNTIME_DIR="$outside"
    unshare -m sh -c "mount -t tmpfs none /tmp; exec env \
        LD_PRELOAD=$outside/libweir.so.0 WEIR=sample=1 ./jit" >jit.out &
    run=$!
    wait_for ready jit.out
    [ -e "$(head -1 jit.out)" ] && fail "it has no /tmp of its own"
    "$weir" top -n 0 >top.txt
    says " LazyCompile:~holdObjects /srv/app.js:12" top.txt
    touch go
    wait $run
else
    echo "skip: no mount namespace can be made here"
fi
finish
