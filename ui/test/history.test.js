import assert from 'node:assert/strict';
import test from 'node:test';
import { History, rates, together } from '../src/history.js';

const names = ['ms', 'heap_inuse', 'heap_mapped', 'heap_released', 'live_bytes', 'allocs', 'frees', 'alloc_bytes', 'free_bytes',
  'rss', 'threads', 'minor_faults', 'major_faults', 'cpu_ns', 'limit', 'live_peak'];
const START = 1_700_000_000_000;

const point = (ms, values = {}) => names.map((n) => (n === 'ms' ? START + ms : values[n] || 0));
const process = (points, more = {}) => ({
  pid: 7, start_ms: START, now_ms: START + 60000, live: true, oldest_ms: 0, names, points, marks: [], ...more });
const answer = (...processes) => ({ v: 1, more: 0, processes });

test('the states of the heap are layers, one in the other', () => {
  const h = new History('seconds');
  h.add(answer(process([point(1000, { heap_inuse: 60, heap_mapped: 100, heap_released: 15, live_bytes: 50 })], { now_ms: START + 1000 })));
  const v = h.view();
  assert.deepEqual([v.live, v.inuse, v.kept, v.mapped].map(([n]) => n), [50, 60, 85, 100]);
});

test('of the collector there are levels, rates and what it told last', () => {
  const with_gc = [...names, 'gc_cycles', 'gc_stopped_ns', 'gc_cpu_ns', 'gc_live', 'gc_goal'];
  const at = (ms, ...gc) => [...point(ms), ...gc];
  const h = new History('seconds');
  h.add(answer(process([at(1000, 1, 1e6, 2e6, 50, 100), at(2000, 4, 21e6, 42e6, 60, 0)],
    { names: with_gc, now_ms: START + 2000, collector: { cycles: 4 }, pools: [{ name: 'p', hits: 3 }] })));
  const v = h.view();
  assert.deepEqual([v.gcLive, v.gcGoal, v.gcCycles, v.gcStopped, v.gcCpu],
    [[50, 60], [100, null], [null, 3], [null, 0.02], [null, 0.04]]);
  assert.deepEqual(v.collectors, [{ cycles: 4 }]);
  assert.deepEqual(v.pools, [{ name: 'p', hits: 3, pid: 7 }]);
});

test('a program without a collector, or of an older Weir, has none', () => {
  const h = new History('seconds');
  h.add(answer(process([point(1000)])));
  assert.deepEqual([h.view().collectors, h.view().pools, h.view().gcLive], [[], [], [0]]);
});

test('counters that lag do not turn layers inside out', () => {
  const h = new History('seconds');
  h.add(answer(process([point(1000, { heap_inuse: 40, heap_mapped: 45, heap_released: 9, live_bytes: 50 })], { now_ms: START + 1000 })));
  const v = h.view();
  assert.ok(v.live[0] <= v.inuse[0] && v.inuse[0] <= v.kept[0] && v.kept[0] <= v.mapped[0]);
});

test('a gap means that nothing happened: levels are held, rates are nothing', () => {
  const h = new History('seconds');
  h.add(answer(process([
    point(1000, { live_bytes: 10, alloc_bytes: 100 }), point(2000, { live_bytes: 20, alloc_bytes: 200 }),
    point(10000, { live_bytes: 90, alloc_bytes: 700 })], { now_ms: START + 10000 })));
  const v = h.view();
  assert.deepEqual(v.t.map((t) => t - START / 1000), [1, 2, 9, 10]);
  assert.deepEqual(v.live, [10, 20, 20, 90]);
  assert.deepEqual(v.allocBytes, [null, 100, 0, 500]);
});

test('what is running goes on to now, what ended does not', () => {
  const h = new History('seconds');
  h.add(answer(process([point(1000, { live_bytes: 10 })], { now: point(60000, { live_bytes: 30 }) })));
  assert.deepEqual(h.view().t.map((t) => t - START / 1000), [1, 59, 60]);
  assert.deepEqual(h.view().live, [10, 10, 30]);
  const ended = new History('seconds');
  ended.add(answer(process([point(1000, { live_bytes: 10 })], { live: false })));
  assert.equal(ended.view().t.at(-1), START / 1000 + 1);
});

