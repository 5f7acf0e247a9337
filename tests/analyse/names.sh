#!/bin/sh
# Names that a program does not carry as they are read: C++ ones, and those of
# a stripped program, whose debug information its .gnu_debuglink names.
. "$(dirname "$0")/../cmd/_lib.sh"

# top PROGRAM: what it held at its end, into top.txt
top() {
    rm -rf profiles
    "$weir" run -q --http none --sample 1 --out profiles -- "$1"
    "$weir" top -n 0 profiles/*.heap.pb.gz >top.txt
}

# ---- C++ ----
cat >cxx.cc <<'END'
#include <cstdlib>
namespace house {
template <class T> struct Room {
    __attribute__((noinline)) void *keep(T n) { return malloc(n); }
};
}
void *volatile kept;
int main()
{
    house::Room<long> room;
    kept = room.keep(100000);
    return 0;
}
END
if ${CXX:-c++} -g -O0 -o cxx cxx.cc 2>cxx.log; then
    top ./cxx
    says "house::Room<long>::keep" top.txt
    grep -q _ZN top.txt && fail "a name is not readable: $(cat top.txt)"
else
    echo "skip: no C++ compiler"
fi

# ---- debug information in a file of its own ----
if ! command -v objcopy >/dev/null || ! compile whole -g -O0 <<'END'
#include <stdlib.h>
static __attribute__((noinline)) void *hold_much(void)
{
    return malloc(100000);
}
void *volatile kept;
int main(void)
{
    kept = hold_much();
    return 0;
}
END
then
    echo "skip: needs objcopy and a C compiler"
    finish
fi
objcopy --only-keep-debug whole whole.debug
objcopy --strip-all --add-gnu-debuglink=whole.debug whole stripped

top ./stripped
says hold_much top.txt
mkdir .debug
mv whole.debug .debug/
top ./stripped
says hold_much top.txt

# Of another build, or not there: the function is called by its place.
printf x >>.debug/whole.debug
top ./stripped
grep -q hold_much top.txt && fail "a debug file of another build was read"
says "stripped@0x" top.txt
rm .debug/whole.debug
top ./stripped
says "stripped@0x" top.txt
finish
