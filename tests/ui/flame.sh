#!/bin/sh
# The file that weir flame writes, in headless Chromium. Pictures of it are
# kept in the build directory, in ui/pictures.
. "$(dirname "$0")/../cmd/_lib.sh"
command -v node >/dev/null || { echo "skip: no node here"; exit 77; }
command -v chromium >/dev/null || { echo "skip: no chromium here"; exit 77; }

for seed in 1 2; do
    "$build/tests/test_analyse_codec" random $seed $seed.pb.gz ||
        fail "no profile $seed"
done
evil='</title></script><script>document.title="pwned"</script>'
{
    echo 'heap profile: 1: 48 [2: 96] @ heap/1'
    echo '1: 48 [2: 96] @ 0x401000'
    printf '#\t0x400fff\t%s+0x1f\t/src/%s.c:3\n' "$evil" "$evil"
} >hostile.txt
share=$("$weir" flame --folded 1.pb.gz | awk '
    /dict_add/ { some += $NF } { all += $NF } END { print 100 * some / all }')
"$weir" flame -o one.html 1.pb.gz || fail "no graph"
"$weir" flame -o change.html 1.pb.gz 2.pb.gz || fail "no difference"
"$weir" flame -o hostile.html hostile.txt || fail "no graph of odd names"
"$weir" flame --svg -o hostile.svg hostile.txt || fail "no picture of them"
pictures=$build/ui/pictures
mkdir -p "$pictures"
timeout 120 node "$source_dir/tests/ui/flame.mjs" one.html "$share" \
    change.html hostile.html hostile.svg "$pictures" ||
    fail "the flame graph, see above"
finish
