# Loads that are made, not kept: each function prints to stdout.

load_sql() { # rows
    cat <<SQL
create table t(id integer primary key, name text, value real, note text);
with recursive n(i) as (select 1 union all select i + 1 from n where i < $1)
insert into t select i, 'name ' || (i * 7919 % $1), i * 0.5,
  hex(i) || '-' || hex(i * i) from n;
create index by_name on t(name);
select count(*), sum(value) from t where name like 'name 1%';
select substr(note, 1, 2) s, count(*) from t group by s order by 2 desc limit 5;
update t set note = note || 'x' where id % 3 = 0;
delete from t where id % 5 = 0;
select count(*) from t;
SQL
}

load_c() { # functions
    echo '#include <stdio.h>'
    echo '#include <stdlib.h>'
    echo '#include <string.h>'
    awk -v n="$1" 'BEGIN { for (i = 0; i < n; i++) {
        printf "struct s%d { int a[%d]; struct s%d *next; char *name; };\n",
            i, i % 7 + 1, i
        printf "static int f%d(struct s%d *s, int x)\n{\n", i, i
        printf "    int sum = 0;\n"
        printf "    for (struct s%d *p = s; p; p = p->next)\n", i
        printf "        for (int k = 0; k < %d; k++)\n", i % 7 + 1
        printf "            sum += p->a[k] * x + (int)strlen(p->name);\n"
        printf "    switch (x %% 5) {\n"
        for (k = 0; k < 5; k++)
            printf "    case %d: return sum ^ %d;\n", k, i * 31 + k
        printf "    }\n    return sum;\n}\n"
        printf "int g%d(int x) { struct s%d s = {{x}, 0, \"n%d\"};", i, i, i
        printf " return f%d(&s, x); }\n", i } }'
}

load_git() { # commits: a stream for git fast-import
    awk -v n="$1" 'BEGIN {
        for (i = 1; i <= n; i++) {
            print "commit refs/heads/main"
            printf "committer A <a@example.org> %d +0000\n", 1600000000 + i * 60
            printf "data <<END\ncommit %d\nEND\n", i
            for (f = 0; f < 4; f++) {
                printf "M 100644 inline dir%d/file%d.txt\n", i % 17,
                    (i * 7 + f) % 60
                print "data <<END"
                for (l = 0; l < 80; l++)
                    printf "line %d of %d %d\n", l, i % (l + 3), f
                print "END"
            }
            print ""
        }
    }'
}

# A program that allocates from many places: UNITS files of a hundred functions
# with a call of malloc each, inside an inlined function. Written into a folder.
load_places() { # folder units
    echo 'void *keep[1000000]; int kept;' >"$1/main.c"
    for unit in $(seq "$2"); do
        awk -v u="$unit" 'BEGIN {
            print "#include <math.h>\n#include <pthread.h>\n#include <stdio.h>"
            print "#include <stdlib.h>\n#include <string.h>\n#include <time.h>"
            print "extern void *keep[]; extern int kept;"
            print "struct node { struct node *next; char name[40]; };"
            print "static inline void *make(int n)\n{"
            print "    struct node *x = malloc(sizeof *x + n);"
            print "    if (x) memset(x, 0, sizeof *x);"
            print "    return keep[kept++] = x;\n}"
            for (i = 0; i < 100; i++)
                printf "static __attribute__((noinline)) int place_%d_%d%s", u,
                    i, "(int n) { make(n); return n * " i "; }\n"
            printf "int unit_%d(void)\n{\n    int sum = 0;\n", u
            for (i = 0; i < 100; i++)
                printf "    sum += place_%d_%d(%d);\n", u, i, i * 8
            print "    return sum;\n}" }' >"$1/unit$unit.c"
        echo "int unit_$unit(void);" >>"$1/main.c"
    done
    {
        echo '#include <stdio.h>'
        echo '#include <unistd.h>'
        echo 'int main(void)'
        echo '{'
        for unit in $(seq "$2"); do
            echo "    unit_$unit();"
        done
        echo '    puts("ready");'
        echo '    fflush(stdout);'
        echo '    for (;;)'
        echo '        pause();'
        echo '}'
    } >>"$1/main.c"
}
