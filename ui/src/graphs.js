// The graphs over time: uPlot, with the heap's states as layers, a common
// cursor, marks of events, and a brush.
//
//     const graphs = new Graphs(element, { onbrush: (from, to) => ... });
//     graphs.show(history.view());
//     graphs.choose({ from, to });      // seconds; null: nothing is chosen

import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import * as format from './format.js';
import { h } from './dom.js';
import { onTheme } from './theme.js';

const TALL = 230; // pixels
const LOW = 112;
const CLICK = 4; // pixels: what moves less is a click

const perSecond = (f) => (v) => `${f(v)}/s`;
const share = (v) => format.percent(v);
const cores = (v) => (v < 0.995 ? `${(v * 100).toFixed(v < 0.1 ? 1 : 0)}%` : `${v.toFixed(2)} cores`);

// Colours are names of CSS variables. layers: each is drawn over the one
// before, so what is seen of it is the difference, which `says` tells.
const GRAPHS = [
  {
    key: 'heap', title: 'Heap by state', format: format.bytes, tall: true,
    series: [
      { key: 'mapped', label: 'returned', colour: '--g-released', layer: true, says: (v, i) => v.mapped[i] - v.kept[i], title: 'address space whose pages were given back to the system' },
      { key: 'kept', label: 'idle', colour: '--g-idle', layer: true, says: (v, i) => v.kept[i] - v.inuse[i], title: 'free, kept for the next allocation' },
      { key: 'inuse', label: 'in spans', colour: '--g-spans', layer: true, says: (v, i) => v.inuse[i] - v.live[i], title: 'free blocks in spans that hold live ones; the system may have their pages back' },
      { key: 'live', label: 'live', colour: '--g-live', layer: true, title: 'allocated and not freed' },
      { key: 'rss', label: 'RSS', colour: '--g-rss', title: 'resident memory of the process' },
      { key: 'limit', label: 'limit', colour: '--g-limit', dash: [6, 4], title: 'what the process may have' },
    ],
  },
  {
    key: 'bytes', title: 'Bytes', format: perSecond(format.bytes),
    series: [{ key: 'allocBytes', label: 'allocated', colour: '--g-a' }, { key: 'freeBytes', label: 'freed', colour: '--g-b' }],
  },
  {
    key: 'blocks', title: 'Blocks', format: perSecond(format.count),
    series: [{ key: 'allocs', label: 'allocated', colour: '--g-a' }, { key: 'frees', label: 'freed', colour: '--g-b' }],
  },
  { key: 'livecount', title: 'Live blocks', format: format.count, series: [{ key: 'blocks', label: 'live', colour: '--g-a' }] },
  { key: 'cpu', title: 'CPU', format: cores, series: [{ key: 'cpu', label: 'used', colour: '--g-a' }] },
  { key: 'threads', title: 'Threads', format: format.count, whole: true, series: [{ key: 'threads', label: 'running', colour: '--g-a', stepped: true }] },
  {
    key: 'faults', title: 'Page faults', format: perSecond(format.count),
    series: [{ key: 'minor', label: 'minor', colour: '--g-a' }, { key: 'major', label: 'major', colour: '--g-limit' }],
  },
  // Of programs with collected memory alone.
  {
    key: 'managed', title: 'Collected heap', format: format.bytes, collector: true,
    series: [
      { key: 'gcLive', label: 'alive', colour: '--g-a', stepped: true, title: 'what the last cycle found alive' },
      { key: 'gcGoal', label: 'goal', colour: '--g-limit', dash: [6, 4], stepped: true, title: 'where the next cycle ends' },
    ],
  },
  { key: 'cycles', title: 'Cycles', format: perSecond(format.count), collector: true, series: [{ key: 'gcCycles', label: 'ended', colour: '--g-a' }] },
  {
    key: 'stopped', title: 'Collector', format: share, collector: true,
    series: [
      { key: 'gcStopped', label: 'stopped', colour: '--g-limit', title: 'how much of the time the program stood still' },
      { key: 'gcCpu', label: 'CPU', colour: '--g-b', title: 'processors\u2019 time, of one processor' },
    ],
  },
];

