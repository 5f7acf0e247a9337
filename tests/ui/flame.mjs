// What weir flame writes, in a real browser, from a file:
//     node flame.mjs ONE.html SHARE CHANGE.html HOSTILE.html HOSTILE.svg PICTURES
//
// SHARE is the part of ONE's total, in percent, whose stacks have dict_add.
// CHANGE compares two profiles, HOSTILE has functions with HTML in their
// names. Prints what it checked; ends with 1 when something is not so.

import assert from 'node:assert/strict';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Browser } from './browser.mjs';

const [one, share, change, hostile, svg, pictures] = process.argv.slice(2);
const address = (file) => pathToFileURL(resolve(file)).href;
const browser = await Browser.start({ width: 1280, height: 900 });
const text = (selector) => browser.see(`document.querySelector('${selector}').textContent`);
const chosen = () => text('.detail strong');
const pressed = () => browser.see('[...document.querySelectorAll("[aria-pressed=true]")].map((b) => b.textContent).join()');

/** Different colours in the canvas. */
const inks = () => browser.see(`(() => {
  const c = document.querySelector('canvas'), { data } = c.getContext('2d').getImageData(0, 0, c.width, c.height);
  const seen = new Set();
  for (let i = 0; i < data.length; i += 4) seen.add(data[i] << 16 | data[i + 1] << 8 | data[i + 2]);
  return seen.size;
})()`);

const steps = [
  ['a file by itself is drawn', async () => {
    await browser.scheme('light');
    await browser.open(address(one));
    assert.match(await text('header'), /inuse_space: [\d.]+ .iB/);
    assert.ok(await inks() > 20, 'boxes have colours');
    await browser.picture(join(pictures, 'flame.png'));
  }],
  ['a click makes a box as wide as the window, Escape goes back', async () => {
    const box = await browser.place('canvas');
    await browser.click(box.x + 30, box.y + 3.5 * 20);
    const name = await chosen();
    assert.notEqual(name, 'all');
    await browser.until('location.hash.includes("zoom=")');
    await browser.click(box.x + box.width - 30, box.y + 3.5 * 20);
    assert.equal(await chosen(), name, 'the same box at the other edge');
    await browser.picture(join(pictures, 'flame-zoomed.png'));
    await browser.key('Escape');
    await browser.until('!location.hash.includes("zoom=")');
  }],
  ['a search tells the share that weir itself counts', async () => {
    await browser.key('/');
    await browser.type('dict_add');
    await browser.until('/matched/.test(document.querySelector(".matched").textContent)');
    const told = parseFloat(await text('.matched'));
    assert.ok(Math.abs(told - Number(share)) <= 0.1, `${told}%, not ${share}%`);
    await browser.key('Escape');
    await browser.until('!document.querySelector(".matched").textContent');
  }],
  ['keys move, turn, colour and show callers', async () => {
    await browser.see('document.querySelector("canvas").focus()');
    await browser.key('ArrowDown');
    await browser.key('ArrowDown');
    assert.notEqual(await chosen(), 'all');
    await browser.key('i');
    await browser.key('m');
    assert.equal(await pressed(), 'Graph,Whole,Flame,Module');
    await browser.key('c');
    assert.equal(await pressed(), 'Graph,Callers,Flame,Module');
    await browser.key('v');
    assert.match(await pressed(), /^Table/);
    assert.match(await browser.see('document.querySelector("tbody").innerText'), /dict_add/);
    await browser.key('v');
    await browser.key('Escape');
  }],
  ['a difference has its colours and both sums', async () => {
    await browser.open(address(change));
    assert.match(await text('header'), /compared with .*inuse_space: [\d.]+ .iB, [+−-][\d.]+ .iB/);
    assert.equal(await pressed(), 'Graph,Whole,Icicle,Change');
    assert.match(await text('.legend'), /gone.*grown.*new/);
    await browser.picture(join(pictures, 'flame-change.png'));
  }],
  ['it is dark where the system is', async () => {
    await browser.scheme('dark');
    await browser.open(address(change));
    assert.ok(await browser.see('getComputedStyle(document.body).backgroundColor.match(/\\d+/g).every((n) => n < 80)'));
    await browser.picture(join(pictures, 'flame-dark.png'));
    await browser.scheme('light');
  }],
  ['it fits a telephone', async () => {
    await browser.size(360, 740);
    await browser.open(address(one));
    assert.ok(await browser.see('document.documentElement.scrollWidth <= 360'), 'nothing is wider than the screen');
    await browser.size(1280, 900);
  }],
  ['names are text and nothing else', async () => {
    for (const file of [hostile, svg]) {
      await browser.open(address(file));
      assert.ok(!(await browser.see('document.title')).includes('pwned'), file);
      assert.ok((await browser.see('document.documentElement.textContent')).includes('pwned'), file);
    }
  }],
  ['nothing was asked of anybody, and the console is clean', async () => {
    assert.deepEqual(browser.requests.filter((u) => !/^(file|data):/.test(u)), []);
    assert.deepEqual(browser.problems, []);
  }],
];

let bad = 0;
for (const [says, check] of steps) {
  try {
    await check();
    console.log(`ok: ${says}`);
  } catch (error) {
    bad++;
    console.log(`FAILED: ${says}: ${error.message}`);
    await browser.picture(join(pictures, `flame-failed-${bad}.png`)).catch(() => {});
  }
}
await browser.close();
process.exit(bad ? 1 : 0);
