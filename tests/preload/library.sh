#!/bin/sh
# libweir.so offers the whole malloc family and asks a program for nothing:
# no executable stack, no relocations of code, little thread storage.
. "$(dirname "$0")/_lib.sh"

nm -D --defined-only "$lib" | sed 's/.* //; s/@.*//' | sort >"$tmp/names"
for name in malloc free calloc realloc reallocarray aligned_alloc \
    posix_memalign memalign valloc pvalloc malloc_usable_size malloc_trim \
    mallinfo mallinfo2 malloc_stats malloc_info mallopt free_sized \
    free_aligned_sized; do
    grep -qx $name "$tmp/names" || fail "$name is not exported"
done
grep -qx cfree "$tmp/names" && fail "cfree is exported"

readelf -lW "$lib" | grep -q 'GNU_STACK.*RWE' &&
    fail "libweir.so asks for an executable stack"
readelf -d "$lib" | grep -q TEXTREL && fail "libweir.so has text relocations"
tls=$(readelf -lW "$lib" | awk '$1 == "TLS" {print $6}')
[ $((${tls:-0})) -le 256 ] || fail "$tls bytes of static TLS are too many"
finish
