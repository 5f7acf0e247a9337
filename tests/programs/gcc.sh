#!/bin/sh
# gcc: a driver that runs cc1, as and ld; a large generated file becomes the
# same object, byte for byte, and errors are reported the same.
. "$(dirname "$0")/_lib.sh"
need gcc awk

awk 'BEGIN {
    print "struct item { int key; double value; struct item *next; };"
    for (i = 0; i < 400; i++) {
        printf "static int f%d(int a, struct item *p)\n{\n", i
        printf "    int s = a * %d;\n", i + 3
        print  "    for (struct item *q = p; q; q = q->next)"
        printf "        s += q->key %% %d ? (int) q->value : s ^ %d;\n", \
            i % 17 + 2, i * 31
        printf "    return s + %s;\n}\n", \
            i ? "f" (i - 1) "(s & 7, p)" : "1"
    }
    print "int all(struct item *p)\n{\n    return f399(1, p);\n}"
}' >large.c
printf 'int main(void)\n{\n    return undeclared;\n}\n' >wrong.c
printf '#include <stdio.h>\nint main(void)\n{\n    return puts("hi") < 0;\n}\n' \
    >hello.c

compile() {
    "$@" gcc -O1 -g -c -o large.o large.c || fail "gcc failed under: $*"
}
compile plainly
mv large.o plain.o
compile under
cmp plain.o large.o || fail "gcc made another object"
names saved 'ggc_.*|xmalloc|.*cc1.*'
same gcc -c -o /dev/null wrong.c
under gcc -o hello hello.c || fail "gcc did not link"
[ "$(./hello)" = hi ] || fail "the linked program is wrong"
# gcc, cc1, as, and of the link collect2 and ld, each with its own profile.
[ "$(saved_profiles | wc -l)" -ge 8 ] ||
    fail "only these profiles:" $(saved_profiles)
finish
