// The table of functions: what each holds itself (flat) and with all it calls
// (cum). Columns sort, the search of the flame graph filters it too, a click
// on a name shows its callers.
//
//     const table = new FunctionTable(element, { onpick: (name) => ... });
//     table.show(rows, { total, unit, signed: false });
//
// rows: {name, where, flat, cum}, any order. signed: they are differences.

import * as format from './format.js';
import { h } from './dom.js';
import { matcher } from './tree.js';

const MOST = 200; // rows drawn

export class FunctionTable {
  constructor(parent, { onpick = () => {} } = {}) {
    this.onpick = onpick;
    this.rows = [];
    this.by = 'flat';
    this.query = '';
    this.options = { total: 0, unit: 'count', signed: false };
    this.heads = {};
    this.body = h('tbody');
    const head = (key, text, title) => {
      const button = h('button', { type: 'button', title, onclick: () => this.sort(key) }, text);
      this.heads[key] = h('th', { scope: 'col' }, button);
      return this.heads[key];
    };
    this.note = h('p', { class: 'dim note' });
    this.element = h('section', { class: 'table', 'aria-label': 'Functions' },
      h('table', null,
        h('thead', null, h('tr', null,
          head('flat', 'flat', 'what the function holds itself'),
          head('cum', 'cum', 'with everything it calls'),
          head('name', 'function', 'by name'))),
        this.body),
      this.note);
    parent.append(this.element);
  }

  show(rows, options) {
    this.rows = rows;
    this.options = options;
    this.draw();
  }

  filter(query) {
    this.query = query;
    this.draw();
  }

  sort(by) {
    this.by = by;
    this.draw();
  }

  draw() {
    const { by } = this;
    for (const [key, th] of Object.entries(this.heads))
      th.setAttribute('aria-sort', key !== by ? 'none' : key === 'name' ? 'ascending' : 'descending');
    const test = matcher(this.query);
    const size = this.options.signed ? Math.abs : (v) => v;
    const shown = this.rows.filter((r) => !test || test(r.name) || test(r.where || ''));
    shown.sort((a, b) => (by === 'name' ? a.name.localeCompare(b.name) : size(b[by]) - size(a[by]) || size(b.cum) - size(a.cum)));
    this.body.replaceChildren(...shown.slice(0, MOST).map((r) => this.row(r)));
    this.note.textContent = shown.length > MOST ? `The first ${MOST} of ${shown.length} functions; search to see others.`
      : shown.length ? '' : 'No function to show.';
  }

  row(r) {
    const { total, unit, signed } = this.options;
    const text = (v) => (signed ? format.change(v, unit) : format.value(v, unit));
    const kind = (v) => (!signed || !v ? 'n' : v > 0 ? 'n more' : 'n less');
    const cell = (v) => h('td', { class: kind(v) }, text(v), total ? h('span', { class: 'share' }, format.percent(v / total)) : null);
    return h('tr', null, cell(r.flat), cell(r.cum),
      h('td', { class: 'name' },
        h('button', { type: 'button', class: 'link', title: 'show callers and callees', onclick: () => this.onpick(r.name) }, r.name),
        r.where ? h('span', { class: 'dim' }, ` ${r.where}`) : null));
  }
}
