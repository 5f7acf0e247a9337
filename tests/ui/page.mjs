// The page in a real browser: node page.mjs URL PICTURES PID
//
// URL is the root of a server with a process PID that has run for some seconds
// and goes on to allocate, and a child that it forked. Kills both in the end.
// Prints what it checked; ends with 1 when something is not so.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { Browser } from './browser.mjs';

const [root, pictures, pid] = process.argv.slice(2);
const browser = await Browser.start({ width: 1280, height: 900 });
const opened = Date.now();
const canvas = '.flame canvas';

const steps = [
  ['at first open the graphs hold what was before', async () => {
    await browser.scheme('light');
    await browser.open(root);
    await browser.until('document.querySelectorAll(".plot canvas").length >= 7');
    await browser.until('document.querySelector("h1").textContent === "2 processes"');
    const seconds = await browser.see(`fetch('api/history').then((r) => r.json()).then((a) => ${opened} - a.processes[0].points[0][0])`);
    assert.ok(seconds > 3000, `the first point is ${seconds} ms older than the page`);
    assert.match(await browser.see('document.querySelector(".tiles").textContent'), /Live heap\d.*iB.*RSS\d.*iB/);
    // Ink of the live heap's layer, drawn with the first answer.
    assert.ok(await browser.see(`(() => {
      const c = document.querySelector('.graph.tall canvas'), g = c.getContext('2d');
      const { data } = g.getImageData(0, 0, c.width, c.height);
      let ink = 0;
      for (let i = 0; i < data.length; i += 4) if (data[i + 3] > 200 && data[i] < 60 && data[i + 1] > 100) ink++;
      return ink;
    })()`) > 50, 'the heap is drawn');
    await browser.picture(join(pictures, 'page-light.png'));
  }],
  ['events are told', async () => {
    await browser.until('/start/.test(document.querySelector(".events ol").textContent)');
    assert.match(await browser.see('document.querySelector(".events ol").textContent'), /forked/);
  }],
  ['all running processes are added up, keys go from one to the next', async () => {
    const list = await browser.see('[...document.querySelectorAll("nav a")].map((a) => a.getAttribute("href")).join(" ")');
    assert.match(list, new RegExp(`^/ /pid/${pid}/ /pid/\\d+/$`));
    assert.equal(await browser.see('document.querySelector("nav [aria-current]").getAttribute("href")'), '/');
    await browser.until('document.querySelector(".profile .says").textContent.includes("held")');
    const child = list.split(' ')[2];
    await browser.key('j');
    await browser.key('j');
    await browser.until(`location.pathname === '${child}'`);
    await browser.until('document.querySelector(".status").textContent.includes("running")');
    await browser.until('document.querySelector(".profile .table tbody").textContent.includes("child_blocks")');
    await browser.see('history.back()');
    await browser.until(`location.pathname === '/pid/${pid}/'`);
    await browser.until('document.querySelector("h1").textContent === "weir-page-prog"');
    await browser.until('document.querySelector(".profile .table tbody").textContent.includes("keep_blocks")');
  }],
  ['the profile names its functions', async () => {
    await browser.until('document.querySelector(".profile .says").textContent.includes("held")');
    await browser.press('.profile .switch:last-of-type button:last-child');
    const table = await browser.until('document.querySelector(".table tbody").innerText');
    assert.match(table, /keep_blocks/);
    await browser.press('.profile .switch:last-of-type button:first-child');
  }],
  ['a click zooms the flame graph, Escape zooms out', async () => {
    const box = await browser.place(canvas);
    await browser.click(box.x + 40, box.y + 3.5 * 20);
    await browser.until('location.hash.includes("zoom=")');
    assert.ok(await browser.see('document.querySelector(".detail strong").textContent !== "all"'));
    await browser.picture(join(pictures, 'page-zoomed.png'));
    await browser.key('Escape');
    await browser.until('!location.hash.includes("zoom=")');
  }],
  ['keys walk through the boxes, callers and sandwich follow', async () => {
    await browser.see(`document.querySelector('${canvas}').focus()`);
    await browser.key('ArrowDown');
    const first = await browser.see('document.querySelector(".detail strong").textContent');
    await browser.key('ArrowDown');
    assert.notEqual(await browser.see('document.querySelector(".detail strong").textContent'), first);
    await browser.key('c');
    await browser.until('location.hash.includes("view=callers")');
    await browser.key('s');
    await browser.until('location.hash.includes("view=sandwich")');
    await browser.key('Escape');
    await browser.until('!location.hash.includes("view=")');
  }],
  ['colours by module are explained, and it stands upside down', async () => {
    await browser.key('m');
    await browser.until('document.querySelector(".legend").textContent.includes("weir-page-prog")');
    await browser.key('i');
    await browser.until('/up=1/.test(location.hash) && /colours=module/.test(location.hash)');
    await browser.picture(join(pictures, 'page-modules.png'));
    await browser.key('i');
    await browser.key('m');
    await browser.until('!/up=|colours=/.test(location.hash)');
  }],
  ['the table sorts by its columns, and a name leads to its callers', async () => {
    const names = () => browser.see('[...document.querySelectorAll(".table tbody .link")].map((b) => b.textContent)');
    const sorted = (n) => browser.see(`document.querySelectorAll('.table th')[${n}].getAttribute('aria-sort')`);
    await browser.key('v');
    assert.equal((await names())[0], 'keep_blocks');
    assert.equal(await sorted(0), 'descending');
    await browser.press('.table th:nth-child(3) button');
    assert.equal(await sorted(2), 'ascending');
    assert.deepEqual(await names(), (await names()).sort((a, b) => a.localeCompare(b)));
    await browser.press('.table th:nth-child(1) button');
    await browser.press('.table tbody .link');
    await browser.until('/view=sandwich/.test(location.hash) && /fn=keep_blocks/.test(location.hash)');
    await browser.key('Escape');
    await browser.until('!location.hash.includes("view=")');
  }],
  ['p pauses and goes on', async () => {
    const asked = () => browser.requests.filter((u) => u.includes('/api/history')).length;
    await browser.key('p');
    await browser.until('document.querySelector(".status").textContent.includes("paused")');
    const before = asked();
    await new Promise((done) => setTimeout(done, 1500));
    assert.ok(asked() <= before + 1, 'nothing is asked meanwhile');
    await browser.key('p');
    await browser.until('!document.querySelector(".status").textContent.includes("paused")');
    assert.ok(asked() > before);
  }],
  ['a search tells the share that matches', async () => {
    await browser.key('/');
    await browser.type('keep_blocks');
    await browser.until('/matched/.test(document.querySelector(".matched").textContent)');
    await browser.key('Escape');
    await browser.until('!location.hash.includes("q=")');
  }],
  ['a click on a graph shows the profile of that moment', async () => {
    const box = await browser.place('.graph.tall .u-over');
    await browser.click(box.x + box.width - 20, box.y + 60);
    await browser.until('/at=\\d+/.test(location.hash)');
    await browser.until('/as noted at/.test(document.querySelector(".profile .says").textContent)');
    await browser.key('r');
  }],
  ['dragging over a graph shows what changed between two moments', async () => {
    const box = await browser.place('.graph.tall .u-over');
    await browser.drag(box.x + box.width * 0.75, box.y + 60, box.x + box.width - 2);
    await browser.until('/from=\\d+.*to=\\d+|to=\\d+.*from=\\d+/.test(location.hash)');
    await browser.until('/^\\+.* held: from .* to /.test(document.querySelector(".profile .says").textContent)');
    assert.ok(await browser.see('document.querySelector(".flame .legend").textContent.includes("grown")'));
    await browser.picture(join(pictures, 'page-difference.png'));
  }],
  ['d is the change of the last minute, r is now', async () => {
    await browser.key('d');
    await browser.until('location.hash.includes("last=60")');
    await browser.until('document.querySelector(".profile .says").textContent.includes("held: from")');
    await browser.key('r');
    await browser.until('!/last=|from=/.test(location.hash)');
    await browser.until('/^[^+]*held\\.$/.test(document.querySelector(".profile .says").textContent)');
  }],
  ['an address shows again what it showed', async () => {
    await browser.open(root);
    await browser.open(`${root}pid/${pid}/#show=table&span=minutes&type=alloc_space&q=keep`);
    await browser.until('document.querySelector(".profile .says").textContent.includes("allocated")');
    assert.ok(await browser.see('!document.querySelector(".table").hidden'));
    assert.equal(await browser.see('document.querySelector(".flame input").value'), 'keep');
    assert.equal(await browser.see('[...document.querySelectorAll("[aria-pressed=true]")].map((b) => b.textContent).join()'),
      'Day,Allocated,Table,Whole,Icicle,Function');
  }],
  ['dark is as the system says, and t changes it', async () => {
    const ground = () => browser.see('getComputedStyle(document.body).backgroundColor');
    const light = await ground();
    await browser.scheme('dark');
    await browser.open(root);
    await browser.until('document.querySelectorAll(".plot canvas").length >= 7');
    const dark = await ground();
    assert.notEqual(dark, light);
    await browser.until('document.querySelector(".profile .says").textContent.includes("held")');
    await browser.picture(join(pictures, 'page-dark.png'));
    await browser.key('t');
    assert.equal(await ground(), light);
    await browser.key('t');
    assert.equal(await ground(), dark);
  }],
  ['? opens the keys, Escape closes them', async () => {
    await browser.key('?');
    assert.ok(await browser.see('document.querySelector("dialog").open'));
    await browser.key('Escape');
    await browser.until('!document.querySelector("dialog").open');
  }],
  ['a narrow screen has no sideways scrolling', async () => {
    await browser.scheme('light');
    await browser.size(360, 740);
    await browser.open(root);
    await browser.until('document.querySelectorAll(".plot canvas").length >= 7');
    await browser.until('document.querySelector(".profile .says").textContent.includes("held")');
    assert.ok(await browser.see('document.documentElement.scrollWidth <= 360'), 'nothing is wider than the screen');
    await browser.picture(join(pictures, 'page-narrow.png'));
    await browser.size(1280, 900);
  }],
  ['every control has a name', async () => {
    assert.deepEqual(await browser.see(`[...document.querySelectorAll('button, input, select, canvas[tabindex], a[href]')]
      .filter((e) => !(e.textContent.trim() || e.getAttribute('aria-label'))).map((e) => e.outerHTML)`), []);
  }],
  ['nothing was asked of anybody else, and the console is clean', async () => {
    const own = new URL(root).origin;
    assert.deepEqual(browser.requests.filter((u) => !u.startsWith(own) && !u.startsWith('data:')), []);
    assert.ok(browser.requests.length > 10);
    assert.deepEqual(browser.problems, []);
  }],
  ['the policy forbids other addresses', async () => {
    const other = root.replace('127.0.0.1', 'localhost');
    assert.equal(await browser.see(`fetch('${other}').then(() => 'went', () => 'refused')`), 'refused');
    assert.match(browser.problems.join(), /Content Security Policy/);
  }],
  ['when the program has ended the page says so and keeps what it drew', async () => {
    process.kill(Number(pid));
    await browser.until('document.querySelector(".status.bad")?.textContent === "The server does not answer."');
    assert.ok(await browser.see('document.querySelectorAll(".plot canvas").length >= 7'));
  }],
];

let bad = 0;
try {
  for (const [says, check] of steps) {
    try {
      await check();
      console.log(`ok: ${says}`);
    } catch (error) {
      bad++;
      console.log(`FAILED: ${says}: ${error.message}`);
      await browser.picture(join(pictures, `failed-${bad}.png`)).catch(() => {});
    }
  }
} finally {
  await browser.close();
}
process.exit(bad ? 1 : 0);
