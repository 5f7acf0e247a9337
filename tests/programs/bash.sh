#!/bin/sh
# bash: hundreds of forks, subshells, pipelines, background jobs and traps.
. "$(dirname "$0")/_lib.sh"
need bash

cat >forks.sh <<'END'
total=0
for i in $(seq 1 150); do
    n=$(echo $((i * i)))
    total=$((total + n))
done
echo "sum $total"
for i in $(seq 1 60); do
    (exit $((i % 7))) || echo -n "$? "
done
echo
declare -A seen
while read -r word; do
    seen[$word]=$((${seen[$word]:-0} + 1))
done < <(for i in {1..2000}; do echo "w$((i * 7919 % 97))"; done)
echo "${#seen[@]} words"
printf '%s\n' "${!seen[@]}" | sort | tail -3 | tr '\n' ' '
echo
for i in {1..20}; do
    sleep 0.01 &
done
wait
echo "jobs done"
trap 'echo trapped' EXIT
kill -TERM $BASHPID &
wait
set -- $(seq 1 3000)
echo "$# ${!#}"
exit 9
END
same bash forks.sh

same bash -c 'kill -9 $$'
same bash -c 'nosuchcommand_at_all'
names saved 'xmalloc|.*bash.*'
count=$(saved_profiles | wc -l)
[ "$count" -ge 235 ] ||
    fail "hundreds of processes gave only $count profiles"
# A hundred children at once: none overwrites another's profile.
rm -rf "$out"
under bash -c 'for i in {1..100}; do (x=$(printf %0100000d 0); sleep 0.05) &
    done; wait'
[ "$(saved_profiles | wc -l)" -ge 101 ] ||
    fail "100 forks gave $(saved_profiles | wc -l) profiles"
finish
