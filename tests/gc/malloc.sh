#!/bin/sh
# A program that loses blocks of malloc's keeps what it has, whatever the
# collector does meanwhile.
. "$(dirname "$0")/../cmd/_lib.sh"

try() { # OPTIONS WHAT
    got=$(WEIR=$1 "$weir" run -q --collect=10 -- \
        "$build/tests/prog_malloc" "$2" 2>err.txt)
    is "$?, $got" "0, whole" "$2, $1: $(tail -3 err.txt)"
}

for what in lent threads forks hides; do
    try gc=auto $what
    try gc=track,clobberfree=1 $what
    try gc=track,clobberfree=1,gccheckmark=1 $what
done
finish
