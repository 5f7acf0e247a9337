#!/bin/sh
# The pages' logic, and that the committed bundles are what their sources and
# the locked packages make. Needs node; npm too where ui/node_modules is not
# there, and then the registry.
set -eu
ui=$(cd "$(dirname "$0")/../../ui" && pwd)
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

command -v node >/dev/null || { echo "skip: no node here"; exit 77; }
cd "$ui"
node --test test/*.test.js

cp -r "$ui" "$dir/ui"
cd "$dir/ui"
if [ ! -d node_modules ]; then
    command -v npm >/dev/null || { echo "skip: no npm here to rebuild with"; exit 77; }
    npm ci --ignore-scripts --no-audit --no-fund >"$dir/log" 2>&1 || {
        tail -3 "$dir/log"
        echo "skip: npm reaches no registry to rebuild with"
        exit 77
    }
fi
node build.mjs "$dir/fresh"
for file in "$dir"/fresh/*; do
    cmp "$file" "$ui/dist/$(basename "$file")" || {
        echo "ui/dist is not what ui/src makes: run script/ui and commit"
        exit 1
    }
done
for file in "$ui"/dist/*; do
    [ -e "$dir/fresh/$(basename "$file")" ] || {
        echo "ui/dist/$(basename "$file") is made by nothing"
        exit 1
    }
done

# One document, asking for nothing, with one place for the data.
[ "$(grep -c '/\*WEIR-DATA\*/null' "$ui/dist/flame.html")" = 1 ]
for file in "$ui"/dist/*.html; do
    if grep -Eo '<[^>]* src=|<link[^>]*>|@import|url\([^)]*\)' "$file" |
        grep -v 'href="data:,"'; then
        echo "$(basename "$file") asks for something else"
        exit 1
    fi
done
