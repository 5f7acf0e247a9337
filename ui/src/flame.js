// The flame graph: a toolbar, a line about the chosen function, and a canvas.
//
//     const flame = new Flame(element, { onchange: () => save(flame.state()) });
//     flame.show(tree);
//     flame.restore({ view: 'callers', fn: 'malloc' });
//
// Views are lists of panels. A panel draws one tree, downwards (an icicle) or
// upwards (a flame), through a window [from, to] on the root's weight: zooming
// is moving that window, so the callers of the chosen box stay in sight.

import * as colour from './colour.js';
import * as format from './format.js';
import { copy, h, switcher } from './dom.js';
import { isDark, onTheme } from './theme.js';
import { OTHERS, callees, callers, modules, search } from './tree.js';

const ROW = 20;
const GAP = 14; // between the panels of a sandwich
const LEAST = 0.4; // pixels: narrower boxes are not drawn
const FONT = '11.5px ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace';
const ZOOM_MS = 180;

const still = matchMedia('(prefers-reduced-motion: reduce)');

export const KEYS = [
  ['↑ ↓ ← →', 'move through the boxes'],
  ['Enter', 'zoom to the box'],
  ['Backspace', 'zoom out one step'],
  ['Esc', 'zoom out, back to the whole'],
  ['c', 'who calls this function'],
  ['s', 'sandwich: its callers and what it calls'],
  ['i', 'upside down: flame or icicle'],
  ['m', 'colour by module, by function, by change'],
  ['/', 'search; n and N go from match to match'],
];

export class Flame {
  constructor(parent, { onchange = () => {}, onselect = () => {} } = {}) {
    this.onchange = onchange;
    this.onselect = onselect;
    this.tree = null;
    this.view = 'whole';
    this.fn = -1;
    this.up = false;
    this.colours = 'function';
    this.query = '';
    this.panels = [];
    this.chosen = null; // {panel, node}
    this.build(parent);
    new ResizeObserver(() => this.resize()).observe(this.scroller);
    onTheme(() => {
      this.showLegend();
      this.draw();
    });
  }

  // --- Elements ------------------------------------------------------------

  build(parent) {
    this.search = h('input', {
      type: 'search', placeholder: 'Search', 'aria-label': 'Search functions, files and modules',
      spellcheck: 'false', oninput: () => this.setQuery(this.search.value),
      onkeydown: (e) => this.searchKey(e),
    });
    this.matched = h('output', { class: 'matched', 'aria-live': 'polite' });
    this.views = switcher('View', [
      ['whole', 'Whole', 'the whole tree'],
      ['callers', 'Callers', 'who calls the chosen function (c)'],
      ['sandwich', 'Sandwich', 'its callers above, what it calls below (s)'],
    ], (v) => this.setView(v));
    this.directions = switcher('Direction', [
      [false, 'Icicle', 'the root on top (i)'], [true, 'Flame', 'the root at the bottom (i)'],
    ], (up) => this.setUp(up));
    this.palette = switcher('Colours', [
      ['function', 'Function', 'a colour for each function (m)'],
      ['module', 'Module', 'a colour for each module (m)'],
      ['change', 'Change', 'red has grown, blue has shrunk (m)'],
    ], (c) => this.setColours(c));
    this.detail = h('div', { class: 'detail', 'aria-live': 'polite', id: 'flame-detail' });
    this.canvas = h('canvas', {
      tabindex: '0', role: 'application', 'aria-roledescription': 'flame graph',
      'aria-label': 'Flame graph. Arrow keys move, Enter zooms.', 'aria-describedby': 'flame-detail',
    });
    this.scroller = h('div', { class: 'flame-scroll' }, this.canvas);
    this.legend = h('div', { class: 'legend' });
    this.tip = h('div', { class: 'tip', role: 'tooltip', hidden: true });
    this.element = h('section', { class: 'flame', 'aria-label': 'Flame graph' },
      h('div', { class: 'bar' }, this.search, this.matched, h('span', { class: 'grow' }),
        this.views.element, this.directions.element, this.palette.element),
      this.detail, this.scroller, this.legend, this.tip);
    parent.append(this.element);
    this.context = this.canvas.getContext('2d');
    this.listen();
  }

