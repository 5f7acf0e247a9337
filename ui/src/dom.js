// Elements in one line: h('button', { class: 'x', onclick }, 'text').

export function h(tag, props, ...children) {
  const element = document.createElement(tag);
  for (const [key, value] of Object.entries(props || {})) {
    if (value === undefined || value === null || value === false) continue;
    if (key.startsWith('on')) element.addEventListener(key.slice(2), value);
    else element.setAttribute(key, value === true ? '' : value);
  }
  element.append(...children.filter((c) => c !== null && c !== undefined));
  return element;
}

/** A row of buttons of which one is pressed. choices: [value, text, title]. */
export function switcher(label, choices, onpick) {
  const buttons = choices.map(([value, text, title]) =>
    h('button', { type: 'button', title, onclick: () => onpick(value) }, text));
  const element = h('div', { class: 'switch', role: 'group', 'aria-label': label }, ...buttons);
  return {
    element,
    set(value) {
      choices.forEach(([v], i) => buttons[i].setAttribute('aria-pressed', String(v === value)));
    },
    show(value, shown) {
      buttons[choices.findIndex(([v]) => v === value)].hidden = !shown;
    },
  };
}

/** Is somebody writing, so that letters are no commands? */
export function writing(event) {
  const t = event.target;
  return event.ctrlKey || event.metaKey || event.altKey ||
    (t instanceof HTMLElement && t.matches('input, select, textarea'));
}

/** To the clipboard; false where the browser does not let us. */
export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}

/** The window that `?` opens: keys: [[key, what it does], ...]. */
export function helpWindow(title, keys, more) {
  const close = h('button', { type: 'button', class: 'quiet', onclick: () => dialog.close() }, 'Close');
  const dialog = h('dialog', { class: 'help', 'aria-label': title },
    h('h2', null, title),
    h('dl', null, ...keys.flatMap(([key, says]) => [
      h('dt', null, ...key.split(' ').map((k) => h('kbd', null, k))), h('dd', null, says)])),
    more ? h('p', null, more) : null, close);
  dialog.addEventListener('click', (e) => { if (e.target === dialog) dialog.close(); });
  document.body.append(dialog);
  return dialog;
}
