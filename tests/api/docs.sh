#!/bin/sh
# The documentation agrees with the tree: links lead somewhere, every public
# function and error is in the manual, every script and preset that is named
# exists, every floor and folder is in the architecture.
set -eu

here=$(cd "$(dirname "$0")/../.." && pwd)
cd "$here"
failed=0

fail() {
    echo "FAIL: $*"
    failed=1
}

for page in *.md docs/*.md docs/design/*.md; do
    folder=$(dirname "$page")
    for link in $(grep -o '](\([^)#:]*\))' "$page" | tr -d '])('); do
        [ -e "$folder/$link" ] || fail "$page: a link to $link"
    done
    for path in $(grep -o '`[a-z.]*/[A-Za-z0-9_./-]*`' "$page" | tr -d '`'); do
        case $path in
        # Made by a build, on another machine, or an example.
        /* | build/* | lib/* | bin/* | net/http/pprof | */op) continue ;;
        esac
        [ -e "$path" ] || [ -e "src/$path" ] || [ -e "include/$path" ] ||
            fail "$page: there is no $path"
    done
done

numbers=$(ls docs/design | cut -d- -f1 | uniq -d)
[ -z "$numbers" ] || fail "two decisions have the number $numbers"
for page in docs/design/*.md; do
    number=$(basename "$page" | cut -d- -f1)
    head -1 "$page" | grep -q "^# $number: " ||
        fail "$page does not begin with its number"
done

functions=$(grep -hE '^[a-z]' include/weir/*.h | grep -o 'weir_[a-z0-9_]*(' |
    tr -d '(' | sort -u)
[ -n "$functions" ] || fail "no public functions found"
for name in $functions; do
    grep -q "$name" packaging/man/*.3.in || fail "section 3 lacks $name"
done
for name in $(grep -ho 'WEIR_E[A-Z]*' include/weir/error.h | sort -u); do
    [ "$name" = WEIR_ERROR ] || grep -q "$name" packaging/man/weir.3.in ||
        fail "weir(3) lacks $name"
done
for header in include/weir/*.h; do
    [ "$header" = include/weir/weir.h ] ||
        grep -q "<weir/${header##*/}>" include/weir/weir.h ||
        fail "weir.h does not include ${header##*/}"
done
for floor in $(grep -v '^#' src/LAYERS | grep -v cmd); do
    grep -q "src/$floor " docs/ARCHITECTURE.md ||
        fail "docs/ARCHITECTURE.md lacks src/$floor"
done
for stage in $(sed -n 's/^test_\([a-z0-9]*\)().*/\1/p' script/test); do
    sed -n '2,/^set/p' script/test | grep -qw "$stage" ||
        fail "script/test does not explain its stage $stage"
done
[ $failed -eq 0 ]
