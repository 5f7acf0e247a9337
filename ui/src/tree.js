// A call tree as flat arrays in preorder, and what is asked of it: where the
// boxes lie, who calls a function, what it calls, how much a search matches.
//
//     const tree = fromJson(data);       // what weir writes, version 1
//     const up = callers(tree, fn);      // a tree again, its root is fn
//     const { share } = search(tree, 'malloc');
//
// A node is an index. end[n] is the first node behind n's subtree, so the
// children of n are n + 1, end[n + 1], ... up to end[n]. A function is an
// index of functions; ROOT and OTHERS are none. weight is what a box's width
// shows: with a base, the larger of what was and what is, so that what is
// gone can still be seen; else the value. x is where the box begins.

export const ROOT = -1;
export const OTHERS = -2;
const VERSION = 1;

export class Tree {
  constructor(head, count) {
    Object.assign(this, head);
    this.count = count;
    this.fn = new Int32Array(count);
    this.depth = new Int32Array(count);
    this.parent = new Int32Array(count);
    this.end = new Int32Array(count);
    this.value = new Float64Array(count);
    this.self = new Float64Array(count);
    this.base = head.hasBase ? new Float64Array(count) : null;
    this.weight = new Float64Array(count);
    this.x = new Float64Array(count);
    this.rows = 0;
  }

  name(n) {
    const fn = this.fn[n];
    if (fn >= 0) return this.functions[fn].name;
    return fn === OTHERS ? 'small ones' : this.rootName || 'all';
  }

  *children(n) {
    for (let c = n + 1; c < this.end[n]; c = this.end[c]) yield c;
  }

  /** From the root to n, both with it. */
  path(n) {
    const path = [];
    for (let i = n; i >= 0; i = this.parent[i]) path.unshift(i);
    return path;
  }

  /** The node that is reached by these names from the root; as far as they
   * lead, when the tree has changed. */
  find(names) {
    let at = 0;
    for (const name of names) {
      let next = -1;
      for (const c of this.children(at)) if (this.name(c) === name) { next = c; break; }
      if (next < 0) break;
      at = next;
    }
    return at;
  }
}

/** Parents, ends, weights and places, from functions, depths and values. */
function lay(tree) {
  const { count, depth, parent, end, self, base, weight, x } = tree;
  const open = [];
  for (let n = 0; n < count; n++) {
    while (open.length > depth[n]) end[open.pop()] = n;
    parent[n] = open.length ? open[open.length - 1] : -1;
    open.push(n);
    tree.rows = Math.max(tree.rows, depth[n] + 1);
  }
  while (open.length) end[open.pop()] = count;
  const selfBase = base && base.slice();
  if (base) for (let n = 1; n < count; n++) selfBase[parent[n]] -= base[n];
  for (let n = count - 1; n >= 0; n--) {
    const own = Math.abs(self[n]);
    weight[n] += base ? Math.max(own, Math.abs(selfBase[n])) : own;
    if (n > 0) weight[parent[n]] += weight[n];
  }
  const next = new Float64Array(count);
  for (let n = 1; n < count; n++) {
    x[n] = next[parent[n]];
    next[parent[n]] += weight[n];
    next[n] = x[n];
  }
  return tree;
}

/** A wrong document is answered by an Error with a sentence. */
export function fromJson(data) {
  if (!data || data.v !== VERSION || !Array.isArray(data.nodes) || !data.nodes.length)
    throw new Error('This is not a call tree that this page can read.');
  const text = (i) => data.strings[i] || '';
  const functions = data.functions.map(([name, file, module, line]) => ({
    name: text(name), file: text(file), module: text(module), line: line || 0,
  }));
  const hasBase = data.base_total !== undefined;
  const tree = new Tree({
    title: data.title || '', type: data.type || '', unit: data.unit || 'count',
    total: data.total, baseTotal: data.base_total || 0, hasBase, functions,
  }, data.nodes.length);
  data.nodes.forEach(([fn, depth, value, self, base], n) => {
    if (n > 0 && (depth < 1 || depth > tree.depth[n - 1] + 1))
      throw new Error('The call tree is damaged: a node hangs in the air.');
    tree.fn[n] = fn < functions.length ? fn : OTHERS;
    tree.depth[n] = n > 0 ? depth : 0;
    tree.value[n] = value;
    tree.self[n] = self;
    if (hasBase) tree.base[n] = base || 0;
  });
  return lay(tree);
}

// --- Trees made of trees ---------------------------------------------------

class Bud {
  constructor(fn) {
    this.fn = fn;
    this.value = this.self = this.base = 0;
    this.children = new Map();
  }

  child(fn) {
    let c = this.children.get(fn);
    if (!c) this.children.set(fn, (c = new Bud(fn)));
    return c;
  }

  add(tree, n) {
    this.value += tree.value[n];
    if (tree.base) this.base += tree.base[n];
  }
}

