// The flame graph as a file of its own: what `weir flame` writes.

import './base.css';
import './flame.css';
import * as format from './format.js';
import * as state from './state.js';
import { h, helpWindow, switcher, writing } from './dom.js';
import { Flame, KEYS } from './flame.js';
import { FunctionTable } from './table.js';
import { themeButton, toggleTheme } from './theme.js';
import { fromJson, table } from './tree.js';

const main = document.querySelector('main');

function heading(tree) {
  const total = format.value(tree.total, tree.unit);
  const words = tree.hasBase
    ? `${tree.type}: ${total}, ${format.change(tree.total - tree.baseTotal, tree.unit)}`
    : `${tree.type}: ${total}`;
  document.title = tree.title ? `${tree.title} · Weir` : 'Weir';
  return [h('h1', null, tree.title || 'Flame graph'), h('span', { class: 'dim' }, words)];
}

function rowsOf(tree) {
  return table(tree).map((r) => ({
    name: r.name,
    where: r.file ? r.file + (r.line ? `:${r.line}` : '') : r.module,
    flat: tree.hasBase ? r.flat - r.baseFlat : r.flat,
    cum: tree.hasBase ? r.cum - r.baseCum : r.cum,
  }));
}

function start(tree) {
  const help = helpWindow('Keys', [...KEYS, ['v', 'graph or table'], ['t', 'light or dark'], ['?', 'this']]);
  let shown = 'flame';
  const tabs = switcher('Show', [['flame', 'Graph', 'as boxes (v)'], ['table', 'Table', 'as a table (v)']], (v) => show(v));
  const save = () => {
    functions.filter(flame.query);
    state.write({ ...flame.state(), show: shown === 'flame' ? '' : shown });
  };
  const flame = new Flame(main, { onchange: save });
  const functions = new FunctionTable(main, { onpick: (name) => { show('flame'); flame.showFunction(name); } });
  function show(what) {
    shown = what;
    tabs.set(what);
    flame.element.classList.toggle('as-table', what === 'table');
    functions.element.hidden = what !== 'table';
    if (what === 'flame') flame.resize();
    save();
  }
  document.querySelector('header').append(...heading(tree), h('span', { class: 'grow' }), tabs.element, themeButton(),
    h('button', { type: 'button', class: 'icon', title: 'keys (?)', 'aria-label': 'keys', onclick: () => help.showModal() }, '?'));
  document.addEventListener('keydown', (e) => {
    if (writing(e) || help.open) return;
    if (e.key === '?') help.showModal();
    else if (e.key === 't') toggleTheme();
    else if (e.key === 'v') show(shown === 'flame' ? 'table' : 'flame');
    else if (!flame.shortcut(e.key)) return;
    e.preventDefault();
  });
  const wanted = state.read(location.hash);
  functions.show(rowsOf(tree), { total: tree.total, unit: tree.unit, signed: tree.hasBase });
  flame.restore(wanted);
  flame.show(tree);
  show(wanted.show === 'table' ? 'table' : 'flame');
  flame.canvas.focus({ preventScroll: true });
}

try {
  const data = JSON.parse(document.getElementById('data').textContent);
  start(fromJson(data));
} catch (error) {
  main.append(h('p', { class: 'says', role: 'alert' },
    error instanceof SyntaxError || !error.message ? 'This file holds no profile.' : error.message));
}
