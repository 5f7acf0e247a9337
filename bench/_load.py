# A load for Python: many small objects, strings, dictionaries; some die.
import sys

n = int(sys.argv[1])
kept = []
for i in range(n):
    d = {"id": i, "name": "name %d" % i, "tags": [str(i + k) for k in range(5)]}
    if i % 3:
        kept.append(d)
    if len(kept) > n // 4:
        del kept[: n // 8]
print(len(kept), sum(len(d["tags"]) for d in kept))
