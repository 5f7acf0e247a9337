import assert from 'node:assert/strict';
import test from 'node:test';
import { OTHERS, callees, callers, fromJson, matcher, modules, search, table } from '../src/tree.js';

// main 100: a 60 (malloc 50: grow 20), b 30 (malloc 30), small ones 10; and
// grow calls malloc again, which must not count twice.
const strings = ['', 'main', 'a', 'b', 'malloc', 'grow', '/bin/prog', '/lib/libc.so.6', 'x.c'];
const functions = [[1, 8, 6, 1], [2, 8, 6, 10], [3, 8, 6, 20], [4, 0, 7, 0], [5, 8, 6, 30]];
const plain = {
  v: 1, title: 't', type: 'inuse_space', unit: 'bytes', total: 100, strings, functions,
  nodes: [[-1, 0, 100, 0], [0, 1, 100, 0], [1, 2, 60, 10], [3, 3, 50, 30], [4, 4, 20, 5], [3, 5, 15, 15],
    [2, 2, 30, 0], [3, 3, 30, 30], [OTHERS, 2, 10, 10]],
};
const changed = {
  ...plain, base_total: 90,
  nodes: [[-1, 0, 100, 0, 90], [0, 1, 100, 0, 90], [1, 2, 100, 100, 20], [2, 2, 0, 0, 70]],
};

const shape = (t) => Array.from({ length: t.count }, (_, n) => [t.depth[n], t.name(n), t.value[n], t.self[n]]);

test('boxes lie in their parents, side by side', () => {
  const t = fromJson(plain);
  assert.equal(t.weight[0], 100);
  assert.deepEqual([...t.children(1)].map((n) => [t.x[n], t.weight[n]]), [[0, 60], [60, 30], [90, 10]]);
  assert.deepEqual(t.path(5).map((n) => t.name(n)), ['all', 'main', 'a', 'malloc', 'grow', 'malloc']);
  assert.equal(t.name(8), 'small ones');
  assert.equal(t.rows, 6);
});

test('a node is found by the names that lead to it, or as far as they lead', () => {
  const t = fromJson(plain);
  assert.equal(t.find(['main', 'b', 'malloc']), 7);
  assert.equal(t.find(['main', 'gone', 'malloc']), 1);
});

test('what is no call tree is refused with a sentence', () => {
  assert.throws(() => fromJson(null), /not a call tree/);
  assert.throws(() => fromJson({ v: 2, nodes: [[-1, 0, 0, 0]] }), /not a call tree/);
  assert.throws(() => fromJson({ ...plain, nodes: [[-1, 0, 1, 0], [0, 3, 1, 1]] }), /hangs in the air/);
});

test('callers: the function is the root, main the leaf, recursion counts once', () => {
  assert.deepEqual(shape(callers(fromJson(plain), 3)), [
    [0, 'malloc', 80, 0], [1, 'a', 50, 0], [2, 'main', 50, 50], [1, 'b', 30, 0], [2, 'main', 30, 30]]);
});

test('callees: all places of a function together', () => {
  assert.deepEqual(shape(callees(fromJson(plain), 3)), [
    [0, 'malloc', 80, 60], [1, 'grow', 20, 5], [2, 'malloc', 15, 15]]);
  assert.deepEqual(shape(callees(fromJson(plain), 0)).slice(0, 2), [[0, 'main', 100, 0], [1, 'a', 60, 10]]);
});

test('a search sums outermost matches and says their share', () => {
  const t = fromJson(plain);
  assert.equal(search(t, ''), null);
  assert.equal(search(t, 'malloc').value, 80);
  assert.equal(search(t, 'malloc').share, 0.8);
  assert.equal(search(t, '^a$|grow').value, 60);
  assert.deepEqual(search(t, 'nowhere').nodes, []);
  assert.equal(search(t, 'libc').value, 80, 'modules are searched too');
});

test('a query is a regular expression, else plain words; capitals count if there are any', () => {
  assert.ok(matcher('MALLOC')('MALLOC') && !matcher('MALLOC')('malloc') && matcher('malloc')('MALLOC'));
  assert.ok(matcher('operator new[')('operator new[](unsigned long)'));
  assert.equal(matcher(''), null);
});

test('the table sums what functions hold themselves, and with callees once', () => {
  const rows = Object.fromEntries(table(fromJson(plain)).map((r) => [r.name, [r.flat, r.cum]]));
  assert.deepEqual(rows, { malloc: [75, 80], a: [10, 60], grow: [5, 20], main: [0, 100], b: [0, 30] });
});

test('with a base, what is gone keeps its width and the table knows what was', () => {
  const t = fromJson(changed);
  assert.equal(t.weight[3], 70);
  assert.equal(t.weight[0], 170);
  assert.equal(t.x[3], 100);
  const rows = Object.fromEntries(table(t).map((r) => [r.name, [r.flat, r.baseFlat, r.cum, r.baseCum]]));
  assert.deepEqual(rows, { a: [100, 20, 100, 20], main: [0, 0, 100, 90], b: [0, 70, 0, 70] });
  assert.deepEqual(callers(t, 2).base[0], 70);
});

test('modules are ranked by what their functions hold themselves', () => {
  assert.deepEqual(modules(fromJson(plain)), [{ name: '/lib/libc.so.6', value: 75 }, { name: '/bin/prog', value: 15 }]);
});
