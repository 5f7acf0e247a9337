#!/bin/sh
# weir threads: where threads are and since when, who can never go on, and who
# was never joined.
. "$(dirname "$0")/_lib.sh"
command -v jq >/dev/null || {
    echo "skip: no jq"
    exit 77
}
lib=$build/lib/libweir.so.0
mkdir -m 700 weir

begin() { # case
    rm -f ready.txt
    LD_PRELOAD=$lib "$build/tests/prog_threads" "$1" >ready.txt 2>&1 &
    pid=$!
    wait_for ready ready.txt
}

look() {
    "$weir" threads --json $pid >threads.json 2>err.txt ||
        fail "weir threads: $(cat err.txt)"
}

end() {
    kill $pid
    wait $pid 2>/dev/null
}

can_read() { # /proc/PID/task/TID/syscall and its memory
    [ "$(id -u)" -eq 0 ] || ! grep -qs '[1-3]' \
        /proc/sys/kernel/yama/ptrace_scope
}

# case, what is proved of its threads
while read -r case proofs; do
    can_read || {
        echo "skip: mutexes of others cannot be read by this user"
        break
    }
    begin "$case"
    look
    is "$(jq -r '[.threads[].deadlock | select(. != "")] | sort | join(",")' \
        threads.json)" "$(echo "$proofs" | tr ';' ' ')" "$case: proofs"
    "$weir" threads --fail-on-deadlock $pid >text.txt
    is $? $((3 * (${#proofs} > 0))) "$case: status"
    [ -z "$proofs" ] || says "deadlock: thread " text.txt
    end
done <<'END'
cycle cycle,cycle
self self
gone owner;ended
behind behind,cycle,cycle
waiting
END

# Since when: asking does not count, and threads at one place are one stack.
begin waiting
sleep 3
look
[ "$(jq '[.threads[] | select(.still_s > 2)] | length' threads.json)" -ge 5 ] ||
    fail "threads are not still: $(jq -c '.threads[]' threads.json)"
sleep 1
look
[ "$(jq '[.threads[] | select(.still_s > 3)] | length' threads.json)" -ge 5 ] ||
    fail "asked, they are not still: $(jq -c '.threads[]' threads.json)"
is "$(jq '[.stacks[] | select(any(.stack[]; .function == "takes_one")) |
    .count] | add' threads.json)" 3 "threads at one stack"
is "$(jq -r '[.stacks[] | select(.count == 3) | .made_by[].function] |
    index("start") != null' threads.json)" true "who made them"
"$weir" threads $pid >text.txt
says "3 threads, still for" text.txt
says "waits_for_word" text.txt
end

# Never joined: five of one place; joined or detached ones are none.
begin unjoined
look
is "$(jq '[.unjoined[].count] | add' threads.json)" 5 "ended, not joined"
is "$(jq -r '.unjoined[0].made_by[0].function' threads.json)" start \
    "who made those"
is "$(jq '.threads | length' threads.json)" 1 "threads that are there"
"$weir" threads $pid >text.txt
says "  5 threads ended, the first " text.txt
end
begin joined
look
is "$(jq '.unjoined | length' threads.json)" 0 "joined or detached"
end

"$weir" threads nobody 2>err.txt
is $? 2 "no process id"
says "weir ps" err.txt
"$weir" threads 1 2>err.txt
is $? 1 "a process without Weir"
finish
