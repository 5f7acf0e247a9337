import assert from 'node:assert/strict';
import test from 'node:test';
import * as colour from '../src/colour.js';
import * as format from '../src/format.js';
import * as state from '../src/state.js';

test('bytes are in powers of 1024', () => {
  assert.deepEqual([0, 512, 1024, 1536, 10 * 1024, 734003200, -2048].map(format.bytes),
    ['0 B', '512 B', '1.00 KiB', '1.50 KiB', '10.0 KiB', '700 MiB', '\u22122.00 KiB']);
  assert.equal(format.bytes(1023.9 * 1024), '1.00 MiB', 'no 1024 KiB');
});

test('counts are in powers of 1000, other units are kept', () => {
  assert.deepEqual([7, 1500, 2.5e6].map(format.count), ['7', '1.50\u2009k', '2.50\u2009M']);
  assert.equal(format.value(1500000, 'nanoseconds'), '1.50 ms');
  assert.equal(format.change(2048, 'bytes'), '+2.00 KiB');
});

test('shares and durations are short', () => {
  assert.deepEqual([0, 0.0123, 0.5, 1].map(format.percent), ['0%', '1.23%', '50.0%', '100%']);
  assert.equal(format.percent(NaN), '');
  assert.deepEqual([5, 65, 3700, 90000].map(format.duration), ['5s', '1m 05s', '1h 01m', '1d 1h']);
});

test('change is from -1, gone, to 1, new', () => {
  assert.equal(colour.changeOf(0, 10), -1);
  assert.equal(colour.changeOf(10, 0), 1);
  assert.equal(colour.changeOf(10, 10), 0);
  assert.equal(colour.changeOf(0, 0), 0);
  assert.equal(colour.changeOf(20, 10), 0.5);
});

test('growth is red, shrinking blue, no change neither', () => {
  const hue = (c) => Number(/hsl\((\d+)/.exec(c)[1]);
  assert.ok(hue(colour.ofChange(0.5, false)) < 20);
  assert.ok(hue(colour.ofChange(-0.5, false)) > 200);
  assert.equal(colour.ofChange(0, true), colour.neutral(true));
  assert.notEqual(colour.ofChange(1, false), colour.ofChange(0.1, false));
});

test('a name has the same colour always, small modules share one', () => {
  assert.equal(colour.ofName('malloc', false), colour.ofName('malloc', false));
  assert.notEqual(colour.ofName('malloc', false), colour.ofName('calloc', false));
  assert.equal(colour.ofModule(99, false), colour.ofModule(-1, false));
});

test('a state survives the way through the address', () => {
  const s = { view: 'callers', fn: 'std::vector<int>::push_back(int&&)', q: 'a b&c=d#e', zoom: 'main;f;g' };
  assert.deepEqual(state.read(state.text(s)), s);
  assert.equal(state.text({ q: '', view: undefined }), '');
});
