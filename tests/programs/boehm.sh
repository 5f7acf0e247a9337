#!/bin/sh
# Programs that Debian has linked with libgc, on Weir's collector in its place:
# each says the same, and Weir's cycles did it.
. "$(dirname "$0")/_lib.sh"

standin=$build/lib/weir/compat
[ -e "$standin/libgc.so.1" ] || {
    echo "skip: this build has no $standin/libgc.so.1"
    exit 77
}

# On libgc, and on Weir with as few as so many cycles.
on_both() { # cycles, program and its arguments
    cycles=$1
    shift
    command -v "$1" >/dev/null 2>&1 || {
        skip_part "no $1 on this machine; script/setup installs it"
        return
    }
    plainly "$@" >"$scratch/plain" 2>"$scratch/plain.err" </dev/null ||
        fail "$1 alone ends with $?: $(head -5 "$scratch/plain.err")"
    [ -s "$scratch/plain" ] || fail "$1 alone says nothing"
    LD_LIBRARY_PATH=$standin WEIR=gctrace=1,gogc=50 \
        under "$@" >"$scratch/weir" 2>"$scratch/weir.err" </dev/null ||
        fail "$1 ends with $?: $(grep -v '^gc ' "$scratch/weir.err")"
    cmp -s "$scratch/plain" "$scratch/weir" ||
        fail "$1 says something else:" \
            "$(diff "$scratch/plain" "$scratch/weir" | head -5)"
    had=$(grep -c '^gc [0-9]' "$scratch/weir.err")
    [ "$had" -ge "$cycles" ] ||
        fail "$1: $had cycles: not Weir's collector"
}

# Its stacks are blocks without pointers, of which a hook tells.
cat >trees.lisp <<'END'
(defun tree (d) (if (= d 0) nil (cons (tree (- d 1)) (tree (- d 1)))))
(defun leaves (x) (if (null x) 1 (+ (leaves (car x)) (leaves (cdr x)))))
(defvar *stays* (tree 15))
(print (loop for i below 60 sum (leaves (tree 12))))
(let ((h (make-hash-table :test 'equal)))
  (dotimes (i 30000)
    (setf (gethash (format nil "key ~a" (mod i 3000)) h)
          (list i (make-array 20))))
  (print (hash-table-count h))
  (print (car (gethash "key 2999" h))))
(print (handler-case (labels ((deep (n) (if (= n 0) (error "end")
                                            (cons n (deep (- n 1))))))
                       (deep 1000))
         (error () (gc t) 'caught)))
(print (leaves *stays*))
END
on_both 5 ecl --norc --shell trees.lisp

cat >trees.neko <<'END'
make = null;
make = function(d) {
    return if( d == 0 ) null else $array(make(d - 1), make(d - 1));
};
leaves = null;
leaves = function(t) {
    return if( t == null ) 1 else leaves(t[0]) + leaves(t[1]);
};
var stays = make(15);
var i = 0;
var sum = 0;
while( i < 200 ) { sum += leaves(make(12)); i += 1; }
$print(sum, " ", leaves(stays), "\n");
var h = $hnew(0);
i = 0;
while( i < 100000 ) { $hset(h, i % 5000, "value " + i, null); i += 1; }
$print($hget(h, 4999, null), " ", $hcount(h), "\n");
END
if command -v nekoc >/dev/null 2>&1; then
    nekoc trees.neko || fail "nekoc ends with $?"
fi
on_both 5 neko trees.n

cat >arrays.pk <<'END'
var n = 0UL; var i = 0;
while (i < 20000) { var a = int<32>[64](); a[3] = i; n = n + a[3]; i = i + 1; }
printf ("%u64d\n", n);
var s = ""; i = 0;
while (i < 3000) { s = s + "x"; i = i + 1; }
printf ("%u64d\n", s'length);
END
on_both 5 poke -L arrays.pk

{
    echo '<html><body><table>'
    seq 3000 | sed 's|.*|<tr><td><b>&</b></td><td><a href=x&>text \&amp; &</a>|'
    echo '</table></body></html>'
} >page.html
on_both 2 w3m -dump page.html
finish
