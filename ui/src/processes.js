// The list of a run's processes. A click, or j and k, goes to another.

import * as format from './format.js';
import { h } from './dom.js';
import { matcher } from './tree.js';

const FILTER_FROM = 9; // processes
const MOST = 200; // rows drawn

export class Processes {
  constructor(parent, onpick) {
    this.onpick = onpick;
    this.pids = [];
    this.filter = h('input', { type: 'search', placeholder: 'Filter', 'aria-label': 'Filter processes', oninput: () => this.draw() });
    this.rows = h('ul');
    parent.append(h('h2', null, 'Processes'), this.filter, this.rows);
    this.filter.hidden = true;
  }

  show(answer, chosen) {
    this.answer = answer;
    this.chosen = chosen;
    this.draw();
  }

  choose(pid) {
    this.chosen = pid;
    this.draw();
  }

  step(way) {
    const i = this.pids.indexOf(this.chosen);
    const to = this.pids[i + way];
    if (to !== undefined) this.onpick(to);
  }

  draw() {
    if (!this.answer) return;
    const { processes } = this.answer;
    const test = matcher(this.filter.value);
    const shown = processes.filter((p) => !test || test(p.program) || test(String(p.pid))).slice(0, MOST);
    const running = processes.filter((p) => p.state === 'running');
    const most = Math.max(1, ...processes.map((p) => p.heap_alloc));
    this.filter.hidden = processes.length < FILTER_FROM;
    this.pids = [...(processes.length > 1 ? [0] : []), ...shown.map((p) => p.pid)];
    const focused = this.rows.contains(document.activeElement) ? document.activeElement.dataset.pid : null;
    const rows = shown.map((p) => this.row(p.pid, p.program, `${p.pid}${p.state === 'running' ? '' : `, ${p.state}`}`, p.heap_alloc, p.heap_alloc / most, p.state !== 'running'));
    if (processes.length > 1 && !test)
      rows.unshift(this.row(0, 'all running', `${running.length} of ${processes.length}`, running.reduce((sum, p) => sum + p.heap_alloc, 0), 0, false));
    this.rows.replaceChildren(...rows);
    if (focused !== null) this.rows.querySelector(`[data-pid="${focused}"]`)?.focus();
  }

  row(pid, name, about, heap, share, ended) {
    const only = this.answer.processes.length === 1 && this.chosen === 0;
    const bar = h('i', { 'aria-hidden': 'true' });
    bar.style.width = `calc((100% - 20px) * ${share.toFixed(4)})`;
    return h('li', null, h('a', {
      href: pid ? `/pid/${pid}/` : '/', class: ended ? 'ended' : '', 'data-pid': String(pid),
      'aria-current': pid === this.chosen || only ? 'page' : null,
      onclick: (e) => {
        if (e.ctrlKey || e.metaKey || e.shiftKey) return;
        e.preventDefault();
        this.onpick(pid);
      },
    }, bar, h('span', { class: 'name' }, name), h('span', { class: 'n' }, format.bytes(heap)), h('span', { class: 'dim about' }, about)));
  }
}