  listen() {
    const c = this.canvas;
    c.addEventListener('pointermove', (e) => { if (e.pointerType === 'mouse') this.hover(e); });
    c.addEventListener('pointerleave', () => this.hideTip());
    c.addEventListener('click', (e) => {
      const hit = this.at(e);
      if (hit) this.choose(hit, true);
    });
    c.addEventListener('keydown', (e) => this.key(e));
    c.addEventListener('focus', () => this.draw());
    c.addEventListener('blur', () => this.draw());
  }

  // --- What is shown -------------------------------------------------------

  /** Draw another tree; what was chosen and zoomed to is found again by name. */
  show(tree) {
    const before = this.tree ? this.state() : null;
    const pending = this.pending;
    this.tree = tree;
    this.ranks = new Map(modules(tree).map((m, i) => [m.name, i]));
    this.palette.show('change', tree.hasBase);
    if (tree.hasBase) this.colours = 'change';
    else if (this.colours === 'change') this.colours = 'function';
    this.pending = null;
    this.restore(pending || before || {});
  }

  /** What a URL should hold, as plain strings; only what is not as usual. */
  state() {
    const s = {};
    if (this.view !== 'whole' && this.fn >= 0) {
      s.view = this.view;
      s.fn = this.tree.functions[this.fn].name;
    }
    if (this.up) s.up = '1';
    if (this.tree && this.colours !== (this.tree.hasBase ? 'change' : 'function')) s.colours = this.colours;
    if (this.query) s.q = this.query;
    const first = this.panels[0];
    if (first && first.zoom > 0)
      s.zoom = first.tree.path(first.zoom).slice(1).map((n) => first.tree.name(n)).join(';');
    return s;
  }

  restore(s) {
    if (!this.tree) {
      this.pending = s;
      return;
    }
    const fn = s.fn ? this.tree.functions.findIndex((f) => f.name === s.fn) : -1;
    this.up = s.up === '1';
    if (s.colours && (s.colours !== 'change' || this.tree.hasBase)) this.colours = s.colours;
    this.query = s.q || '';
    this.search.value = this.query;
    this.fn = fn;
    this.view = fn >= 0 && (s.view === 'callers' || s.view === 'sandwich') ? s.view : 'whole';
    this.rebuild();
    if (s.zoom) {
      const panel = this.panels[0];
      this.zoomTo({ panel, node: panel.tree.find(s.zoom.split(';')) }, false);
    }
  }

  rebuild() {
    const panel = (tree, up) => ({ tree, up, zoom: 0, window: [0, tree.weight[0] || 1], found: search(tree, this.query) });
    if (this.view === 'whole') this.panels = [panel(this.tree, this.up)];
    else if (this.view === 'callers') this.panels = [panel(callers(this.tree, this.fn), this.up)];
    else this.panels = [panel(callers(this.tree, this.fn), true), panel(callees(this.tree, this.fn), false)];
    this.chosen = { panel: this.panels[0], node: 0 };
    this.views.set(this.view);
    this.directions.set(this.up);
    this.directions.element.hidden = this.view === 'sandwich';
    this.palette.set(this.colours);
    this.showMatched();
    this.showLegend();
    this.showDetail();
    this.resize();
    if (this.panels[0].up) this.scroller.scrollTop = this.scroller.scrollHeight;
  }

  setView(view) {
    if (view !== 'whole' && this.fn < 0) {
      this.say('Choose a function first: click on its box, or search for it.');
      return;
    }
    this.view = view;
    this.rebuild();
    this.onchange();
  }

  /** From outside, by name: the table's rows do this. */
  showFunction(name, view = 'sandwich') {
    const fn = this.tree.functions.findIndex((f) => f.name === name);
    if (fn < 0) {
      this.setQuery(name);
      return;
    }
    this.fn = fn;
    this.setView(view);
  }

  setUp(up) {
    this.up = up;
    const zoomed = this.panels[0].zoom; // the same trees are made again
    this.rebuild();
    if (zoomed > 0) this.zoomTo({ panel: this.panels[0], node: zoomed }, false);
    this.onchange();
  }

  setColours(colours) {
    this.colours = colours;
    this.palette.set(colours);
    this.showLegend();
    this.draw();
    this.onchange();
  }

