// The page of a program with pools, a cache and collected memory:
// node collected.mjs URL PICTURES

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { Browser } from './browser.mjs';

const [root, pictures] = process.argv.slice(2);
const browser = await Browser.start({ width: 1280, height: 1100 });
const text = (selector) => `document.querySelector('${selector}').textContent`;

try {
  await browser.scheme('light');
  await browser.open(root);
  await browser.until(`/Cycles\\d.*stopped .* at most/.test(${text('.tiles')})`);
  await browser.until(`!document.querySelector('.pools').hidden`);
  const rows = await browser.see(`[...document.querySelectorAll('.pools tbody tr')].map((r) => r.textContent).join('\\n')`);
  assert.match(rows, /^parsers pool\d.*%/m);
  assert.match(rows, /^pages cache\d.*%.*85.*iB$/m);
  for (const title of ['Collected heap', 'Cycles', 'Collector'])
    await browser.until(`(() => {
      const graph = document.querySelector('.graph[aria-label="${title}"]');
      return !graph.hidden && graph.querySelector('canvas') !== null;
    })()`);
  await browser.until(`/alive \\d.*iB/.test(${text('.graph[aria-label="Collected heap"]')})`);
  await browser.picture(join(pictures, 'page-collected.png'));
} finally {
  await browser.close();
}
