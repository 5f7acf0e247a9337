// Light or dark: what the system says, until the button says otherwise.

import { h } from './dom.js';

const KEY = 'weir-theme';
const system = matchMedia('(prefers-color-scheme: dark)');
const listeners = new Set();

function stored() {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null; // a file opened by mail may have no storage
  }
}

export function isDark() {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === 'dark' : system.matches;
}

/** Called after each change. */
export function onTheme(listener) {
  listeners.add(listener);
}

function changed() {
  listeners.forEach((l) => l(isDark()));
}

export function toggleTheme() {
  const to = isDark() ? 'light' : 'dark';
  document.documentElement.dataset.theme = to;
  try {
    localStorage.setItem(KEY, to);
  } catch { /* it is kept as long as the page is open */ }
  changed();
}

export function themeButton() {
  const button = h('button', { type: 'button', class: 'icon', onclick: toggleTheme });
  const show = () => {
    const to = isDark() ? 'light' : 'dark';
    button.textContent = isDark() ? '☀' : '☾';
    button.title = `${to} colours (t)`;
    button.setAttribute('aria-label', `${to} colours`);
  };
  onTheme(show);
  show();
  return button;
}

const first = stored();
if (first === 'light' || first === 'dark') document.documentElement.dataset.theme = first;
system.addEventListener('change', changed);
