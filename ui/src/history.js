// What the graphs draw, from the points that a program wrote.
//
//     const h = new History('seconds');
//     h.add(answer);              // of api/history, again and again
//     const view = h.view(now);   // columns over time, ready to draw
//
// A point counts from the program's start; a gap between points means that
// nothing happened to the heap. So before a point that follows a gap the one
// before it is held, and a rate is then the change within the last step and
// nothing before. The newest point is of this moment and replaced each time.
// Times are milliseconds since 1970 here, seconds in a view.

export const SPANS = {
  seconds: { step: 1000, length: 600e3, least: 30e3 },
  minutes: { step: 60e3, length: 86400e3, least: 900e3 },
};

const FIELDS = ['heap_inuse', 'heap_mapped', 'heap_released', 'live_bytes', 'allocs', 'frees', 'alloc_bytes',
  'free_bytes', 'rss', 'threads', 'minor_faults', 'major_faults', 'cpu_ns', 'limit', 'live_peak',
  'gc_cycles', 'gc_stopped_ns', 'gc_cpu_ns', 'gc_live', 'gc_goal'];

// What goes on where the heap rests: spread over a gap, not all at its end.
const STEADY = new Set(['cpu_ns', 'minor_faults', 'major_faults']);

/** One process's points as they come, the oldest dropped. */
class Track {
  constructor(process) {
    this.pid = process.pid;
    this.start = process.start_ms;
    this.points = []; // [ms, ...FIELDS]
    this.marks = new Map(); // by what makes them one
  }

  add(process, length) {
    const at = ['ms', ...FIELDS].map((name) => process.names.indexOf(name));
    for (const raw of process.points) {
      const p = at.map((i) => (i < 0 ? 0 : raw[i]));
      // The newest minute is told again until it is over.
      while (this.points.length && this.points[this.points.length - 1][0] >= p[0]) this.points.pop();
      this.points.push(p);
    }
    this.live = process.live;
    this.now = process.now_ms;
    this.newest = process.now ? at.map((i) => (i < 0 ? 0 : process.now[i])) : null;
    this.oldest = process.oldest_ms || 0;
    this.collector = process.collector || null;
    this.pools = process.pools || [];
    for (const m of process.marks) this.marks.set(`${m.ms} ${m.kind} ${m.value} ${m.text}`, { ...m, pid: this.pid });
    const from = process.now_ms - length;
    while (this.points.length > 1 && this.points[1][0] < from) this.points.shift();
  }

  /** The points with what gaps hide put in between, up to now. */
  held(step) {
    const { newest, points, start } = this;
    // One without a point has rested since its first second.
    const out = newest && !points.length && newest[0] > start + 2 * step ? [[start + step, ...newest.slice(1)]] : [];
    for (const p of newest ? [...points, newest] : points) {
      const last = out[out.length - 1];
      // A rate over less than a step would be noise.
      if (last && p === newest && p[0] - last[0] < step) continue;
      if (last && p[0] - last[0] > 1.5 * step) out.push(before(p, last, step));
      out.push(p);
    }
    return out;
  }
}

/** How it was a step before p, after a gap since last. */
function before(p, last, step) {
  const share = (p[0] - step - last[0]) / (p[0] - last[0]);
  return p.map((v, i) => (i === 0 ? v - step : STEADY.has(FIELDS[i - 1]) ? last[i] + (v - last[i]) * share : last[i]));
}

/** Several tracks as one: at each step the sum of what each held then. */
export function together(lists, step) {
  if (lists.length === 1) return lists[0];
  const ticks = new Set();
  for (const list of lists) for (const p of list) ticks.add(Math.round(p[0] / step));
  const at = lists.map(() => -1);
  return [...ticks].sort((a, b) => a - b).map((tick) => {
    const sum = new Array(FIELDS.length + 1).fill(0);
    sum[0] = tick * step;
    lists.forEach((list, i) => {
      while (at[i] + 1 < list.length && Math.round(list[at[i] + 1][0] / step) <= tick) at[i]++;
      if (at[i] >= 0) for (let f = 1; f < sum.length; f++) sum[f] += list[at[i]][f];
    });
    return sum;
  });
}

