#!/bin/sh
# Debian's Guile, which is linked with libgc, on Weir's collector in its place:
# the same answers, memory that stays bounded, and Weir sees all of it.
. "$(dirname "$0")/_lib.sh"
need guile

standin=$build/lib/weir/compat
[ -e "$standin/libgc.so.1" ] || {
    echo "skip: this build has no $standin/libgc.so.1"
    exit 77
}
scheme=$source_dir/tests/programs/guile.scm
export GUILE_AUTO_COMPILE=0

guile -s "$scheme" >plain 2>plain.err || fail "Guile alone ends with $?"
for gogc in 100 25; do
    LD_LIBRARY_PATH=$standin WEIR=gogc=$gogc,gctrace=1 \
        under guile -s "$scheme" >weir 2>weir.err ||
        fail "gogc=$gogc: ends with $?: $(grep -v '^gc ' weir.err)"
    diff plain weir || fail "gogc=$gogc: says something else"
    cycles=$(grep -c '^gc [0-9]' weir.err)
    [ "$cycles" -gt 5 ] || fail "gogc=$gogc: $cycles cycles: not Weir's collector"
    sed -n 's/^memory //p' weir.err >memory
    read -r allocated peak <memory || fail "gogc=$gogc: no figures"
    # So many bytes were allocated, and so many KiB resident.
    [ "$allocated" -gt 300000000 ] || fail "only $allocated bytes allocated"
    [ "$peak" -lt 200000 ] || fail "gogc=$gogc: $peak KiB resident"
done
finish