export const MARKS = {
  start: 'start', forked: 'forked', exit: 'exit', forks: 'fork', map_failed: 'memory refused',
  code: 'first seen', unload: 'unloaded', peak: 'new peak',
};

const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

class Graph {
  constructor(parent, spec, owner) {
    this.spec = spec;
    this.owner = owner;
    this.values = spec.series.map((s) => h('b', null, ''));
    this.key = h('span', { class: 'key' }, ...spec.series.map((s, i) => {
      const item = h('span', { title: s.title }, h('i'), `${s.label} `, this.values[i]);
      return item;
    }));
    this.host = h('div', { class: 'plot', role: 'img' });
    this.element = h('figure', { class: spec.tall ? 'graph tall' : 'graph', 'aria-label': spec.title },
      h('figcaption', null, h('span', { class: 'title' }, spec.title), this.key), this.host);
    parent.append(this.element);
  }

  options() {
    const { spec, owner } = this;
    const axis = { stroke: css('--dim'), grid: { stroke: css('--grid'), width: 1 }, ticks: { show: false }, gap: 4, font: '11px system-ui, sans-serif' };
    return {
      width: this.host.clientWidth,
      height: spec.tall ? TALL : LOW,
      padding: [8, 20, 0, 0],
      legend: { show: false },
      cursor: {
        sync: { key: 'weir' }, points: { size: 6 },
        drag: { x: true, y: false, setScale: false },
        bind: { dblclick: () => null },
      },
      scales: { x: { time: true, range: () => owner.range }, y: { range: (u, min, max) => this.rangeY(max) } },
      axes: [
        { ...axis, space: 70, size: 20, values: (u, splits) => splits.map((s) => clock(s, owner.range)) },
        {
          ...axis, size: 66, gap: 4, space: spec.tall ? 34 : 26,
          incrs: spec.whole ? [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000] : spec.format === format.bytes || spec.key === 'bytes' ? POWERS : undefined,
          values: (u, splits) => splits.map((s) => (s === 0 ? '0' : spec.format(s).replace(/\.0+(?=\D|$)/, ''))),
        },
      ],
      series: [{}, ...spec.series.map((s) => this.line(s))],
      hooks: {
        draw: [(u) => owner.drawChosen(u), (u) => owner.drawMarks(u)],
        setCursor: [(u) => this.tell(u.cursor.idx)],
        setSelect: [(u) => this.brushed(u)],
        ready: [(u) => u.over.addEventListener('click', (e) => owner.clicked(u, e))],
      },
    };
  }

  line(s) {
    const colour = css(s.colour);
    return {
      label: s.label, stroke: colour, width: s.layer ? 1 : 1.5, dash: s.dash,
      fill: s.layer ? colour : undefined, points: { show: false }, spanGaps: false,
      paths: s.stepped ? uPlot.paths.stepped({ align: 1 }) : undefined,
    };
  }

  /** From zero, with some air. */
  rangeY(max) {
    if (this.spec.key === 'cpu') return [0, Math.max(0.1, (max || 0) * 1.1)];
    return [0, max > 0 ? max * 1.08 : 1];
  }

  data(view) {
    return [view.t, ...this.spec.series.map((s) => view[s.key])];
  }

  draw(view) {
    this.view = view;
    if ((this.element.hidden = Boolean(this.spec.collector) && !view.collectors.length)) return;
    const has = this.spec.series.map((s) => view[s.key].some((v) => v !== null));
    [...this.key.children].forEach((item, i) => { item.hidden = !has[i]; });
    if (!this.plot) {
      [...this.key.querySelectorAll('i')].forEach((i, n) => { i.style.background = css(this.spec.series[n].colour); });
      this.plot = new uPlot(this.options(), this.data(view), this.host);
    } else {
      this.plot.setData(this.data(view));
    }
    this.tell(this.plot.cursor.idx);
  }

