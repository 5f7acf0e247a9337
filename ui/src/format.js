// Numbers as people read them. Bytes are in powers of 1024 and say so.

const IEC = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
const SI = ['', 'k', 'M', 'G', 'T'];

function scaled(value, step, units, gap) {
  const size = Math.abs(value);
  let i = 0;
  let v = size;
  while (v >= step && i < units.length - 1) {
    v /= step;
    i++;
  }
  if (v >= step - 0.5 && i > 0 && i < units.length - 1) {
    v /= step;
    i++;
  }
  const digits = i === 0 || v >= 100 ? 0 : v >= 10 ? 1 : 2;
  const unit = units[i];
  return (value < 0 ? '\u2212' : '') + v.toFixed(i === 0 && v % 1 ? 1 : digits) + (unit ? gap + unit : '');
}

export const bytes = (v) => scaled(v, 1024, IEC, ' ');
export const count = (v) => scaled(v, 1000, SI, '\u2009');

export function nanoseconds(v) {
  const size = Math.abs(v);
  if (size >= 1e9) return `${(v / 1e9).toFixed(2)} s`;
  if (size >= 1e6) return `${(v / 1e6).toFixed(2)} ms`;
  if (size >= 1e3) return `${(v / 1e3).toFixed(2)} µs`;
  return `${v} ns`;
}

/** A value of a profile, by the unit that the profile names. */
export function value(v, unit) {
  if (unit === 'bytes') return bytes(v);
  if (unit === 'nanoseconds') return nanoseconds(v);
  return count(v);
}

/** The same with its sign, for differences. */
export function change(v, unit) {
  return v > 0 ? `+${value(v, unit)}` : value(v, unit);
}

export function percent(share) {
  const p = share * 100;
  if (!Number.isFinite(p)) return '';
  const size = Math.abs(p);
  return `${p.toFixed(size >= 99.95 || size === 0 ? 0 : size >= 10 ? 1 : 2)}%`;
}

/** "2d 3h", "4m 05s": at most two parts. */
export function duration(seconds) {
  const s = Math.max(0, Math.round(seconds));
  const two = (n) => String(n).padStart(2, '0');
  if (s < 60) return `${s}s`;
  if (s < 3600) return `${Math.floor(s / 60)}m ${two(s % 60)}s`;
  if (s < 86400) return `${Math.floor(s / 3600)}h ${two(Math.floor(s / 60) % 60)}m`;
  return `${Math.floor(s / 86400)}d ${Math.floor(s / 3600) % 24}h`;
}
