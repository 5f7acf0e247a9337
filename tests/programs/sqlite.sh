#!/bin/sh
# sqlite3: bulk insert, index, query, vacuum on a file and in memory.
. "$(dirname "$0")/_lib.sh"
need sqlite3

cat >bulk.sql <<'END'
PRAGMA journal_mode = MEMORY;
CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT, value REAL);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n
    WHERE i < 60000)
INSERT INTO t SELECT i, printf('name %d', i * 7919 % 60000), i * 0.5 FROM n;
CREATE INDEX by_name ON t(name);
SELECT count(*), sum(value), min(name), max(name) FROM t;
SELECT substr(name, 1, 7) AS p, count(*), round(avg(value), 2) FROM t
    GROUP BY p ORDER BY p;
SELECT a.id, b.id FROM t a JOIN t b ON a.name = b.name
    WHERE a.id < 50 ORDER BY 1, 2;
UPDATE t SET name = upper(name) WHERE id % 3 = 0;
DELETE FROM t WHERE id % 5 = 0;
VACUUM;
PRAGMA integrity_check;
SELECT group_concat(length(name)) FROM (SELECT name FROM t LIMIT 2000);
END

same sqlite3 :memory: '.read bulk.sql'
same sh -c 'rm -f test.db; sqlite3 test.db ".read bulk.sql"'
same sqlite3 test.db 'SELECT * FROM none'
names saved 'sqlite3.*|.*libsqlite3.*'
finish
