#!/bin/sh
# What libweir.so offers to every program is the malloc family, the calls it
# must see (and passes on), and its own weir_ names; it needs libc alone.
. "$(dirname "$0")/_lib.sh"

nm -D --defined-only "$lib" | awk '$2 ~ /[TWiV]/ {print $3}' |
    sed 's/@.*//' | sort >"$tmp/names"
for name in malloc free calloc realloc reallocarray aligned_alloc \
    posix_memalign memalign valloc pvalloc malloc_usable_size malloc_trim \
    mallinfo mallinfo2 malloc_stats malloc_info mallopt free_sized \
    free_aligned_sized weir_memstats weir_strerror weir_profile_rate \
    weir_profile_set_rate weir_profile_write; do
    grep -qx $name "$tmp/names" || fail "$name is not exported"
done
grep -qx cfree "$tmp/names" && fail "cfree is exported"
grep -q '^wr_' "$tmp/names" && fail "internal names are exported"

needed=$(readelf -d "$lib" | sed -n 's/.*NEEDED.*\[\(.*\)\]/\1/p' | tr '\n' ' ')
for library in $needed; do
    case $library in
    libc.so.* | ld-linux*) ;;
    *) fail "libweir.so needs $library" ;;
    esac
done
readelf -lW "$lib" | grep -q 'GNU_STACK.*RWE' &&
    fail "libweir.so asks for an executable stack"
readelf -d "$lib" | grep -q TEXTREL && fail "libweir.so has text relocations"
tls=$(readelf -lW "$lib" | awk '$1 == "TLS" {print $6}')
[ $((${tls:-0})) -le 256 ] || fail "$tls bytes of static TLS are too many"
finish
