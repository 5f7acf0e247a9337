#!/bin/sh
# The page of a program whose memory is collected, in headless Chromium. A
# picture of it is kept in the build directory, in ui/pictures.
. "$(dirname "$0")/../cmd/_lib.sh"
command -v node >/dev/null || { echo "skip: no node here"; exit 77; }
command -v chromium >/dev/null || { echo "skip: no chromium here"; exit 77; }

"$weir" run --http 127.0.0.1:0 -- "$build/examples/20-watched" 100 >out 2>err &
run=$!
wait_for "for tools:" err
wait_for "3000 requests" out
url=$(sed -n 's,^weir: see \(http://[^ ]*\) .*,\1,p' err)
pid=$(curl -s "${url}api/processes" |
    sed -n 's/.*"main":\([0-9]*\),.*/\1/p')
curl -s "${url}api/history" >history.json
says '"collector":{"cycles":' history.json
says '"pools":[{"kind":"pool","name":"parsers"' history.json
pictures=$build/ui/pictures
mkdir -p "$pictures"
timeout 100 node "$source_dir/tests/ui/collected.mjs" "$url" "$pictures" ||
    fail "the page, see above"
[ -z "$pid" ] || kill "$pid"
wait $run
finish