function grown(tree, bud, rootName) {
  const flat = [];
  const visit = (b, depth) => {
    flat.push([b, depth]);
    [...b.children.values()]
      .sort((p, q) => q.value - p.value || q.base - p.base)
      .forEach((c) => visit(c, depth + 1));
  };
  visit(bud, 0);
  const { title, type, unit, total, baseTotal, hasBase, functions } = tree;
  const out = new Tree({ title, type, unit, total, baseTotal, hasBase, functions, rootName }, flat.length);
  flat.forEach(([b, depth], n) => {
    out.fn[n] = b.fn;
    out.depth[n] = depth;
    out.value[n] = b.value;
    out.self[n] = b.self;
    if (hasBase) out.base[n] = b.base;
  });
  return lay(out);
}

/** The nodes of a function that lie in no other node of it, so that their sum
 * counts nothing twice. test(fn) says which functions are meant. */
export function outermost(tree, test) {
  const found = [];
  for (let n = 0; n < tree.count;) {
    if (tree.fn[n] >= 0 && test(tree.fn[n])) {
      found.push(n);
      n = tree.end[n];
    } else {
      n++;
    }
  }
  return found;
}

/** Who calls fn, as a tree with fn as its root and main at the leaves. */
export function callers(tree, fn) {
  const root = new Bud(fn);
  for (const n of outermost(tree, (f) => f === fn)) {
    let at = root;
    at.add(tree, n);
    for (let p = tree.parent[n]; p > 0; p = tree.parent[p]) {
      at = at.child(tree.fn[p]);
      at.add(tree, n);
    }
    at.self += tree.value[n];
  }
  return grown(tree, root);
}

/** What fn calls, from all its places together. */
export function callees(tree, fn) {
  const root = new Bud(fn);
  for (const top of outermost(tree, (f) => f === fn)) {
    const at = [root];
    root.add(tree, top);
    root.self += tree.self[top];
    for (let n = top + 1; n < tree.end[top]; n++) {
      const level = tree.depth[n] - tree.depth[top];
      const bud = at[level - 1].child(tree.fn[n]);
      at[level] = bud;
      bud.add(tree, n);
      bud.self += tree.self[n];
    }
  }
  return grown(tree, root);
}

// --- Questions ---------------------------------------------------------------

/** A test for texts: a regular expression when it is one, else the plain
 * words; capitals count only when there are some. null: everything. */
export function matcher(query) {
  if (!query) return null;
  const flags = /[A-Z]/.test(query) ? '' : 'i';
  try {
    const re = new RegExp(query, flags);
    return (text) => re.test(text);
  } catch {
    const plain = flags ? query.toLowerCase() : query;
    return (text) => (flags ? text.toLowerCase() : text).includes(plain);
  }
}

/** Which functions match, what their outermost nodes sum to, and the share of
 * the total. Modules and files are looked at too. */
export function search(tree, query) {
  const test = matcher(query);
  if (!test) return null;
  const hit = tree.functions.map((f) => test(f.name) || test(f.module) || test(f.file));
  const nodes = outermost(tree, (fn) => hit[fn]);
  const value = nodes.reduce((sum, n) => sum + tree.value[n], 0);
  return { hit, nodes, value, share: tree.total ? value / tree.total : 0 };
}

/** Per function: what it holds itself and with all it calls; with a base also
 * the same of then. Largest first. */
export function table(tree) {
  const rows = new Map();
  const onPath = new Map(); // function: how often on the way from the root
  const open = [];
  const selfBase = tree.base && tree.base.slice();
  if (selfBase) for (let n = 1; n < tree.count; n++) selfBase[tree.parent[n]] -= tree.base[n];
  for (let n = 1; n < tree.count; n++) {
    while (open.length >= tree.depth[n]) {
      const gone = open.pop();
      onPath.set(gone, onPath.get(gone) - 1);
    }
    const fn = tree.fn[n];
    const inside = onPath.get(fn) || 0;
    open.push(fn);
    onPath.set(fn, inside + 1);
    if (fn < 0) continue;
    let row = rows.get(fn);
    if (!row) rows.set(fn, (row = { fn, ...tree.functions[fn], flat: 0, cum: 0, baseFlat: 0, baseCum: 0 }));
    row.flat += tree.self[n];
    if (selfBase) row.baseFlat += selfBase[n];
    if (inside) continue;
    row.cum += tree.value[n];
    if (tree.base) row.baseCum += tree.base[n];
  }
  return [...rows.values()].sort((a, b) => b.flat - a.flat || b.cum - a.cum);
}

/** Modules by what their functions hold themselves, largest first. */
export function modules(tree) {
  const sums = new Map();
  for (let n = 1; n < tree.count; n++) {
    const fn = tree.fn[n];
    if (fn < 0) continue;
    const name = tree.functions[fn].module;
    sums.set(name, (sums.get(name) || 0) + Math.abs(tree.self[n]));
  }
  return [...sums].map(([name, value]) => ({ name, value })).sort((a, b) => b.value - a.value);
}
