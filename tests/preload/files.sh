#!/bin/sh
# Calls that open and close descriptors do under Weir what they do without it:
# results, errno, modes, cancellation, signal handlers, children in the same
# memory. Also where a libc of before is missing some, and with fds=off.
. "$(dirname "$0")/_lib.sh"

fresh='rm -rf "$1"; mkdir "$1"; exec "$0" "$1"'
same sh -c "$fresh" "$(prog files)" "$tmp/d"
options=fds=off,
same sh -c "$fresh" "$(prog files)" "$tmp/d"
options=

# No number of the program's is taken: what it opens is what it would open.
cat >"$tmp/numbers.sh" <<'END'
exec 5</dev/null 7</dev/null
ls -l /proc/self/fd | sed 's/.*[0-9] \([0-9]* ->\).*/\1/' | sort -n
END
same sh "$tmp/numbers.sh"
finish
