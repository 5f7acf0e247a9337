#!/bin/sh
# python3 with every object from malloc: containers, json, threads, zlib,
# multiprocessing, subprocess, ctypes.
. "$(dirname "$0")/_lib.sh"
need python3

cat >work.py <<'END'
import json, multiprocessing, os, subprocess, sys, threading, zlib

class Node:
    def __init__(self, key, next):
        self.key, self.next = key, next

def numbers(n):
    x = 1
    for _ in range(n):
        x = (x * 1103515245 + 12345) % 2**31
        yield x

def square(n):
    return n * n

def build():
    table = {}
    for i, x in enumerate(numbers(60000)):
        table.setdefault(str(x % 5000), []).append((i, float(x)))
    return table

def main():
    table = build()
    text = json.dumps(table, sort_keys=True)
    again = json.loads(text)
    print(len(text), zlib.crc32(text.encode()), again.keys() == table.keys())
    packed = zlib.compress(text.encode(), 6)
    print(zlib.decompress(packed) == text.encode())
    head = None
    for i in range(50000):
        head = Node(i, head)
    print(head.key)
    results = [0] * 4
    def work(k):
        results[k] = sum(len(str(x)) for x in numbers(20000 + k))
    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    print(results)
    with multiprocessing.Pool(3) as pool:
        print(sum(pool.map(square, range(2000))))
    out = subprocess.run([sys.executable, '-c', 'print("child", 6 * 7)'],
                         capture_output=True, text=True)
    print(out.stdout.strip(), out.returncode)
    pid = os.fork()
    if pid == 0:
        junk = [bytes(1000) for _ in range(3000)]
        os._exit(len(junk) % 256)
    print('forked', os.waitpid(pid, 0)[1] >> 8)
    sys.exit(5)

if __name__ == '__main__':
    main()
END

export PYTHONMALLOC=malloc PYTHONHASHSEED=0 PYTHONDONTWRITEBYTECODE=1
same python3 work.py
names saved 'Py.*|_Py.*' 'PyObject_Malloc|PyList_.*|PyUnicode_.*|.*Malloc.*'
same python3 -c 'raise SystemExit("on purpose")'
same python3 -c 'import os; os.abort()'
finish