  setQuery(query) {
    this.query = query;
    this.search.value = query;
    for (const p of this.panels) p.found = search(p.tree, query);
    this.showMatched();
    this.draw();
    this.onchange();
  }

  // --- Words ---------------------------------------------------------------

  showMatched() {
    const found = this.panels[0] && this.panels[0].found;
    if (!found) this.matched.textContent = '';
    else if (!found.nodes.length) this.matched.textContent = 'no match';
    else {
      this.matched.textContent =
        `${format.percent(found.share)} matched, ${format.value(found.value, this.tree.unit)}`;
    }
  }

  showLegend() {
    const dark = isDark();
    const dot = (c, text) => h('span', null, h('i', { 'data-colour': c }), text);
    let items = [];
    if (this.colours === 'module') {
      const largest = [...this.ranks.keys()].slice(0, 8);
      items = largest.map((m, i) => dot(colour.ofModule(i, dark), m.split('/').pop() || 'no module'));
    } else if (this.colours === 'change') {
      items = [[-1, 'gone'], [-0.3, 'shrunk'], [0, 'as before'], [0.3, 'grown'], [1, 'new']]
        .map(([c, text]) => dot(colour.ofChange(c, dark), text));
    }
    this.legend.replaceChildren(...items);
    // Not as a style attribute: the page's policy allows none.
    for (const i of this.legend.querySelectorAll('i')) i.style.background = i.dataset.colour;
  }

  say(text) {
    this.detail.replaceChildren(h('span', { class: 'says' }, text));
  }

  facts({ panel, node }) {
    const { tree } = panel;
    const fn = tree.fn[node];
    const f = fn >= 0 ? tree.functions[fn] : null;
    const v = tree.value[node];
    const facts = {
      name: tree.name(node), f,
      where: f && f.file ? f.file + (f.line ? `:${f.line}` : '') : '',
      module: f ? f.module : '',
      value: `${format.value(v, tree.unit)}${tree.total ? ` (${format.percent(v / tree.total)})` : ''}`,
      self: tree.self[node] ? format.value(tree.self[node], tree.unit) : '',
      change: '',
    };
    if (tree.base) {
      const was = tree.base[node];
      const share = was ? `, ${v >= was ? '+' : ''}${format.percent((v - was) / was)}` : v ? ', new' : '';
      facts.change = `${format.change(v - was, tree.unit)}${share}; it was ${format.value(was, tree.unit)}`;
    }
    return facts;
  }

  showDetail() {
    const { panel, node } = this.chosen;
    const d = this.facts(this.chosen);
    const button = (text, key, act) =>
      h('button', { type: 'button', class: 'quiet', title: `${text} (${key})`, onclick: act }, text);
    const parts = [h('strong', null, d.name), h('span', { class: 'value' }, d.value)];
    if (d.self && panel.tree.self[node] !== panel.tree.value[node]) parts.push(h('span', null, `itself ${d.self}`));
    const grown = d.change ? panel.tree.value[node] - panel.tree.base[node] : 0;
    if (d.change) parts.push(h('span', { class: grown > 0 ? 'more' : grown < 0 ? 'less' : 'dim' }, d.change));
    if (d.where) parts.push(h('span', { class: 'dim' }, d.where));
    else if (d.module) parts.push(h('span', { class: 'dim' }, d.module));
    if (d.f) {
      parts.push(h('span', { class: 'grow' }));
      if (this.view !== 'callers') parts.push(button('Callers', 'c', () => this.setView('callers')));
      if (this.view !== 'sandwich') parts.push(button('Sandwich', 's', () => this.setView('sandwich')));
      const copied = button('Copy name', 'y', async () => {
        copied.textContent = (await copy(d.name)) ? 'Copied' : 'Not allowed';
      });
      parts.push(copied);
    }
    if (panel.zoom > 0 || this.view !== 'whole')
      parts.push(button(this.view === 'whole' ? 'Zoom out' : 'Back', 'Esc', () => this.escape()));
    this.detail.replaceChildren(...parts);
    this.canvas.setAttribute('aria-label', `Flame graph, at ${d.name}, ${d.value}. Arrow keys move, Enter zooms.`);
  }

