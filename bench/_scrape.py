# A very large profile: much of Python's library, each part used, so that the
# same objects come from thousands of stacks. Then it goes on with little work.
import argparse, ast, asyncio, collections, csv, dataclasses, decimal, difflib
import email.message, enum, fractions, http.server, inspect, json, logging
import pickle, random, re, sqlite3, statistics, subprocess, sys, tarfile
import textwrap, threading, time, typing, unittest, urllib.request, zipfile
import xml.etree.ElementTree as tree

kept = []
for i in range(200):
    kept.append(json.loads(json.dumps({"a": [i, str(i), {"x": i * 1.5}]})))
    kept.append(re.compile("(a|b)+%d[c-z]{2,%d}" % (i, i % 7 + 3)))
    kept.append(decimal.Decimal(i) / 7)
    kept.append(fractions.Fraction(i, 7))
    kept.append(tree.fromstring("<a><b c='%d'>t</b></a>" % i))
    kept.append(pickle.loads(pickle.dumps({"k": [i] * 5, "s": {i, i + 1}})))
for module in (argparse, asyncio.base_events, unittest.case, email.message,
               inspect, typing, subprocess):
    text = open(module.__file__).read()
    kept.append(ast.parse(text))
    kept.append(compile(text, module.__file__, "exec"))
base = sqlite3.connect(":memory:")
base.execute("create table t(a integer primary key, b text, c real)")
base.executemany("insert into t values(?, ?, ?)",
                 ((i, "n%d" % i, i / 3) for i in range(2000)))
print("ready", flush=True)
while True:
    kept.append(json.loads(json.dumps({"now": [time.time(), len(kept)]})))
    time.sleep(0.01)
