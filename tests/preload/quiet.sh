#!/bin/sh
# A program under Weir is what it was: output, status, descriptors, threads,
# environment. What Weir leaves is one region for each process image.
. "$(dirname "$0")/_lib.sh"

same true
same sh -c 'echo out; echo err >&2; exit 0'
same sh -c 'ls -l /proc/self/fd | wc -l'
same sh -c 'grep -E "^(SigBlk|SigIgn|Threads)" /proc/self/status'
same sh -c 'ulimit -a; umask; pwd; tty || :'

for status in 1 42 255; do
    weir sh -c "exit $status"
    [ $? -eq $status ] || fail "exit status $status is not passed on"
done
for signal in TERM KILL SEGV ABRT HUP; do
    weir sh -c "kill -$signal \$\$" 2>/dev/null
    under=$?
    sh -c "kill -$signal \$\$" 2>/dev/null
    [ $? -eq $under ] || fail "death by SIG$signal is not passed on"
done

rm -f "$tmp"/regions/*
weir "$(prog narrow)" as-is >/dev/null
count=$(ls "$tmp/regions" | wc -l)
[ "$count" -eq 2 ] || fail "$count regions for a program and its child"
for region in "$tmp"/regions/*; do
    case $(stat -c '%a %F' "$region") in
    '600 regular file') ;;
    *) fail "$region is not a private file" ;;
    esac
    case $(basename "$region") in
    [1-9]*.weir) ;;
    *) fail "the region is called $(basename "$region")" ;;
    esac
done

rm -f "$tmp"/regions/*
weir sh -c 'i=0; while [ $i -lt 100 ]; do (:); i=$((i + 1)); done'
count=$(ls "$tmp/regions" | wc -l)
[ "$count" -eq 101 ] || fail "$count regions for a hundred forks"
finish