test('one that rested from its first second on is shown as it is', () => {
  const h = new History('seconds');
  h.add(answer(process([], { now: point(60000, { live_bytes: 30 }) })));
  assert.deepEqual(h.view().t.map((t) => t - START / 1000), [1, 59, 60]);
  assert.deepEqual(h.view().live, [30, 30, 30]);
  h.add(answer(process([], { now: point(61000, { live_bytes: 30 }), now_ms: START + 61000 })));
  assert.equal(h.view().t.length, 3, 'this moment is one point, not one for each question');
});

test('this moment waits until a step is over', () => {
  const h = new History('seconds');
  h.add(answer(process([point(1000), point(2000)], { now: point(2100, { allocs: 500 }), now_ms: START + 2100 })));
  assert.equal(h.view().t.length, 2);
});

test('work that needs no heap is spread over a gap', () => {
  const h = new History('seconds');
  h.add(answer(process([point(1000, { cpu_ns: 0, allocs: 0 }), point(11000, { cpu_ns: 5e9, allocs: 70 })], { now_ms: START + 11000 })));
  const v = h.view();
  assert.deepEqual(v.cpu.map((c) => c && Number(c.toFixed(3))), [null, 0.5, 0.5]);
  assert.deepEqual(v.allocs, [null, 0, 70]);
});

test('answers are joined; a point that is told again is taken anew', () => {
  const h = new History('minutes');
  assert.equal(h.since, 0);
  h.add(answer(process([point(60000, { rss: 1 }), point(120000, { rss: 2 })], { now_ms: START + 150000 })));
  assert.equal(h.since, START + 30000);
  h.add(answer(process([point(120000, { rss: 3 }), point(180000, { rss: 4 })], { now_ms: START + 180000 })));
  assert.deepEqual(h.view().rss, [1, 3, 4]);
});

test('what is older than the span is dropped', () => {
  const h = new History('seconds');
  h.add(answer(process(Array.from({ length: 700 }, (_, i) => point(1000 * (i + 1), { live_bytes: i })), { now_ms: START + 700000 })));
  assert.ok(h.view().t[0] >= START / 1000 + 99);
});

test('several processes are summed, each from its first point on', () => {
  const sum = together([[[1000, 5], [2000, 6], [4000, 7]], [[3000, 10]]].map((l) => l.map(([ms, v]) => [ms, ...new Array(15).fill(v)])), 1000);
  assert.deepEqual(sum.map((p) => [p[0], p[1]]), [[1000, 5], [2000, 6], [3000, 16], [4000, 17]]);
});

test('a process that is not told of any more is forgotten', () => {
  const h = new History('seconds');
  h.add(answer(process([point(1000, { rss: 5 })]), process([point(1000, { rss: 7 })], { pid: 8 })));
  assert.equal(h.view().rss.at(-1), 12);
  h.add(answer(process([], { pid: 8 })));
  assert.equal(h.view().rss.at(-1), 7);
});

test('a rate is never negative, and unknown at first', () => {
  assert.deepEqual(rates([1, 2, 4], [10, 30, 20]), [null, 20, 0]);
});

test('one that is quiet does not make the others tell everything again', () => {
  const h = new History('seconds');
  const now = { now_ms: START + 500000 };
  h.add(answer(process([point(1000)], now), process([point(499000)], { ...now, pid: 8 })));
  assert.equal(h.since, START + 498000);
});

test('one that appears late is asked from its beginning', () => {
  const h = new History('seconds');
  h.add(answer(process([point(1000)])));
  assert.ok(h.since > 0);
  h.add(answer(process([]), process([], { pid: 8 })));
  assert.equal(h.since, 0);
  h.add(answer(process([]), process([point(2000)], { pid: 8 })));
  assert.ok(h.since > 0);
});

test('marks are kept, each once', () => {
  const h = new History('seconds');
  const fork = { ms: START + 5, kind: 'fork', value: 1, text: '' };
  h.add(answer(process([], { marks: [fork] })));
  h.add(answer(process([], { marks: [fork, { ...fork, ms: START + 3, kind: 'start' }] })));
  assert.deepEqual(h.view().marks.map((m) => [m.kind, m.pid]), [['start', 7], ['fork', 7]]);
});

test('nothing yet is an empty view', () => {
  const h = new History('seconds');
  h.add(answer());
  assert.deepEqual(h.view().t, []);
});
