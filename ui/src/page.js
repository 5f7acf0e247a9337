// The page of a server: graphs of what was and is, and the profile of any
// moment of it. Everything comes from the paths of src/serve/api.h.

import './base.css';
import './flame.css';
import './page.css';
import * as address from './state.js';
import * as format from './format.js';
import { copy, h, helpWindow, switcher, writing } from './dom.js';
import { Flame, KEYS as FLAME_KEYS } from './flame.js';
import { Graphs } from './graphs.js';
import { History } from './history.js';
import { FunctionTable } from './table.js';
import { themeButton, toggleTheme } from './theme.js';
import { fromJson } from './tree.js';
import { Processes } from './processes.js';

const POLL_MS = 1000;
const LIST_MS = 3000;

const KEYS = [
  ['j k', 'next and previous process'],
  ['1 2', 'the last ten minutes, the last day'],
  ['p', 'pause and go on'],
  ['r', 'the profile of now'],
  ['d', 'what changed in the last minute'],
  ['v', 'profile as graph or table'],
  ...FLAME_KEYS,
  ['t', 'light or dark'],
  ['?', 'this'],
];

const TYPES = [
  ['inuse_space', 'Held', 'bytes in use'],
  ['inuse_objects', 'Held blocks', 'blocks in use'],
  ['alloc_space', 'Allocated', 'bytes ever allocated'],
  ['alloc_objects', 'Allocated blocks', 'blocks ever allocated'],
];

const LASTS = [[60, 'last minute'], [300, 'last 5 minutes'], [600, 'last 10 minutes'], [3600, 'last hour'], [86400, 'last day']];

