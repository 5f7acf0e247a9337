// The state of a page as the fragment of its address, so that a link shows
// what its sender saw: #view=callers&fn=main

/** As plain strings. */
export function read(hash) {
  return Object.fromEntries(new URLSearchParams(hash.replace(/^#/, '')));
}

export function text(state) {
  const q = new URLSearchParams();
  for (const [key, value] of Object.entries(state)) if (value !== undefined && value !== '') q.set(key, value);
  const s = q.toString();
  return s ? `#${s}` : '';
}

/** Without a step in the history: a state is no place. */
export function write(state) {
  const to = location.pathname + location.search + text(state);
  try {
    history.replaceState(null, '', to);
  } catch { /* some browsers refuse that in a file */ }
}
