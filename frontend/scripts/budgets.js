/** Fails when a page of the build is heavier than its budget. What a page loads at once counts; sizes are gzipped. */

import { readFileSync, readdirSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

const BUDGET_KB = {
  'index.html': 15,
  'login.html': 15,
  'account.html': 25,
  'applications.html': 35,
  'application.html': 45,
  'missing.html': 15,
};
const DASHBOARD_KB = 35;
const CSS_KB = 15;
const MOST_REQUESTS = 15;

const root = fileURLToPath(new URL('../../static/', import.meta.url));
const size = (/** @type {string} */ path) => gzipSync(readFileSync(root + path)).length / 1000;
const sum = (/** @type {Iterable<string>} */ paths) => [...paths].reduce((total, path) => total + size(path), 0);

/** Scripts that a script loads at once. */
function staticImports(path, seen = new Set()) {
  if (seen.has(path)) return seen;
  seen.add(path);
  const text = readFileSync(root + path, 'utf8');
  for (const [, name] of text.matchAll(/(?:from|import)\s*["']\.\/([^"']+\.js)["']/g))
    staticImports(`assets/${name}`, seen);
  return seen;
}

function filesOf(html, pattern) {
  return [...html.matchAll(pattern)].map(([, path]) => path);
}

let hasFailed = false;
function report(name, kb, limit) {
  const isOver = kb > limit;
  hasFailed ||= isOver;
  console.log(`${isOver ? 'OVER' : 'ok  '}  ${name.padEnd(34)} ${kb.toFixed(1).padStart(6)} kB of ${limit}`);
}

for (const [page, limit] of Object.entries(BUDGET_KB)) {
  const html = readFileSync(root + page, 'utf8');
  if (/(?:src|href)="(?:https?:)?\/\//.test(html)) throw new Error(`${page} loads something from another site`);
  const scripts = new Set(filesOf(html, /<script[^>]+src="\/(assets\/[^"]+\.js)"/g));
  for (const script of [...scripts]) for (const found of staticImports(script)) scripts.add(found);
  const styles = filesOf(html, /<link[^>]+rel="stylesheet"[^>]+href="\/(assets\/[^"]+\.css)"/g);
  // The order of the layers is settled by the sheet that comes first.
  if (!styles[0]?.startsWith('assets/shell-')) throw new Error(`${page} has the shared style sheet behind its own`);
  report(`${page} JS`, sum(scripts), limit);
  const requests = 1 + scripts.size + styles.length + 2; // the page, the icons and the favicon
  if (requests > MOST_REQUESTS) {
    hasFailed = true;
    console.log(`OVER  ${page} needs ${requests} requests of ${MOST_REQUESTS}`);
  }
}

const assets = readdirSync(`${root}assets`).map((name) => `assets/${name}`);
// What `/` loads besides, for somebody who is logged in and for somebody who is not.
for (const [part, limit] of Object.entries({ landing: BUDGET_KB['index.html'], dashboard: DASHBOARD_KB })) {
  const chunk = assets.find((path) => path.startsWith(`assets/${part}-`) && path.endsWith('.js'));
  if (!chunk) throw new Error(`the build has no ${part}`);
  const html = readFileSync(`${root}index.html`, 'utf8');
  const all = staticImports(chunk);
  for (const entry of filesOf(html, /<script[^>]+src="\/(assets\/[^"]+\.js)"/g)) staticImports(entry, all);
  report(`index.html JS with the ${part}`, sum(all), limit);
}
report('all CSS', sum(assets.filter((path) => path.endsWith('.css'))), CSS_KB);
const total = assets.reduce((bytes, path) => bytes + statSync(root + path).size, 0);
console.log(`      the whole build                    ${(total / 1000).toFixed(1).padStart(6)} kB, not compressed`);
process.exitCode = hasFailed ? 1 : 0;
