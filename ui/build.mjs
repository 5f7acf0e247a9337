// Makes the pages: `node build.mjs [DIRECTORY]`, dist unless said.
//
// Each is one HTML file with its script and style inside, and a policy that
// lets exactly these two run: their hashes. Beside page.html lies its policy,
// which the server says in a header. What libraries ask to be said about them
// stands at the top of the script.

import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const here = dirname(fileURLToPath(import.meta.url));
const out = process.argv[2] || join(here, 'dist');

async function bundle(entry, banner) {
  const made = await build({
    entryPoints: [join(here, 'src', entry)],
    bundle: true,
    minify: true,
    format: 'iife',
    target: 'es2022',
    charset: 'utf8',
    legalComments: 'inline',
    banner: { js: banner },
    outdir: out,
    write: false,
    logLevel: 'warning',
  });
  const text = (end) => made.outputFiles.find((f) => f.path.endsWith(end)).text.trim();
  return { script: text('.js').replaceAll('</script', '<\\/script'), style: text('.css') };
}

/** What uPlot wants to be said wherever it is. */
const notice = `/*! This page draws its graphs with uPlot, https://github.com/leeoniya/uPlot\n\n${
  readFileSync(join(here, 'node_modules/uplot/LICENSE'), 'utf8').trim()}\n*/`;

const hash = (text) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

async function page(entry, template, name, { connect, banner = '' }) {
  const { script, style } = await bundle(entry, banner);
  const policy = [`default-src 'none'`, `script-src ${hash(script)}`, `style-src ${hash(style)}`,
    ...(connect ? [`connect-src 'self'`] : []), `img-src data:`, `base-uri 'none'`, `form-action 'none'`].join('; ');
  const parts = { POLICY: policy, STYLE: style, SCRIPT: script };
  const html = readFileSync(join(here, 'src', template), 'utf8')
    .replace(/%(POLICY|STYLE|SCRIPT)%/g, (_, part) => parts[part]);
  mkdirSync(out, { recursive: true });
  writeFileSync(join(out, `${name}.html`), html);
  if (connect) writeFileSync(join(out, `${name}.policy`), policy);
}

await page('viewer.js', 'flame.html', 'flame', { connect: false });
await page('page.js', 'page.html', 'page', { connect: true, banner: notice });