  tell(index) {
    if (!this.view) return;
    const i = index ?? this.view.t.length - 1;
    this.spec.series.forEach((s, n) => {
      const v = s.says ? s.says(this.view, i) : this.view[s.key][i];
      this.values[n].textContent = v === null || v === undefined ? '' : this.spec.format(v);
    });
    const words = [...this.key.children].filter((item) => !item.hidden).map((item) => item.textContent);
    this.host.setAttribute('aria-label', `${this.spec.title} over time: ${words.join(', ')}`);
  }

  brushed(u) {
    const { left, width } = u.select;
    if (width < CLICK) return;
    this.owner.onbrush(u.posToVal(left, 'x'), u.posToVal(left + width, 'x'));
    this.owner.dragged = performance.now();
    u.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
  }

  again() {
    if (this.plot) this.plot.destroy();
    this.plot = null;
    if (this.view) this.draw(this.view);
  }

  resize() {
    if (this.plot && this.host.clientWidth)
      this.plot.setSize({ width: this.host.clientWidth, height: this.spec.tall ? TALL : LOW });
  }
}

// Steps of an axis of bytes.
const POWERS = Array.from({ length: 50 }, (_, i) => 2 ** i);

function clock(seconds, [from, to]) {
  const d = new Date(seconds * 1000);
  const two = (n) => String(n).padStart(2, '0');
  const hm = `${two(d.getHours())}:${two(d.getMinutes())}`;
  return to - from > 900 ? hm : `${hm}:${two(d.getSeconds())}`;
}

export class Graphs {
  constructor(parent, { onbrush = () => {}, onpoint = () => {} } = {}) {
    this.onbrush = onbrush;
    this.onpoint = onpoint;
    this.range = [0, 1];
    this.chosen = null;
    this.element = h('div', { class: 'graphs' });
    parent.append(this.element);
    this.graphs = GRAPHS.map((spec) => new Graph(this.element, spec, this));
    new ResizeObserver(() => this.graphs.forEach((g) => g.resize())).observe(this.element);
    onTheme(() => this.graphs.forEach((g) => g.again()));
  }

  show(view) {
    this.view = view;
    this.range = [view.from, view.to];
    this.graphs.forEach((g) => g.draw(view));
  }

  /** {from, to} in seconds, or {at}, or null. */
  choose(chosen) {
    this.chosen = chosen;
    this.graphs.forEach((g) => g.plot && g.plot.redraw(false));
  }

  clicked(u, e) {
    if (performance.now() - (this.dragged || 0) < 300) return;
    this.onpoint(u.posToVal(e.offsetX, 'x'));
  }

  drawChosen(u) {
    if (!this.chosen) return;
    const { from, to, at } = this.chosen;
    const x = (s) => u.valToPos(s, 'x', true);
    const g = u.ctx;
    g.save();
    g.fillStyle = css('--g-chosen');
    if (at !== undefined) g.fillRect(x(at) - devicePixelRatio, u.bbox.top, 2 * devicePixelRatio, u.bbox.height);
    else {
      const left = Math.max(u.bbox.left, x(from));
      const right = Math.min(u.bbox.left + u.bbox.width, x(to));
      g.fillRect(left, u.bbox.top, Math.max(1, right - left), u.bbox.height);
    }
    g.restore();
  }

  drawMarks(u) {
    const g = u.ctx;
    const [from, to] = this.range;
    g.save();
    g.fillStyle = g.strokeStyle = css('--g-mark');
    g.setLineDash([3 * devicePixelRatio, 3 * devicePixelRatio]);
    g.lineWidth = devicePixelRatio;
    for (const m of this.view ? this.view.marks : []) {
      const s = m.ms / 1000;
      if (s < from || s > to || m.kind === 'code') continue;
      const x = Math.round(u.valToPos(s, 'x', true)) + 0.5;
      const size = 4 * devicePixelRatio;
      g.beginPath();
      g.moveTo(x, u.bbox.top + size);
      g.lineTo(x, u.bbox.top + u.bbox.height);
      g.stroke();
      g.beginPath();
      g.moveTo(x - size, u.bbox.top);
      g.lineTo(x + size, u.bbox.top);
      g.lineTo(x, u.bbox.top + size * 1.4);
      g.fill();
    }
    g.restore();
  }
}
