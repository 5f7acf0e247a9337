#!/bin/sh
# git: a repository of some hundred commits is read, repacked and checked,
# with threads and child processes.
. "$(dirname "$0")/_lib.sh"
need git

export GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null
export GIT_PAGER=cat GIT_TERMINAL_PROMPT=0
awk 'BEGIN {
    for (c = 1; c <= 400; c++) {
        printf "commit refs/heads/main\nmark :%d\n", c
        printf "author A <a@example.org> %d +0000\n", 1600000000 + c * 60
        printf "committer A <a@example.org> %d +0000\n", 1600000000 + c * 60
        message = "change number " c
        printf "data %d\n%s\n", length(message), message
        if (c > 1)
            printf "from :%d\n", c - 1
        text = ""
        for (i = 0; i < 60; i++)
            text = text "line " i " of version " c - (c + i) % 9 "\n"
        printf "M 100644 inline dir%d/file%d.txt\n", c % 7, c % 41
        printf "data %d\n%s\n", length(text), text
    }
    print "done"
}' >stream

make_repository() {
    rm -rf repo
    git init -q -b main repo && "$@" git -C repo fast-import --quiet --done \
        <stream >/dev/null 2>&1
}
make_repository under || fail "fast-import failed"
under_id=$(git -C repo rev-parse main)
[ "$(git -C repo rev-list --count main)" = 400 ] || fail "not all commits are there"
make_repository plainly || fail "fast-import failed plainly"
[ "$(git -C repo rev-parse main)" = "$under_id" ] ||
    fail "the same stream gave other commits"

same git -C repo log --stat --format=fuller -n 120
same git -C repo log -S'version 300' --oneline
same git -C repo blame dir1/file1.txt
same git -C repo diff HEAD~50 HEAD
same git -C repo grep -n 'line 3[0-9] of version 39' HEAD
same git -C repo fsck --full --strict --no-progress
under git -C repo -c pack.threads=2 gc -q --aggressive --prune=now ||
    fail "gc failed"
git -C repo fsck --full --no-progress >/dev/null 2>&1 ||
    fail "what gc wrote is damaged"
under git clone -q --no-local repo copy || fail "clone failed"
[ "$(git -C copy rev-parse HEAD)" = "$under_id" ] || fail "another clone"
same git -C copy log --oneline
same git -C copy show nothing-there
names saved 'xmalloc|xrealloc|.*strbuf.*|.*git.*'
finish
