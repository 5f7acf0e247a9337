#!/bin/sh
# The calls of the malloc family do under Weir what libc documents.
. "$(dirname "$0")/_lib.sh"
for name in refuse blocks reports libc; do
    same "$(prog $name)"
done
finish