const pidOf = (path) => Number((/^\/pid\/(\d+)\//.exec(path) || [])[1] || 0);

async function ask(path) {
  const answer = await fetch(path, { headers: { Accept: 'application/json' }, cache: 'no-store' });
  if (!answer.ok) throw new Error((await answer.text()).trim() || `The server answered ${answer.status}.`);
  return answer.json();
}

class App {
  constructor() {
    this.pid = pidOf(location.pathname);
    this.set = { span: 'seconds', type: 'inuse_space', show: 'flame', moment: { kind: 'now' } };
    this.paused = false;
    this.asked = 0; // counts questions, so that late answers are left
    this.build();
    this.read();
    this.listen();
    this.poll();
    this.list();
    this.profile();
  }

  get root() {
    return this.pid ? `/pid/${this.pid}/` : '/';
  }

  // --- Elements ---------------------------------------------------------------

  build() {
    this.help = helpWindow('Keys', KEYS, 'On the graphs: a click shows the profile of that moment, dragging shows what changed between two.');
    this.status = h('span', { class: 'status', role: 'status' });
    this.spans = switcher('Time shown', [
      ['seconds', '10 minutes', 'a point each second (1)'], ['minutes', 'Day', 'a point each minute (2)'],
    ], (v) => this.setSpan(v));
    this.pauseButton = h('button', { type: 'button', title: 'pause (p)', onclick: () => this.pause() }, 'Pause');
    const helpButton = h('button', { type: 'button', class: 'icon', title: 'keys (?)', 'aria-label': 'keys', onclick: () => this.help.showModal() }, '?');
    const header = h('header', null,
      h('a', { class: 'mark', href: '/', 'aria-label': 'Weir, all processes' }, 'weir'),
      this.title = h('h1'), this.status, h('span', { class: 'grow' }),
      this.spans.element, this.pauseButton, themeButton(), helpButton);
    this.tiles = h('dl', { class: 'tiles', 'aria-label': 'Now' });
    const main = h('main', null, this.tiles);
    const nav = h('nav', { 'aria-label': 'Processes' });
    this.processes = new Processes(nav, (pid) => this.go(pid));
    this.graphs = new Graphs(main, {
      onbrush: (from, to) => this.setMoment({ kind: 'between', from: Math.round(from * 1000), to: Math.round(to * 1000) }),
      onpoint: (at) => this.setMoment({ kind: 'at', at: Math.round(at * 1000) }),
    });
    this.events = h('details', { class: 'events' }, h('summary'), h('ol'));
    this.pools = h('section', { class: 'card pools', 'aria-label': 'Pools and caches' });
    main.append(this.pools, this.events, this.buildProfile());
    document.body.append(header, h('div', { class: 'shell' }, nav, main));
  }

  buildProfile() {
    this.types = switcher('Values', TYPES, (v) => this.setType(v));
    this.shows = switcher('Show', [['flame', 'Graph', 'as boxes (v)'], ['table', 'Table', 'as a table (v)']], (v) => this.setShow(v));
    this.moments = h('select', { 'aria-label': 'Moment', title: 'of which moment; or click and drag on the graphs above', onchange: () => this.pickMoment() });
    this.again = h('button', { type: 'button', class: 'icon', title: 'take it again (r)', 'aria-label': 'take the profile again', onclick: () => this.refresh() }, '↻');
    this.says = h('p', { class: 'says', role: 'status' });
    this.card = h('section', { class: 'card profile', 'aria-label': 'Profile' },
      h('div', { class: 'bar head' }, h('h2', null, 'Profile'), this.types.element, this.moments, this.again,
        h('span', { class: 'grow' }), this.shows.element), this.says);
    this.flame = new Flame(this.card, { onchange: () => this.save() });
    this.table = new FunctionTable(this.card, { onpick: (name) => { this.setShow('flame'); this.flame.showFunction(name); } });
    this.links = h('div', { class: 'links' });
    this.card.append(this.links);
    return this.card;
  }

  // --- State --------------------------------------------------------------------

  read() {
    const s = address.read(location.hash);
    this.set.span = s.span === 'minutes' ? 'minutes' : 'seconds';
    this.set.type = TYPES.some(([t]) => t === s.type) ? s.type : 'inuse_space';
    this.set.show = s.show === 'table' ? 'table' : 'flame';
    const [at, from, to, last] = ['at', 'from', 'to', 'last'].map((k) => Number(s[k]) || 0);
    this.set.moment = from && to > from ? { kind: 'between', from, to } : at ? { kind: 'at', at }
      : last ? { kind: 'last', last } : { kind: 'now' };
    this.flame.restore(s);
    this.history = new History(this.set.span);
    this.spans.set(this.set.span);
    this.types.set(this.set.type);
    this.showMoment();
    this.setShow(this.set.show);
  }

  save() {
    if (!this.history) return;
    this.table.filter(this.flame.query);
    const { span, type, show, moment: { kind, ...when } } = this.set;
    address.write({
      span: span === 'seconds' ? '' : span, type: type === 'inuse_space' ? '' : type,
      show: show === 'flame' ? '' : show, ...when, ...(this.flame.pending || this.flame.state()),
    });
  }

  go(pid) {
    if (pid === this.pid) return;
    const { span, type, show } = this.set;
    history.pushState(null, '', (pid ? `/pid/${pid}/` : '/') + address.text({
      span: span === 'seconds' ? '' : span, type: type === 'inuse_space' ? '' : type, show: show === 'flame' ? '' : show }));
    this.arrive();
  }

  arrive() {
    this.pid = pidOf(location.pathname);
    this.read();
    this.processes.choose(this.pid);
    this.poll();
    this.list();
    this.profile();
  }

  setSpan(span) {
    this.set.span = span;
    this.spans.set(span);
    this.history = new History(span);
    this.save();
    this.poll();
  }

  setType(type) {
    this.set.type = type;
    this.types.set(type);
    this.save();
    this.profile();
  }

  setShow(show) {
    this.set.show = show;
    this.shows.set(show);
    this.flame.element.classList.toggle('as-table', show === 'table');
    this.table.element.hidden = show !== 'table';
    if (show === 'flame') this.flame.resize();
    this.save();
  }

  setMoment(moment) {
    this.set.moment = moment;
    this.showMoment();
    this.save();
    this.profile();
  }

  pickMoment() {
    const v = this.moments.value;
    if (v === 'now') this.setMoment({ kind: 'now' });
    else if (v.startsWith('last')) this.setMoment({ kind: 'last', last: Number(v.slice(4)) });
  }

  refresh() {
    if (this.set.moment.kind === 'last') this.profile();
    else this.setMoment({ kind: 'now' });
  }

  pause() {
    this.paused = !this.paused;
    this.pauseButton.textContent = this.paused ? 'Go on' : 'Pause';
    this.pauseButton.setAttribute('aria-pressed', String(this.paused));
    if (!this.paused) this.poll();
    else this.showStatus();
  }

  showMoment() {
    const { moment } = this.set;
    const time = (ms) => new Date(ms).toLocaleTimeString([], { hour12: false });
    const options = [['now', 'Now'], ...LASTS.map(([s, text]) => [`last${s}`, `Change in the ${text}`])];
    let value = moment.kind === 'last' ? `last${moment.last}` : 'now';
    if (moment.kind === 'at') options.push([(value = 'own'), `At ${time(moment.at)}`]);
    if (moment.kind === 'between') options.push([(value = 'own'), `Change ${time(moment.from)} – ${time(moment.to)}`]);
    if (moment.kind === 'last' && !options.some(([v]) => v === value)) options.push([value, `Change in the last ${format.duration(moment.last)}`]);
    this.moments.replaceChildren(...options.map(([v, text]) => h('option', { value: v }, text)));
    this.moments.value = value;
    this.graphs.choose(moment.kind === 'at' ? { at: moment.at / 1000 }
      : moment.kind === 'between' ? { from: moment.from / 1000, to: moment.to / 1000 } : null);
  }

  /** The moment as the server wants it. */
  when() {
    const { moment } = this.set;
    if (moment.kind === 'at') return { at: moment.at };
    if (moment.kind === 'between') return { from: moment.from, to: moment.to };
    if (moment.kind === 'last') return { from: `-${moment.last}s` };
    return {};
  }

  query(more) {
    const text = new URLSearchParams({ ...this.when(), ...more }).toString();
    return text ? `?${text}` : '';
  }

  // --- Asking -------------------------------------------------------------------

  async poll() {
    clearTimeout(this.pollTimer);
    const { history, pid } = this;
    try {
      const answer = await ask(`${this.root}api/history?span=${this.set.span}&since=${Math.floor(history.since)}`);
      if (history !== this.history || pid !== this.pid) return;
      history.add(answer);
      this.trouble = '';
      this.partly = answer.more ? `graphs of the first ${answer.processes.length}` : '';
      this.showHistory(history.view());
    } catch (error) {
      if (history !== this.history || pid !== this.pid) return;
      this.trouble = error instanceof TypeError ? 'The server does not answer.' : error.message;
      this.showStatus();
    }
    clearTimeout(this.pollTimer);
    if (!this.paused && !document.hidden) this.pollTimer = setTimeout(() => this.poll(), POLL_MS);
  }

  async list() {
    clearTimeout(this.listTimer);
    try {
      const answer = await ask('/api/processes');
      this.processes.show(answer, this.pid);
      this.showTitle(answer);
    } catch { /* the other questions say so */ }
    clearTimeout(this.listTimer);
    if (!document.hidden) this.listTimer = setTimeout(() => this.list(), LIST_MS);
  }

  async profile() {
    const mine = ++this.asked;
    const kind = this.set.type.startsWith('alloc') ? 'allocs' : 'heap';
    const query = this.query({ kind, type: this.set.type });
    this.card.setAttribute('aria-busy', 'true');
    try {
      const [tree, top] = await Promise.all([ask(`${this.root}api/flame${query}`), ask(`${this.root}api/top${query}`)]);
      if (mine !== this.asked) return;
      this.flame.show(fromJson(tree));
      const signed = tree.base_total !== undefined;
      this.table.show(top.rows.map(([name, flat, cum]) => ({ name, flat, cum })), { total: top.total, unit: top.unit, signed });
      this.flame.element.hidden = false;
      this.says.textContent = this.sentence(tree, top);
    } catch (error) {
      if (mine !== this.asked) return;
      this.says.textContent = error instanceof TypeError ? 'The server does not answer.' : error.message;
      this.flame.element.hidden = true;
      this.table.show([], { total: 0, unit: 'count', signed: false });
    }
    this.card.removeAttribute('aria-busy');
    this.showLinks();
  }

  // --- Showing ------------------------------------------------------------------

  sentence(tree, { at_ms: at, from_ms: from }) {
    const time = (ms) => new Date(ms).toLocaleTimeString([], { hour12: false });
    const what = { inuse_space: 'held', inuse_objects: 'blocks held', alloc_space: 'allocated', alloc_objects: 'blocks allocated' }[tree.type] || tree.type;
    const total = format.value(tree.total, tree.unit);
    if (tree.base_total === undefined)
      return `${total} ${what}${this.set.moment.kind === 'at' ? `, as noted at ${time(at)}` : ''}.`;
    return `${format.change(tree.total - tree.base_total, tree.unit)} ${what}: from ${format.value(tree.base_total, tree.unit)} (${time(from)}) to ${total} (${time(at)}).`;
  }

  showTitle({ processes, main }) {
    const running = processes.filter((p) => p.state === 'running');
    const one = processes.find((p) => p.pid === (this.pid || (running.length === 1 ? main : 0)));
    this.title.textContent = one ? one.program : this.pid ? `process ${this.pid}`
      : !processes.length ? 'no process yet' : !main ? 'nothing is running' : `${running.length} processes`;
    document.title = `${this.title.textContent} · Weir`;
    this.about = one ? `pid ${one.pid}, ${one.state}` : '';
    this.showStatus();
  }

  showStatus() {
    this.status.classList.toggle('bad', Boolean(this.trouble));
    this.status.textContent = this.trouble || [this.about, this.partly, this.paused ? 'paused' : ''].filter(Boolean).join(', ');
  }

  showHistory(view) {
    this.view = view;
    this.showStatus();
    if (view.t.length) this.graphs.show(view);
    this.graphs.element.classList.toggle('empty', view.t.length === 0);
    this.showTiles(view);
    this.showPools(view.pools);
    this.showEvents(view.marks);
  }

  showTiles(view) {
    const last = (list) => list[list.length - 1];
    const at = view.t.length - 1;
    if (at < 0) {
      this.tiles.replaceChildren(h('div', null, h('dt', null, 'History'), h('dd', null, 'none'), ));
      return;
    }
    const tile = (name, value, more, title) => h('div', { title }, h('dt', null, name), h('dd', null, value, more ? h('small', null, ` ${more}`) : null));
    const limit = last(view.limit);
    const rss = last(view.rss);
    const minute = view.t.findIndex((t) => t >= view.t[at] - 60);
    const growth = last(view.live) - view.live[Math.max(0, minute)];
    const gc = view.collectors;
    const sum = (key) => gc.reduce((n, c) => n + c[key], 0);
    const most = (key) => Math.max(0, ...gc.map((c) => c[key]));
    this.tiles.classList.toggle('seven', gc.length > 0);
    this.tiles.replaceChildren(
      tile('Live heap', format.bytes(last(view.live)), `${format.change(growth, 'bytes')} in a minute`, 'allocated and not freed'),
      tile('RSS', rss ? format.bytes(rss) : '?', limit && rss ? `${format.percent(rss / limit)} of ${format.bytes(limit)}` : '', 'resident memory'),
      tile('Allocates', `${format.bytes(last(view.allocBytes) || 0)}/s`, `${format.count(last(view.allocs) || 0)} blocks/s`),
      tile('Frees', `${format.bytes(last(view.freeBytes) || 0)}/s`, `${format.count(last(view.frees) || 0)} blocks/s`),
      tile('Live blocks', format.count(last(view.blocks)), ''),
      tile('Threads', format.count(last(view.threads)), ''),
      ...(gc.length ? [tile('Cycles', format.count(sum('cycles')),
        `stopped ${format.nanoseconds(most('last_stop_ns'))}, at most ${format.nanoseconds(most('longest_stop_ns'))}`,
        `of the collector, ${sum('forced')} of them asked for; the median stop is ${format.nanoseconds(most('median_stop_ns'))}; `
        + `${format.percent(most('cpu_share'))} of the processors\u2019 time; marked ${gc[0].marked}`)] : []));
  }

  showPools(pools) {
    this.pools.hidden = pools.length === 0;
    if (!pools.length) return;
    const several = pools.some((p) => p.pid !== pools[0].pid);
    const row = (p) => h('tr', null,
      h('th', { scope: 'row' }, p.name, h('span', { class: 'dim' }, ` ${p.kind}${several ? `, pid ${p.pid}` : ''}`)),
      ...[format.percent(p.hits / (p.hits + p.misses)), ...['hits', 'misses', 'dropped', 'expired', 'shrunk', 'items'].map((k) => format.count(p[k])),
        p.bytes === null ? '' : format.bytes(p.bytes)].map((text) => h('td', null, text)));
    this.pools.replaceChildren(h('h2', null, 'Pools and caches'), h('table', null,
      h('thead', null, h('tr', null, ...['', 'There', 'Hits', 'Misses', 'Dropped', 'Expired', 'Shrunk', 'Items', 'Bytes'].map((text) => h('th', { scope: 'col' }, text)))),
      h('tbody', null, ...pools.map(row))));
  }

  showEvents(marks) {
    const key = marks.map((m) => `${m.pid}${m.ms}${m.kind}`).join();
    if (key === this.eventsKey) return;
    this.eventsKey = key;
    const [summary, list] = this.events.children;
    summary.textContent = marks.length === 1 ? '1 event' : `${marks.length} events`;
    this.events.hidden = marks.length === 0;
    const several = marks.some((m) => m.pid !== marks[0].pid);
    list.replaceChildren(...marks.slice(-200).reverse().map((m) => {
      const text = m.text || (m.value ? (m.kind === 'peak' || m.kind === 'map failed' ? format.bytes(m.value) : String(m.value)) : '');
      return h('li', null,
        h('button', { type: 'button', class: 'link', title: 'the profile of then', onclick: () => this.setMoment({ kind: 'at', at: Math.round(m.ms) }) },
          h('time', { datetime: new Date(m.ms).toISOString() }, new Date(m.ms).toLocaleTimeString([], { hour12: false }))),
        ` ${m.kind} `, h('span', { class: 'dim' }, text), several ? h('span', { class: 'dim' }, ` pid ${m.pid}`) : null);
    }));
  }

  showLinks() {
    const kind = this.set.type.startsWith('alloc') ? 'allocs' : 'heap';
    const base = `${location.origin}${this.root}debug/pprof/`;
    const url = `${base}${kind}${this.query()}`;
    const command = (text) => {
      const button = h('button', { type: 'button', class: 'quiet', onclick: async () => {
        button.textContent = (await copy(text)) ? 'Copied' : 'Select and copy';
        setTimeout(() => { button.textContent = 'Copy'; }, 1500);
      } }, 'Copy');
      return h('div', { class: 'command' }, h('code', null, text), button);
    };
    this.links.replaceChildren(
      h('p', null, 'The same profile elsewhere: ', h('a', { href: url }, `${kind} file`), ', ',
        h('a', { href: `${base}heap?debug=1` }, 'as text'), ', ', h('a', { href: `${base}goroutine?debug=2` }, 'stacks of the threads'), ', ',
        h('a', { href: base }, 'all profiles')),
      command(`weir top '${url}'`), command(`go tool pprof -http=: '${url}'`));
  }

  // --- Keys ---------------------------------------------------------------------

  listen() {
    window.addEventListener('popstate', () => this.arrive());
    document.addEventListener('visibilitychange', () => {
      if (document.hidden) return;
      this.poll();
      this.list();
    });
    document.addEventListener('keydown', (e) => {
      if (writing(e) || this.help.open) return;
      const act = {
        '?': () => this.help.showModal(), t: toggleTheme, p: () => this.pause(), r: () => this.setMoment({ kind: 'now' }),
        1: () => this.setSpan('seconds'), 2: () => this.setSpan('minutes'), d: () => this.setMoment({ kind: 'last', last: 60 }),
        v: () => this.setShow(this.set.show === 'flame' ? 'table' : 'flame'),
        j: () => this.processes.step(1), k: () => this.processes.step(-1),
      }[e.key];
      if (act) act();
      else if (!this.flame.shortcut(e.key)) return;
      e.preventDefault();
    });
  }
}

new App();
