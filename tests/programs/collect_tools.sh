#!/bin/sh
# git, gcc and sqlite3 under weir run --collect: same output, byte for byte.
. "$(dirname "$0")/_lib.sh"
. "$source_dir/tests/programs/_collect.sh"

if command -v git >/dev/null; then
    cat >work.sh <<'END'
rm -rf repository && mkdir repository && cd repository || exit 1
export GIT_AUTHOR_DATE=2020-01-01T00:00:00 GIT_COMMITTER_DATE=2020-01-01T00:00:00
export GIT_CONFIG_GLOBAL=/dev/null GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b
export GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b
git init -q -b main .
for i in 1 2 3; do
    for j in 1 2 3 4 5 6 7 8 9 10 11 12; do
        echo "$i $j" >>"f$j"
        seq 1 $((i * j * 40)) >"d$j"
    done
    git add -A
    git commit -q -m "commit $i"
done
git log --stat
git gc -q
git fsck --no-progress
git log -p | git patch-id
git blame f3
git rev-list --objects --all
git repack -adfq --depth=50
git diff HEAD~2 --word-diff
END
    collected sh work.sh
else
    skip_part "no git on this machine; script/setup installs it"
fi

if command -v gcc >/dev/null; then
    awk 'BEGIN {
        for (i = 0; i < 250; i++)
            printf "static int f%d(int a, int b) { int s = 0; for (int i = 0;" \
                " i < a; i++) { s += b * i %% (a + 1); if (s > %d) s -= b; }" \
                " return s ^ %d; }\nint g%d(int x) { return f%d(x, x + 1) +" \
                " (x > 3 ? f%d(x - 1, 2) : 7); }\n", i, i, i, i, i, i
    }' >work.c
    # Its own pages come from mmap; the rest from malloc.
    collected gcc -O2 -S -o - work.c
else
    skip_part "no gcc on this machine; script/setup installs it"
fi

if command -v sqlite3 >/dev/null; then
    cat >work.sql <<'END'
create table t(a integer primary key, b text, c);
with recursive n(i) as (select 1 union all select i + 1 from n where i < 30000)
    insert into t select i, 'text ' || i, i % 17 from n;
create index ti on t(c, b);
select c, count(*), sum(length(b)) from t group by c order by 1;
update t set b = b || b where a % 3 = 0;
delete from t where a % 5 = 0;
select count(*), sum(length(b)) from t;
select b from t where c = 3 and a % 1000 = 71 order by b desc limit 5;
select json_group_array(b) from (select b from t where a < 3000);
vacuum;
pragma integrity_check;
END
    collected sqlite3 :memory: '.read work.sql'
else
    skip_part "no sqlite3 on this machine; script/setup installs it"
fi
finish
