#!/bin/sh
# Interpreters under weir run --collect, with a collection every few
# milliseconds: they print what they print without.
. "$(dirname "$0")/_lib.sh"
. "$source_dir/tests/programs/_collect.sh"

# Garbage in rings, threads, modules written in C with memory of their own.
if command -v python3 >/dev/null; then
    cat >work.py <<'END'
import ctypes, decimal, hashlib, json, re, sqlite3, ssl, threading, zlib

out = []
table = {}
for i in range(20000):
    table[str(i % 3000)] = {"a": [i] * 10, "b": str(i) * 3}
text = json.dumps(table, sort_keys=True)
out.append(hashlib.sha256(text.encode()).hexdigest())
out.append(len(re.findall(r"(\d+)-(\w+)", "12-ab 34-cd " * 5000)))
base = sqlite3.connect(":memory:")
base.execute("create table t(a, b)")
base.executemany("insert into t values(?, ?)",
                 ((i, str(i) * 5) for i in range(10000)))
out.append(base.execute("select sum(length(b)) from t where a % 7 = 3")
           .fetchone())
packed, unpack = zlib.compress(b"hello, world" * 50000), zlib.decompressobj()
out.append(sum(len(unpack.decompress(packed[i:i + 100]))
               for i in range(0, len(packed), 100)))
class Node:
    pass
for i in range(20000):
    a, b = Node(), Node()
    a.other, b.other, a.text = b, a, bytearray(600)
def work(n):
    out.append(sum(len(bytearray(1000 + i % 3000)) for i in range(n)))
threads = [threading.Thread(target=work, args=(2000,)) for _ in range(4)]
for t in threads: t.start()
for t in threads: t.join()
out.append(str(sum(decimal.Decimal(i) / 7 for i in range(2000))))
out.append(type(ssl.create_default_context()).__name__)
buffers = [ctypes.create_string_buffer(b"x" * 5000) for _ in range(500)]
out.append(sum(len(b.value) for b in buffers))
print(out)
END
    collected python3 work.py
    # And with all its objects in blocks of malloc's.
    collected env PYTHONMALLOC=malloc python3 work.py
else
    skip_part "no python3 on this machine; script/setup installs it"
fi

cat >work.bash <<'END'
declare -A table
for i in {1..6000}; do
    table[$i]="value $i" all+="$i"
    f() { local x=$1; echo "${x//a/b}"; }
done
for i in {1..150}; do
    list=($(echo {1..50})) joined="${list[*]/1/2}"
done
echo ${#all} ${#table[@]} "$joined" $(f banana)
for i in {1..6000}; do unset "table[$i]"; done
echo ${#table[@]}
END
if command -v bash >/dev/null; then
    collected bash work.bash
else
    skip_part "no bash on this machine; script/setup installs it"
fi

# Rings are lost for good here; what perl has in its arenas stays.
cat >work.pl <<'END'
my (%h, @a);
for my $i (1 .. 60000) {
    $h{$i % 7000} .= "abc$i";
    delete $h{$i % 13 * 500} if $i % 3 == 0;
    push @a, [$i, {x => $i}];
    shift @a if @a > 2000;
    my $ring = {text => "x" x 100};
    $ring->{self} = $ring;
}
my $s = join ",", map { "$_=" . length $h{$_} } sort { $a <=> $b } keys %h;
$s =~ s/(\d+)=(\d+)/$2:$1/g;
print length $s, " ", scalar @a, " ", unpack("%32C*", $s), "\n";
END
if command -v perl >/dev/null; then
    collected perl work.pl
else
    skip_part "no perl on this machine; script/setup installs it"
fi
finish
