#!/bin/sh
# What Weir calls lost when a real program ends, valgrind calls lost, too: by
# the stacks, block for block. What valgrind can still reach, Weir leaves alone.
. "$(dirname "$0")/_lib.sh"
need jq perl valgrind

cat >records.pl <<'END_PERL'
# Of valgrind's XML a line for each record: blocks, known functions.
my $kinds = shift;
$/ = "</error>";
while (<>) {
    m{<kind>Leak_(?:$kinds)</kind>} or next;
    my ($blocks) = m{<leakedblocks>(\d+)<};
    my ($stack) = m{<stack>(.*?)</stack>}s;
    print "$blocks ", join("<", grep { !/^(malloc|calloc|realloc)$/ }
        map { s/@.*//r } $stack =~ m{<fn>(.*?)</fn>}g), "\n";
}
END_PERL
cat >beyond.awk <<'END_AWK'
# More blocks of a stack in the second file than in the first?
FILENAME == ARGV[1] { known[$2] += $1; next }
{ told[$2] += $1 }
END {
    for (stack in told)
        if (told[stack] > known[stack])
            print told[stack], "blocks, not", known[stack] + 0 ":", stack
}
END_AWK

# NAME LOST KEPT COMMAND...: valgrind is to see at least LOST lost blocks, and
# KEPT that can be reached: else nothing was compared.
compared() {
    name=$1 least_lost=$2 least_kept=$3
    shift 3
    command -v "$1" >/dev/null || {
        skip_part "no $1 on this machine; script/setup installs it"
        return
    }
    plainly timeout 30 valgrind -q --leak-check=full --show-leak-kinds=all \
        --num-callers=100 --read-inline-info=no --xml=yes \
        --xml-file=valgrind.xml "$@" >plain.out 2>&1 </dev/null ||
        fail "$name under valgrind: $(tail -3 plain.out)"
    rm -f leaks.json
    plainly "$weir" run -q --out "$out" --sample 1 \
        --leaks=leaks.json -- "$@" \
        >weir.out 2>&1 </dev/null || fail "$name under Weir: $(cat weir.out)"
    perl records.pl 'DefinitelyLost|IndirectlyLost' valgrind.xml >lost
    perl records.pl 'StillReachable|PossiblyLost' valgrind.xml >kept
    jq -r '.processes[].sites[] | "\(.blocks) \([.stack[].function |
        select(test("@0x|^__libc_start|^_start$") | not) |
        sub("^__newlocale"; "newlocale")] | join("<"))"' leaks.json >told
    [ "$(jq -r '[.processes[].trust] | unique | join(" ")' leaks.json)" = \
        proved ] || fail "$name: $(head -c 900 leaks.json)"
    beyond=$(awk -f beyond.awk lost told)
    [ -z "$beyond" ] || fail "$name: valgrind has not lost $beyond"
    echo "$name: lost $(blocks lost), told $(blocks told), kept $(blocks kept)"
    [ "$(blocks lost)" -ge "$least_lost" ] || fail "$name lost too little"
    [ "$(blocks kept)" -ge "$least_kept" ] || fail "$name kept too little"
    # A word that looks like an address may hide one, and now and then does.
    [ $(($(blocks told) * 4)) -ge $(($(blocks lost) * 3)) ] ||
        fail "$name: too few told: $(cat told)"
}

blocks() {
    awk '{ n += $1 } END { print n + 0 }' "$1"
}

compared perl 20 0 perl -e 'my %h; $h{$_} = [1 .. 3] for 1 .. 300;
    my $s = join ",", map { "$_=@{$h{$_}}" } sort keys %h;
    $s =~ s/\d+=/x/g; print length $s, "\n"'
compared sqlite3 0 0 sqlite3 :memory: 'create table t(a integer primary key, b);
    with recursive n(i) as (select 1 union all select i + 1 from n
        where i < 200) insert into t select i, i * 7 from n;
    create index x on t(b); select count(*), sum(b) from t;'
compared bash 0 100 bash -c :
git init -q repository 2>/dev/null
git -C repository -c user.name=a -c user.email=a@b commit -q \
    --allow-empty -m one
compared git 0 20 git -C repository log
finish
