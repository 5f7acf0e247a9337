#!/bin/sh
# Where a program is searched: in a copy of it; in place where it may have none,
# or where a copy could use up the memory that is left.
. "$(dirname "$0")/../cmd/_lib.sh"
command -v jq >/dev/null || {
    echo "skip: no jq"
    exit 77
}
prog=$build/tests/prog_place
mkdir -m 700 weir

# begin COMMAND...: run it under Weir
begin() {
    rm -f ready.txt
    env LD_PRELOAD="$build/lib/libweir.so.0" WEIR="dir=$tmp/weir" "$@" \
        >ready.txt 2>&1 &
    pid=$!
    wait_for ready ready.txt
}
finished() {
    kill $pid
    wait $pid 2>/dev/null
}
# searched WHERE BLOCKS WHAT [OPTION]
searched() {
    # shellcheck disable=SC2086
    timeout 20 "$weir" leaks ${4:-} --json $pid >leaks.json 2>err.txt ||
        fail "$3: $(cat err.txt)"
    is "$(jq -r .where leaks.json)" "$1" "$3: where"
    case $(jq -r .trust leaks.json) in
        proved | unseen) ;; # in a filter some things cannot be looked at
        *) fail "$3: trust is $(jq -r .trust leaks.json)" ;;
    esac
    is "$(jq -r .direct.blocks leaks.json)" "$2" "$3: lost blocks"
    kill -0 $pid || fail "$3: the program has ended"
}

begin "$prog" 16
searched copy 2621 "a copy"
searched "in place" 2621 "as asked" --in-place
searched copy 2621 "a copy after that"
finished

begin "$prog" 16 writing
searched copy 2621 "a copy of one that writes"
searched "in place" 2621 "one that writes, in place" --in-place
finished

begin "$prog" 16 no-copy
searched "in place, forbidden" 2621 "no copy allowed"
"$weir" leaks $pid >out.txt
says "in place: it may not make a copy of itself" out.txt
"$weir" leaks --only-copy $pid >out.txt 2>err.txt
is $? 1 "only a copy, which is not allowed: status"
says "may not make a copy of itself" err.txt
finished

# With the address space nearly used up there are marks all the same.
begin "$prog" 64
size=$(awk '/VmSize/ { print $2 }' /proc/$pid/status)
finished
begin sh -c "ulimit -v $((size + 120000)); exec $prog 64"
searched copy 10485 "a limit of the address space"
finished

# Control groups of the first kind, which one may write only as root.
group=/sys/fs/cgroup/memory/weir-test-$$
if mkdir "$group" 2>/dev/null && [ -e "$group/memory.limit_in_bytes" ]; then
    in_group() { # MIB COMMAND...
        echo $(($1 << 20)) >"$group/memory.limit_in_bytes"
        shift
        # shellcheck disable=SC2016
        begin sh -c 'echo $$ >"$0/tasks"; exec "$@"' "$group" "$@"
    }
    in_group 400 "$prog" 100 writing
    for round in 1 2 3; do
        searched copy 16384 "room for a copy, round $round"
    done
    finished
    in_group 170 "$prog" 100 writing
    searched "in place, memory" 16384 "no room for a copy"
    "$weir" leaks $pid >out.txt
    says "a copy could have used up the memory that is left" out.txt
    finished
    in_group 124 "$prog" 100
    "$weir" leaks $pid >out.txt 2>err.txt
    is $? 1 "no room for marks: status"
    says "use up the memory that is left" err.txt
    kill -0 $pid || fail "no room for marks: the program has ended"
    finished
    rmdir "$group"
else
    echo "no control group of one's own: the rest is left out"
fi
finish
