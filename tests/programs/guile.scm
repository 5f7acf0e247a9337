;; A Guile program that allocates much more than it keeps, and says what came
;; out: the same on libgc and on Weir.
(use-modules (ice-9 threads) (ice-9 format) (srfi srfi-1))

(define (say what . values)
  (display what)
  (for-each (lambda (v) (display " ") (write v)) values)
  (newline))

;; Trees, of which one stays.
(define (tree depth)
  (if (= depth 0) '() (cons (tree (- depth 1)) (tree (- depth 1)))))
(define (leaves t)
  (if (null? t) 1 (+ (leaves (car t)) (leaves (cdr t)))))
(define stays (tree 16))
(say "trees" (apply + (map (lambda (i) (leaves (tree 12))) (iota 300))))

;; Texts, numbers that need memory, vectors.
(define (factorial n) (if (= n 0) 1 (* n (factorial (- n 1)))))
(say "digits" (string-length (number->string (factorial 1500))))
(define table (make-hash-table))
(do ((i 0 (+ i 1))) ((= i 120000))
  (hash-set! table (modulo i 5000) (string-append "value " (number->string i))))
(say "table" (hash-count (const #t) table) (hash-ref table 4999))
(define vectors
  (let loop ((i 0) (kept '()))
    (if (= i 20000)
        kept
        (let ((v (make-vector 100 i)))
          (loop (+ i 1) (if (= 0 (modulo i 1000)) (cons v kept) kept))))))
(say "vectors" (map (lambda (v) (vector-ref v 99)) vectors))
(say "port"
     (string-length
      (with-output-to-string
        (lambda ()
          (do ((i 0 (+ i 1))) ((= i 20000)) (format #t "line ~a~%" i))))))

;; Frames that are left and entered again.
(define (generate items)
  (let ((back #f))
    (define (next)
      (call/cc
       (lambda (return)
         (set! back return)
         (for-each (lambda (x)
                     (call/cc (lambda (k)
                                (set! next (lambda () (k #f)))
                                (back x))))
                   items)
         (back 'end))))
    (lambda () (call/cc (lambda (r) (set! back r) (next))))))
(say "generator"
     (let ((g (generate (iota 2000))))
       (let loop ((sum 0))
         (let ((x (g))) (if (eq? x 'end) sum (loop (+ sum x)))))))
(say "caught"
     (fold (lambda (i n)
             (+ n (catch 'odd
                    (lambda () (if (odd? i) (throw 'odd (make-vector 50 i)) 0))
                    (lambda (key v) (vector-length v)))))
           0 (iota 5000)))

;; Threads.
(say "threads"
     (par-map (lambda (i) (apply + (map leaves (map tree (make-list 20 i)))))
              '(8 9 10 11)))

;; What is told of the dead.
(define guardian (make-guardian))
(define (lose n)
  (do ((i 0 (+ i 1))) ((= i n)) (guardian (make-vector 10 i))))
(lose 1000)
(define weak (make-weak-key-hash-table))
(define keys (map (lambda (i) (string-append "key " (number->string i)))
                  (iota 100)))
(for-each (lambda (k) (hashq-set! weak k (string-length k))) keys)
(define (saved)
  (let loop ((n 0)) (if (guardian) (loop (+ n 1)) n)))
(define given-back
  (let loop ((tries 0) (n 0))
    (gc)
    (let ((now (+ n (saved))))
      (if (or (> now 900) (= tries 100)) now
          (begin (usleep 10000) (loop (+ tries 1) now))))))
(say "guardian" (> given-back 900))
(say "weak" (apply + (map (lambda (k) (hashq-ref weak k)) keys)))

(say "stays" (leaves stays))

;; For who looks at memory: bytes allocated in all, KiB resident at most.
(define (peak)
  (call-with-input-file "/proc/self/status"
    (lambda (port)
      (let loop ((line ((@ (ice-9 rdelim) read-line) port)))
        (if (string-prefix? "VmHWM:" line)
            (string->number
             (car (string-tokenize line char-set:digit)))
            (loop ((@ (ice-9 rdelim) read-line) port)))))))
(format (current-error-port) "memory ~a ~a~%"
        (assq-ref (gc-stats) 'heap-total-allocated) (peak))