  // --- Choosing and zooming --------------------------------------------------

  choose(hit, zoom) {
    this.chosen = hit;
    const fn = hit.panel.tree.fn[hit.node];
    if (fn >= 0) this.fn = fn;
    if (zoom) this.zoomTo(hit, true);
    else this.draw();
    this.showDetail();
    this.onselect(hit);
  }

  zoomTo({ panel, node }, moving) {
    const { tree } = panel;
    panel.zoom = node;
    this.resize();
    const to = [tree.x[node], tree.x[node] + (tree.weight[node] || 1)];
    const from = [...panel.window];
    const began = performance.now();
    if (!moving || still.matches || document.hidden) {
      panel.window = to;
      this.draw();
    } else {
      const step = (now) => {
        if (panel.zoom !== node) return;
        const t = Math.min(1, (now - began) / ZOOM_MS);
        const ease = 1 - (1 - t) ** 3;
        panel.window = [0, 1].map((i) => from[i] + (to[i] - from[i]) * ease);
        this.draw();
        if (t < 1) requestAnimationFrame(step);
      };
      requestAnimationFrame(step);
    }
    this.onchange();
  }

  escape() {
    const { panel } = this.chosen;
    if (panel.zoom > 0) this.choose({ panel, node: 0 }, true);
    else if (this.view !== 'whole') this.setView('whole');
    this.canvas.focus({ preventScroll: true });
  }

  // --- Keys ----------------------------------------------------------------

  key(e) {
    if (e.ctrlKey || e.metaKey || e.altKey) return;
    const { panel } = this.chosen;
    const deeper = panel.up ? 'ArrowUp' : 'ArrowDown';
    const shallower = panel.up ? 'ArrowDown' : 'ArrowUp';
    const act = {
      [deeper]: () => this.step('child'),
      [shallower]: () => this.step('parent'),
      ArrowLeft: () => this.step('before'),
      ArrowRight: () => this.step('after'),
      Enter: () => this.choose(this.chosen, true),
      ' ': () => this.choose(this.chosen, true),
      Backspace: () => this.zoomOutOnce(),
    }[e.key];
    if (!act) return;
    e.preventDefault();
    act();
  }

  /** Keys that work wherever the focus is. True: it was one. */
  shortcut(key) {
    const colours = ['function', 'module', ...(this.tree && this.tree.hasBase ? ['change'] : [])];
    const act = {
      c: () => this.setView(this.view === 'callers' ? 'whole' : 'callers'),
      s: () => this.setView(this.view === 'sandwich' ? 'whole' : 'sandwich'),
      i: () => this.setUp(!this.up),
      m: () => this.setColours(colours[(colours.indexOf(this.colours) + 1) % colours.length]),
      n: () => this.nextMatch(1),
      N: () => this.nextMatch(-1),
      '/': () => this.search.focus(),
      Escape: () => this.escape(),
    }[key];
    if (!act || !this.tree) return false;
    act();
    return true;
  }

  searchKey(e) {
    if (e.key === 'Escape') {
      if (this.query) this.setQuery('');
      this.canvas.focus({ preventScroll: true });
    } else if (e.key === 'Enter') {
      this.nextMatch(1);
      this.canvas.focus({ preventScroll: true });
    } else {
      return;
    }
    e.preventDefault();
    e.stopPropagation();
  }

  step(way) {
    const { panel, node } = this.chosen;
    const { tree } = panel;
    const parent = tree.parent[node];
    let to = -1;
    if (way === 'parent') to = parent;
    else if (way === 'child') to = this.widest(panel, node);
    else if (parent >= 0) {
      const all = [...tree.children(parent)];
      to = all[all.indexOf(node) + (way === 'after' ? 1 : -1)] ?? -1;
    }
    if (to < 0) return this.acrossPanels(way);
    if (tree.x[to] < panel.window[0] || tree.x[to] + tree.weight[to] > panel.window[1] + 1e-9)
      return this.choose({ panel, node: to }, true);
    this.choose({ panel, node: to }, false);
    this.reveal(panel, to);
  }

  widest(panel, node) {
    let best = -1;
    for (const c of panel.tree.children(node)) if (best < 0 || panel.tree.weight[c] > panel.tree.weight[best]) best = c;
    return best;
  }

