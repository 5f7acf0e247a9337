#!/bin/sh
# A program that loses blocks of malloc's keeps what it has, whatever the
# collector does meanwhile.
. "$(dirname "$0")/../cmd/_lib.sh"

for what in lent threads forks hides; do
    got=$("$weir" run -q --collect=10 -- "$build/tests/prog_malloc" $what \
        2>err.txt)
    is "$?, $got" "0, whole" "$what: $(tail -3 err.txt)"
    got=$(WEIR=clobberfree=1,gccheckmark=1 "$weir" run -q --collect=10 -- \
        "$build/tests/prog_malloc" $what 2>err.txt)
    is "$?, $got" "0, whole" "$what, overwritten: $(tail -3 err.txt)"
done
finish
