#!/bin/sh
# weir run is transparent: status, streams, arguments, descriptors, signals
# that end a program; and its own statuses are those of env(1).
. "$(dirname "$0")/_lib.sh"

run() {
    "$weir" run -q --http none -- "$@"
}

for status in 0 1 7 125 126 127 200 255; do
    run sh -c "exit $status"
    is $? $status "exit status"
done

for signal in TERM KILL INT HUP PIPE USR1 SEGV ABRT; do
    sh -c 'kill -'$signal' $$' 2>/dev/null
    plain=$?
    run sh -c 'kill -'$signal' $$' 2>/dev/null
    is $? $plain "death by $signal"
done

# Really by the signal, not by a status that looks like it; and no core file.
cat >dies.sh <<'END'
ulimit -c unlimited
"$1" run -q --http none -- sh -c 'ulimit -c 0; kill -SEGV $$'
END
if command -v perl >/dev/null; then
    is "$(perl -e 'system(@ARGV); print $? & 127' -- \
        "$weir" run -q --http none -- sh -c 'kill -9 $$')" 9 "the signal"
    perl -e 'system(@ARGV); print(($? & 128) ? "core" : "none")' -- \
        sh -c 'ulimit -c unlimited; exec "$@"' - \
        "$weir" run -q --http none -- sh -c 'ulimit -c 0; kill -SEGV $$' \
        >core.txt
    is "$(cat core.txt)" none "weir's own core"
fi

# Streams and arguments
is "$(printf 'a\nb' | run cat)" "$(printf 'a\nb')" "stdin and stdout"
is "$(run sh -c 'echo err >&2' 2>&1 >/dev/null)" err "stderr"
is "$(run printf '%s|' a 'b c' '' -q --http)" 'a|b c||-q|--http|' "arguments"
is "$("$weir" run -q printf '%s' -x)" -x "options after the program's name"
is "$(run sh -c 'echo $0')" sh "argv[0]"

# Descriptors: the same as without
sh -c 'ls /proc/$$/fd' >plain.fd 3</dev/null
run sh -c 'ls /proc/$$/fd' >weir.fd 3</dev/null
is "$(tr '\n' ' ' <weir.fd)" "$(tr '\n' ' ' <plain.fd)" "descriptors"

# Signal mask and dispositions
status_of() {
    grep -E '^(SigBlk|SigIgn|SigCgt)' "$1"
}
(trap '' HUP PIPE CHLD; exec grep -E '^Sig(Blk|Ign)' /proc/self/status) >plain.sig
(trap '' HUP PIPE CHLD
 exec "$weir" run -q --http none -- grep -E '^Sig(Blk|Ign)' /proc/self/status) \
    >weir.sig
is "$(cat weir.sig)" "$(cat plain.sig)" "signal dispositions"

# Process group: that of the shell
is "$(run sh -c 'cut -d" " -f5 /proc/$$/stat')" \
    "$(sh -c 'cut -d" " -f5 /proc/$$/stat')" "process group"

# Programs that do not start
run /no/such/program 2>err.txt
is $? 127 "a missing path"
says "/no/such/program: no such program" err.txt
run no-such-program-anywhere 2>err.txt
is $? 127 "a missing command"
says "no such program" err.txt
echo data >plain.txt
run ./plain.txt 2>err.txt
is $? 126 "a file that is not executable"
run /tmp 2>err.txt
is $? 126 "a directory"
says "directory" err.txt
is "$(find "$tmp/weir" -maxdepth 1 -name 'run-*' -newer plain.txt | wc -l)" 0 \
    "runs of programs that did not start"

# Scripts
printf '#!/bin/sh\necho script $1; exit 3\n' >script
chmod +x script
is "$(run ./script x)" "script x" "a script"
run ./script x >/dev/null
is $? 3 "a script's status"
printf 'echo bare $0 $1; exit 4\n' >bare
chmod +x bare
is "$(run ./bare y)" "bare ./bare y" "a script without a first line"
run ./bare y >/dev/null
is $? 4 "its status"

# Wrong usage
"$weir" run 2>err.txt
is $? 125 "no program"
says "which program?" err.txt
"$weir" run --nonsense true 2>err.txt
is $? 125 "an unknown option"
"$weir" run --sample lots true 2>err.txt
is $? 125 "a wrong number"
says "--sample lots" err.txt
"$weir" run --http nowhere true 2>err.txt
is $? 125 "a wrong address"
says "127.0.0.1:6060" err.txt

# A run within a run
is "$(run "$weir" run -q --http none -- sh -c 'echo inner; exit 5')" inner \
    "a nested run"
run "$weir" run -q --http none -- sh -c 'exit 5'
is $? 5 "a nested run's status"
finish