  /** From the root of one half of a sandwich to that of the other. */
  acrossPanels(way) {
    const i = this.panels.indexOf(this.chosen.panel);
    if (way === 'parent' && this.panels.length > 1)
      this.choose({ panel: this.panels[1 - i], node: 0 }, false);
  }

  zoomOutOnce() {
    const { panel } = this.chosen;
    if (panel.zoom > 0) this.choose({ panel, node: panel.tree.parent[panel.zoom] }, true);
  }

  nextMatch(way) {
    const { panel, node } = this.chosen;
    const nodes = panel.found ? panel.found.nodes : [];
    if (!nodes.length) return;
    const after = nodes.findIndex((n) => n > node);
    let to;
    if (way > 0) to = after < 0 ? nodes[0] : nodes[after];
    else {
      const before = nodes.filter((n) => n < node);
      to = before.length ? before[before.length - 1] : nodes[nodes.length - 1];
    }
    this.choose({ panel, node: to }, false);
    this.reveal(panel, to);
  }

  reveal(panel, node) {
    const y = this.rowY(panel, panel.tree.depth[node]);
    const s = this.scroller;
    if (y < s.scrollTop) s.scrollTop = y - ROW;
    else if (y + ROW > s.scrollTop + s.clientHeight) s.scrollTop = y + 2 * ROW - s.clientHeight;
  }

  // --- Pointing --------------------------------------------------------------

  at(e) {
    const px = e.offsetX;
    const py = e.offsetY;
    for (const panel of this.panels) {
      if (py < panel.y || py >= panel.y + panel.height) continue;
      const row = Math.floor((py - panel.y) / ROW);
      const depth = panel.up ? panel.rows - 1 - row : row;
      const [a, b] = panel.window;
      return this.nodeAt(panel, depth, a + (px / this.width) * (b - a));
    }
    return null;
  }

  nodeAt(panel, depth, x) {
    const { tree } = panel;
    let node = 0;
    while (tree.depth[node] < depth) {
      let next = -1;
      for (const c of tree.children(node)) if (x >= tree.x[c] && x < tree.x[c] + tree.weight[c]) { next = c; break; }
      if (next < 0) return null;
      node = next;
    }
    return { panel, node };
  }

  hover(e) {
    const hit = this.at(e);
    this.canvas.style.cursor = hit ? 'pointer' : 'default';
    const same = hit && this.over && hit.node === this.over.node && hit.panel === this.over.panel;
    this.over = hit;
    if (!hit) {
      this.hideTip();
      return;
    }
    if (!same) {
      const d = this.facts(hit);
      this.tip.replaceChildren(h('strong', null, d.name), h('div', null, d.value + (d.self ? `, itself ${d.self}` : '')),
        ...[d.change, d.where, d.module].filter(Boolean).map((text) => h('div', { class: 'dim' }, text)));
      this.draw();
    }
    this.tip.hidden = false;
    const { offsetWidth: w, offsetHeight: t } = this.tip;
    this.tip.style.left = `${Math.max(4, Math.min(e.clientX + 14, innerWidth - w - 8))}px`;
    this.tip.style.top = `${e.clientY + 18 + t > innerHeight ? e.clientY - t - 10 : e.clientY + 18}px`;
  }

  hideTip() {
    this.tip.hidden = true;
    if (this.over) {
      this.over = null;
      this.draw();
    }
  }

  // --- Drawing ---------------------------------------------------------------

  resize() {
    const fromEnd = this.scroller.scrollHeight - this.scroller.scrollTop;
    let y = 0;
    this.width = this.scroller.clientWidth;
    for (const p of this.panels) {
      p.y = y;
      p.rows = this.rowsOf(p);
      p.height = p.rows * ROW;
      y += p.height + GAP;
    }
    const ratio = devicePixelRatio || 1;
    this.height = Math.max(ROW, y - GAP);
    this.canvas.style.height = `${this.height}px`;
    this.canvas.width = Math.round(this.width * ratio);
    this.canvas.height = Math.round(this.height * ratio);
    this.context.setTransform(ratio, 0, 0, ratio, 0, 0);
    if (this.panels[0] && this.panels[0].up) this.scroller.scrollTop = this.scroller.scrollHeight - fromEnd;
    this.draw();
  }

