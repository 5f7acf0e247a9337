// A headless Chromium, driven over a pipe by its DevTools protocol: no port,
// no library.
//
//     const browser = await Browser.start({ width: 1280, height: 900 });
//     await browser.open('http://127.0.0.1:6060/');
//     await browser.until('document.title === "x"');
//     browser.problems   // what consoles and the network had to complain of
//     await browser.close();

import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const PROGRAMS = ['chromium', 'chromium-browser', 'google-chrome'];
const PATIENCE_MS = 15000;

const pause = (ms) => new Promise((done) => setTimeout(done, ms));

export class Browser {
  static async start({ program = PROGRAMS[0], width = 1280, height = 900 } = {}) {
    const browser = new Browser();
    browser.home = mkdtempSync(join(tmpdir(), 'weir-browser-'));
    browser.child = spawn(program, [
      '--headless=new', '--remote-debugging-pipe', '--no-sandbox', '--disable-gpu', '--no-first-run',
      '--disable-dev-shm-usage', '--disable-background-networking', '--disable-component-update',
      '--disable-extensions', '--hide-scrollbars', '--mute-audio',
      `--user-data-dir=${browser.home}`, `--window-size=${width},${height}`, 'about:blank',
    ], { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] });
    browser.ended = new Promise((done) => browser.child.once('exit', done));
    browser.listen();
    const { targetInfos } = await browser.send('Target.getTargets');
    const page = targetInfos.find((t) => t.type === 'page');
    const { sessionId } = await browser.send('Target.attachToTarget', { targetId: page.targetId, flatten: true });
    browser.session = sessionId;
    for (const domain of ['Page', 'Runtime', 'Network', 'Log']) await browser.send(`${domain}.enable`);
    await browser.size(width, height);
    return browser;
  }

  constructor() {
    this.waiting = new Map();
    this.number = 0;
    this.problems = [];
    this.requests = [];
    this.loads = 0;
  }

  // --- The pipe: JSON messages, each ended by a zero byte ----------------------

  listen() {
    let rest = Buffer.alloc(0);
    this.child.stdio[4].on('data', (bytes) => {
      rest = Buffer.concat([rest, bytes]);
      for (let end; (end = rest.indexOf(0)) >= 0; rest = rest.subarray(end + 1))
        this.receive(JSON.parse(rest.subarray(0, end).toString()));
    });
  }

  send(method, params = {}) {
    const id = ++this.number;
    this.child.stdio[3].write(`${JSON.stringify({ id, method, params, sessionId: this.session })}\0`);
    return new Promise((done, fail) => {
      const timer = setTimeout(() => fail(new Error(`${method}: no answer`)), PATIENCE_MS);
      this.waiting.set(id, { done, fail, timer });
    });
  }

  receive({ id, result, error, method, params }) {
    if (id) {
      const { done, fail, timer } = this.waiting.get(id);
      clearTimeout(timer);
      this.waiting.delete(id);
      if (error) fail(new Error(error.message));
      else done(result);
    } else if (method === 'Runtime.exceptionThrown') {
      const { exception, text } = params.exceptionDetails;
      this.problems.push((exception && exception.description) || text);
    } else if (method === 'Runtime.consoleAPICalled' && ['error', 'warning', 'assert'].includes(params.type)) {
      this.problems.push(params.args.map((a) => a.value ?? a.description).join(' '));
    } else if (method === 'Log.entryAdded' && params.entry.level === 'error') {
      this.problems.push(`${params.entry.text} ${params.entry.url || ''}`);
    } else if (method === 'Network.requestWillBeSent') {
      this.requests.push(params.request.url);
    } else if (method === 'Page.loadEventFired') {
      this.loads++;
    }
  }

  // --- What a person does --------------------------------------------------------

  async open(url) {
    const loads = this.loads;
    await this.send('Page.navigate', { url });
    for (const end = Date.now() + PATIENCE_MS; this.loads === loads;) {
      if (Date.now() > end) throw new Error(`${url} does not load`);
      await pause(20);
    }
  }

  /** The value of an expression in the page. */
  async see(expression) {
    const { result, exceptionDetails } = await this.send('Runtime.evaluate', { expression, returnByValue: true, awaitPromise: true });
    if (exceptionDetails) throw new Error(`${expression}: ${exceptionDetails.exception?.description || exceptionDetails.text}`);
    return result.value;
  }

  /** Wait until it is true, and give its value. */
  async until(expression) {
    for (const end = Date.now() + PATIENCE_MS; ;) {
      const value = await this.see(expression);
      if (value) return value;
      if (Date.now() > end) throw new Error(`this does not become true: ${expression}`);
      await pause(50);
    }
  }

  async mouse(type, x, y, more = {}) {
    await this.send('Input.dispatchMouseEvent', { type, x, y, button: 'left', buttons: 1, clickCount: 1, ...more });
  }

  async click(x, y) {
    await this.mouse('mouseMoved', x, y, { button: 'none', buttons: 0 });
    await this.mouse('mousePressed', x, y);
    await this.mouse('mouseReleased', x, y);
  }

  async drag(x, y, tox) {
    await this.mouse('mouseMoved', x, y, { button: 'none', buttons: 0 });
    await this.mouse('mousePressed', x, y);
    for (let i = 1; i <= 8; i++) await this.mouse('mouseMoved', x + ((tox - x) * i) / 8, y);
    await this.mouse('mouseReleased', tox, y);
  }

  /** A key by its name: 'j', 'Enter', 'ArrowDown'. */
  async key(name) {
    const text = name.length === 1 ? name : name === 'Enter' ? '\r' : undefined;
    const number = { Enter: 13, Escape: 27 }[name];
    const key = { key: name, code: name.length === 1 ? '' : name, text, unmodifiedText: text, windowsVirtualKeyCode: number };
    await this.send('Input.dispatchKeyEvent', { type: 'keyDown', ...key });
    await this.send('Input.dispatchKeyEvent', { type: 'keyUp', ...key });
  }

  async type(text) {
    await this.send('Input.insertText', { text });
  }

  /** The middle of an element, in the window. */
  async place(selector) {
    return this.see(`(() => { const e = document.querySelector(${JSON.stringify(selector)});
      e.scrollIntoView({ block: 'center' }); const b = e.getBoundingClientRect();
      return { x: b.x, y: b.y, width: b.width, height: b.height }; })()`);
  }

  async press(selector) {
    const b = await this.place(selector);
    await this.click(b.x + b.width / 2, b.y + b.height / 2);
  }

  async size(width, height) {
    await this.send('Emulation.setDeviceMetricsOverride', { width, height, deviceScaleFactor: 1, mobile: false });
  }

  /** 'light' or 'dark', as the system would say it. */
  async scheme(value) {
    await this.send('Emulation.setEmulatedMedia', { features: [{ name: 'prefers-color-scheme', value }, { name: 'prefers-reduced-motion', value: 'reduce' }] });
  }

  async picture(path, whole = true) {
    await this.see('new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))');
    const clip = whole ? await this.see('({ x: 0, y: 0, width: innerWidth, height: Math.min(4000, document.documentElement.scrollHeight), scale: 1 })') : undefined;
    const { data } = await this.send('Page.captureScreenshot', { format: 'png', captureBeyondViewport: whole, clip });
    writeFileSync(path, Buffer.from(data, 'base64'));
  }

  async close() {
    await this.send('Browser.close').catch(() => this.child.kill('SIGKILL'));
    await Promise.race([this.ended, pause(5000)]);
    this.child.kill('SIGKILL');
    await this.ended;
    rmSync(this.home, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }
}
