#!/bin/sh
# What weir says about itself: help for every command, on stdout; hints on
# stderr; statuses that scripts can rely on.
. "$(dirname "$0")/_lib.sh"

"$weir" help >out.txt 2>err.txt
is $? 0 "weir help"
is "$(wc -c <err.txt)" 0 "chatter of weir help"
for command in run ps top flame diff benchstat test diagnose report leaks fds budgets pools threads serve record-allocs version help; do
    says "  $command " out.txt
    "$weir" help $command >help.txt
    is $? 0 "weir help $command"
    says "usage: weir $command" help.txt
    case $command in
    run | ps | top | flame | diff | benchstat | test | diagnose | report | budgets | pools | serve | record-allocs)
        "$weir" $command --help >other.txt
        is $? 0 "weir $command --help"
        cmp -s help.txt other.txt || fail "two helps for $command differ"
        says "Examples:" help.txt ;;
    esac
    awk 'length > 80 { exit 1 }' help.txt || fail "help of $command is wide"
done
"$weir" --help >other.txt
cmp -s out.txt other.txt || fail "weir --help is not weir help"
"$weir" version >out.txt
grep -Eqx 'weir [0-9]+\.[0-9]+\.[0-9]+' out.txt || fail "version: $(cat out.txt)"
is "$("$weir" --version)" "$(cat out.txt)" "weir --version"

"$weir" >out.txt 2>err.txt
is $? 2 "weir alone"
is "$(wc -c <out.txt)" 0 "output of weir alone"
says "usage: weir" err.txt
"$weir" nonsense 2>err.txt
is $? 2 "an unknown command"
says 'no command "nonsense"' err.txt
for command in ps top flame diff benchstat test diagnose report leaks fds why retained whois budgets pools threads serve; do
    "$weir" $command --nonsense >out.txt 2>err.txt
    is $? 2 "weir $command --nonsense"
    says "weir help $command" err.txt
done
for command in run record-allocs; do # as env(1)
    "$weir" $command --nonsense >out.txt 2>err.txt
    is $? 125 "weir $command --nonsense"
    says "weir help $command" err.txt
done
"$weir" record-allocs true 2>err.txt
is $? 125 "weir record-allocs without a file"
says "-o FILE" err.txt
"$weir" record-allocs -o trace -- /no/such/program 2>err.txt
is $? 127 "weir record-allocs of no program"
says "no such program" err.txt
"$weir" top -n many 2>err.txt
is $? 2 "weir top -n many"
"$weir" top -focus 2>err.txt
is $? 2 "an option without its value"
says "-focus needs a value" err.txt
"$weir" peek 2>err.txt
is $? 2 "peek at nothing"
says "say which functions" err.txt
"$weir" top /no/such/file 2>err.txt
is $? 1 "a file that is not there"
says "/no/such/file" err.txt
printf 'goroutine profile: total 3\n3 @ 0x10\n' | "$weir" top - >out.txt
is $? 0 "a profile from standard input"
says "Type: goroutine" out.txt
echo nonsense >file
"$weir" top file >out.txt 2>err.txt
is $? 1 "a file that is no profile"
is "$(wc -c <out.txt)" 0 "output for it"
"$weir" serve --http nonsense 2>err.txt
is $? 1 "weir serve at no address"
"$weir" serve --keep long 2>err.txt
is $? 2 "weir serve --keep long"
for command in "serve" "run -q"; do
    "$weir" $command --allow-host weir:6060 -- true 2>err.txt
    status=$?
    says "--allow-host weir:6060" err.txt
    says "without port" err.txt
    case $command in
    serve) is $status 2 "weir serve with a name that is none" ;;
    *) is $status 125 "weir run with a name that is none" ;;
    esac
done
for percent in "" 10% -5 much 12345678; do
    "$weir" run -q "--collect=$percent" -- true 2>err.txt
    is $? 125 "weir run --collect=$percent"
    says "by how many percent" err.txt
done
"$weir" run -q --collect -- sh -c 'echo "$WEIR"' >out.txt
says ",collect=on" out.txt
"$weir" run -q --collect=50 -- sh -c 'echo "$WEIR"' >out.txt
says ",collect=on,gogc=50" out.txt
is "$("$weir" ps --json)" "[]" "JSON without programs"

# A full disk is no success
if [ -w /dev/full ]; then
    "$weir" help >/dev/full 2>err.txt
    is $? 1 "output that cannot be written"
    says "cannot write" err.txt
fi
# Under its own library weir leaves it, and records nothing of itself
LD_PRELOAD="$build/lib/libweir.so.0" "$weir" version >out.txt
is $? 0 "weir under its own library"
is "$(find "$tmp" -name '*.weir' | wc -l)" 0 "regions of weir itself"
# Half an installation: the program runs, and weir says what is missing.
mkdir -p half/bin half/lib
cp "$weir" half/bin/
cp "$build/lib/libweir.so.0" half/lib/
half/bin/weir run -q -- sh -c 'echo ran; exit 3' >out.txt 2>err.txt
is $? 3 "a run without libweir-tools.so"
is "$(cat out.txt)" ran "output of a run without libweir-tools.so"
says "cannot load libweir-tools.so.0" err.txt
half/bin/weir ps 2>err.txt
is $? 1 "weir ps without libweir-tools.so"
says "Install Weir whole" err.txt

finish