  /** As many rows as the boxes need that are wide enough to be drawn. */
  rowsOf({ tree, zoom }) {
    const least = (LEAST / (this.width || 1)) * tree.weight[zoom];
    let rows = tree.depth[zoom] + 1;
    for (let n = zoom; n < tree.end[zoom];) {
      if (tree.weight[n] < least) n = tree.end[n];
      else rows = Math.max(rows, tree.depth[n++] + 1);
    }
    return rows;
  }

  rowY(panel, depth) {
    return panel.y + (panel.up ? panel.rows - 1 - depth : depth) * ROW;
  }

  draw() {
    if (!this.panels.length || !this.width) return;
    const g = this.context;
    const dark = isDark();
    g.clearRect(0, 0, this.width, this.height);
    g.font = FONT;
    g.textBaseline = 'middle';
    this.letter = g.measureText('m').width;
    this.ink = dark ? '#f2efe9' : '#201d18';
    for (const panel of this.panels) this.drawPanel(panel, dark);
    this.outline(this.over, dark ? '#ffffffaa' : '#00000088', 1);
    if (document.activeElement === this.canvas || this.chosen.node > 0)
      this.outline(this.chosen, dark ? '#ffffff' : '#000000', 1.5);
  }

  drawPanel(panel, dark) {
    const { tree } = panel;
    const [a, b] = panel.window;
    const scale = this.width / (b - a);
    for (let n = 0; n < tree.count;) {
      const left = (tree.x[n] - a) * scale;
      const width = tree.weight[n] * scale;
      // Nothing of a subtree is wider than its top or outside its sides.
      if (width < LEAST || left >= this.width || left + width <= 0) {
        n = tree.end[n];
        continue;
      }
      const x = Math.max(0, left);
      this.box(panel, n, x, Math.min(this.width, left + width) - x, dark);
      n++;
    }
  }

  box(panel, n, x, width, dark) {
    const g = this.context;
    const { tree } = panel;
    const fn = tree.fn[n];
    const y = this.rowY(panel, tree.depth[n]);
    const faded = panel.found && !(fn >= 0 && panel.found.hit[fn]);
    g.globalAlpha = faded ? 0.28 : n !== panel.zoom && tree.end[n] > panel.zoom && n < panel.zoom ? 0.6 : 1;
    g.fillStyle = this.fill(tree, n, dark);
    g.fillRect(x, y, Math.max(width - (width > 3 ? 1 : 0), 0.4), ROW - 1);
    const room = Math.floor((width - 8) / this.letter);
    if (room >= 3) {
      const name = tree.name(n);
      const text = name.length <= room ? name : `${name.slice(0, room - 1)}…`;
      g.fillStyle = this.ink;
      g.globalAlpha = faded ? 0.55 : 1;
      g.fillText(text, x + 4, y + ROW / 2);
    }
    g.globalAlpha = 1;
  }

  fill(tree, n, dark) {
    const fn = tree.fn[n];
    if (this.colours === 'change' && tree.base && fn !== OTHERS)
      return colour.ofChange(colour.changeOf(tree.value[n], tree.base[n]), dark);
    if (fn < 0) return colour.neutral(dark);
    const f = tree.functions[fn];
    if (this.colours === 'module') return colour.ofModule(this.ranks.get(f.module) ?? -1, dark);
    return colour.ofName(f.name, dark);
  }

  outline(hit, ink, width) {
    if (!hit || !this.panels.includes(hit.panel)) return;
    const { panel, node } = hit;
    const [a, b] = panel.window;
    const scale = this.width / (b - a);
    const left = Math.max(0, (panel.tree.x[node] - a) * scale);
    const right = Math.min(this.width, (panel.tree.x[node] + panel.tree.weight[node] - a) * scale);
    if (right <= left) return;
    const g = this.context;
    g.strokeStyle = ink;
    g.lineWidth = width;
    g.strokeRect(left + width / 2, this.rowY(panel, panel.tree.depth[node]) + width / 2,
      Math.max(1, right - left - 1 - width), ROW - 1 - width);
  }
}
