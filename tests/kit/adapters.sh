#!/bin/sh
# Each library that adapt.h speaks of, as Debian has it: its memory is found in
# a profile under the name it was given, counts in the budget, is given back to
# it, and a budget without room is an error that the library survives.
. "$(dirname "$0")/../cmd/_lib.sh"
data=$source_dir/tests/kit/adapt
tried=0

# one NAME PACKAGE FLAGS...
one() {
    name=$1 package=$2
    shift 2
    if ! ${CC:-cc} -O2 -g -Wall -Wextra -Werror -I"$source_dir/include" \
        -o "$name" "$data/$name.c" "$@" -L"$build/lib" -lweir \
        -Wl,-rpath,"$build/lib" 2>log; then
        if grep -q 'No such file' log; then
            echo "skip: no $package here"
        else
            fail "$name: $(head -5 log)"
        fi
        return
    fi
    tried=$((tried + 1))
    ./"$name" "$name.pb" 100000000 >out 2>err
    is $? 0 "$name"
    says "done: peak" out
    peak=$(sed 's/.*peak \([0-9]*\),.*/\1/' out)
    left=$(sed 's/.*left \([0-9]*\),.*/\1/' out)
    [ "$peak" -gt 20000 ] || fail "$name used only $peak bytes of its budget"
    [ "$left" -lt "$peak" ] || fail "$name gave nothing back"
    case $name in
    openssl) ;; # keeps what its end handlers need
    *) is "$left" 0 "what $name left in its budget" ;;
    esac
    "$weir" top "$name.pb" >top
    grep -q ' adapted_[a-z]*$' top || fail "$name has no such name: $(cat top)"
    ./"$name" "$name.pb" 9000 >out 2>err
    is $? 0 "$name without room"
    says "no memory: peak" out
    grep -q 'refused [1-9]' out || fail "$name: $(cat out)"
}

one sqlite libsqlite3-dev -lsqlite3
one jansson libjansson-dev -ljansson
one libxml2 libxml2-dev -I/usr/include/libxml2 -lxml2
one zlib zlib1g-dev -lz
one lua liblua5.4-dev -I/usr/include/lua5.4 -llua5.4
one openssl libssl-dev -lcrypto
one curl libcurl4-openssl-dev -lcurl
one uthash uthash-dev
one stb_ds libstb-dev -Wno-sign-compare -Wno-unused-parameter -lm
[ $tried -gt 0 ] || exit 77
finish
