// Colours of boxes. All are plain CSS colours for a light or a dark ground.

/** A number from 0 to 1 that only the text decides. */
export function hash(text) {
  let h = 2166136261;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 16777619);
  h ^= h >>> 15;
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  return (h >>> 0) / 4294967296;
}

const hsl = (h, s, l) => `hsl(${h.toFixed(0)} ${s.toFixed(0)}% ${l.toFixed(0)}%)`;

/** Warm, a shade per name: neighbours can be told apart. */
export function ofName(name, dark) {
  const h = hash(name);
  const shade = hash(`${name}/`) * 8;
  return dark ? hsl(12 + h * 34, 52, 33 + shade) : hsl(14 + h * 36, 86, 66 + shade);
}

// Hues far apart first; those who have eyes for fewer colours still see the
// first four as different.
const HUES = [205, 38, 150, 285, 350, 75, 180, 320, 240, 15];

/** rank: the module's place in the list of the largest. */
export function ofModule(rank, dark) {
  if (rank < 0 || rank >= HUES.length) return neutral(dark);
  return dark ? hsl(HUES[rank], 38, 34) : hsl(HUES[rank], 62, 72);
}

export const neutral = (dark) => (dark ? hsl(210, 6, 30) : hsl(210, 10, 84));

/** What was to what is: from -1 (all gone) by 0 (as before) to 1 (new). */
export function changeOf(value, base) {
  const most = Math.max(Math.abs(value), Math.abs(base));
  return most ? (value - base) / most : 0;
}

/** Red has grown, blue has shrunk: told apart also by who sees no green. */
export function ofChange(change, dark) {
  const size = Math.min(1, Math.abs(change));
  if (size < 0.005) return neutral(dark);
  const hue = change > 0 ? 6 : 212;
  const strength = Math.sqrt(size);
  return dark ? hsl(hue, 12 + 50 * strength, 31 + 9 * strength) : hsl(hue, 25 + 60 * strength, 86 - 20 * strength);
}
