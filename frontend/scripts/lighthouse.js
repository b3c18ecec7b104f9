/**
 * Audits the pages of a Butler that runs, as a stranger and as somebody who is logged in, and fails beyond the budgets.
 * `node scripts/lighthouse.js ADDRESS APP < log-in.json`, where the log-in is what /api/auth/login answered;
 * `./butler test lighthouse` prepares all that and runs it. CHROME_PATH is the browser.
 */

import { text } from 'node:stream/consumers';
import lighthouse from 'lighthouse';
import { launch } from 'puppeteer-core';
import { BUDGETS, findingOf, isWithin, judge } from './lighthouse_budgets.js';

const [address, app] = process.argv.slice(2);
const login = JSON.parse(await text(process.stdin));
const PAGES = {
  stranger: ['/', '/login'],
  member: ['/', '/applications', `/applications/${app}`, '/account'],
};
const FLAGS = /** @type {const} */ ({
  onlyCategories: ['performance', 'accessibility'],
  throttlingMethod: 'simulate',
  logLevel: 'error',
});

/** @param {import('puppeteer-core').Page} page */
async function logIn(page) {
  await page.goto(`${address}/health`); // any page of this origin that loads nothing of the dashboard
  await page.evaluate(({ access_token, refresh_token, expires_in, user }) => {
    const session = { accessToken: access_token, refreshToken: refresh_token, username: user.username };
    const expiresAt = Date.now() + expires_in * 1000;
    localStorage.setItem('butler.session', JSON.stringify({ ...session, expiresAt }));
    localStorage.setItem('butler.signed-in', '1');
  }, login);
}

/** What a reader needs to find the flaw. @param {import('lighthouse').Result[]} results */
function explain(results) {
  const result = results.find((one) => !isWithin(findingOf(one)));
  for (const { id, title, score, displayValue, details } of Object.values(result.audits)) {
    if (score === null || (score >= 0.9 && id !== 'layout-shifts')) continue;
    console.log(`        ${id}: ${title}${displayValue ? ` (${displayValue})` : ''}`);
    const items = details && 'items' in details && Array.isArray(details.items) ? details.items : [];
    for (const { node } of items.slice(0, 3)) if (node?.snippet) console.log(`            ${node.snippet}`);
  }
}

/** @param {import('puppeteer-core').Page} page @param {string} path @param {string} who */
async function audit(page, path, who) {
  const results = [];
  const judged = await judge(async () => {
    results.push((await lighthouse(address + path, FLAGS, undefined, page)).lhr);
    return findingOf(results.at(-1));
  });
  const { performance, accessibility, layoutShift } = judged;
  const figures = `performance ${performance}  accessibility ${accessibility}  shift ${layoutShift.toFixed(3)}`;
  const runs = results.length > 1 ? `, best of ${results.length}` : '';
  console.log(`${isWithin(judged) ? 'ok  ' : 'OVER'}  ${figures}  ${path} (${who}${runs})`);
  if (!isWithin(judged)) explain(results);
  return isWithin(judged);
}

const browser = await launch({
  executablePath: process.env.CHROME_PATH,
  args: ['--headless=new', '--no-sandbox'],
});
const failed = [];
try {
  for (const [who, paths] of Object.entries(PAGES)) {
    const context = await browser.createBrowserContext();
    const page = await context.newPage();
    if (who === 'member') await logIn(page);
    for (const path of paths) if (!(await audit(page, path, who))) failed.push(`${path} (${who})`);
    await context.close();
  }
} finally {
  await browser.close();
}
if (failed.length) {
  const { performance, accessibility, layoutShift } = BUDGETS;
  console.log(`Budget: performance ${performance}, accessibility ${accessibility}, shift ${layoutShift}.`);
  console.log(`Beyond it: ${failed.join(', ')}`);
  process.exitCode = 1;
}