/** Change per second between neighbours; the first has none. */
export function rates(seconds, counts) {
  return counts.map((c, i) => {
    const dt = i ? seconds[i] - seconds[i - 1] : 0;
    return dt > 0 ? Math.max(0, c - counts[i - 1]) / dt : null;
  });
}

export class History {
  constructor(span) {
    this.span = SPANS[span];
    this.tracks = new Map();
    /** From when on to ask next; 0: everything. */
    this.since = 0;
  }

  add(answer) {
    const known = new Set();
    let since = answer.processes.length ? Infinity : 0;
    for (const process of answer.processes) {
      const key = `${process.pid}/${process.start_ms}`;
      known.add(key);
      // Of one that appears late only its end was told: ask for it again.
      const late = !this.tracks.has(key) && this.since > process.start_ms;
      if (!this.tracks.has(key)) this.tracks.set(key, new Track(process));
      this.tracks.get(key).add(process, this.span.length);
      // What is older than two steps does not change any more.
      since = Math.min(since, late ? 0 : process.now_ms - 2 * this.span.step);
    }
    this.since = Math.max(0, since);
    for (const key of this.tracks.keys()) if (!known.has(key)) this.tracks.delete(key);
  }

  view() {
    const tracks = [...this.tracks.values()];
    const now = Math.max(0, ...tracks.map((t) => t.now));
    const points = together(tracks.map((t) => t.held(this.span.step)).filter((l) => l.length), this.span.step) || [];
    const column = (name) => points.map((p) => p[FIELDS.indexOf(name) + 1]);
    const t = points.map((p) => p[0] / 1000);
    const live = column('live_bytes');
    const inuse = column('heap_inuse').map((v, i) => Math.max(v, live[i]));
    const mapped = column('heap_mapped').map((v, i) => Math.max(v, inuse[i]));
    const released = column('heap_released').map((v, i) => Math.min(v, mapped[i] - inuse[i]));
    const end = now / 1000;
    const first = t.length ? t[0] : end;
    return {
      t, now,
      from: Math.max(end - this.span.length / 1000, Math.min(first, end - this.span.least / 1000)),
      to: end,
      live, inuse, mapped,
      kept: mapped.map((v, i) => v - released[i]),
      rss: column('rss').map((v) => v || null),
      limit: column('limit').map((v) => v || null),
      allocBytes: rates(t, column('alloc_bytes')),
      freeBytes: rates(t, column('free_bytes')),
      allocs: rates(t, column('allocs')),
      frees: rates(t, column('frees')),
      blocks: column('allocs').map((v, i) => v - points[i][FIELDS.indexOf('frees') + 1]),
      threads: column('threads'),
      minor: rates(t, column('minor_faults')),
      major: rates(t, column('major_faults')),
      cpu: rates(t, column('cpu_ns').map((v) => v / 1e9)),
      gcLive: column('gc_live'),
      gcGoal: column('gc_goal').map((v) => v || null),
      gcCycles: rates(t, column('gc_cycles')),
      gcStopped: rates(t, column('gc_stopped_ns').map((v) => v / 1e9)),
      gcCpu: rates(t, column('gc_cpu_ns').map((v) => v / 1e9)),
      collectors: tracks.map((k) => k.collector).filter(Boolean),
      pools: tracks.flatMap((k) => k.pools.map((p) => ({ ...p, pid: k.pid }))),
      marks: tracks.flatMap((k) => [...k.marks.values()]).sort((a, b) => a.ms - b.ms),
      oldest: Math.min(...tracks.map((k) => k.oldest || Infinity)),
      alive: tracks.some((k) => k.live),
    };
  }
}
