import { beforeEach, expect, test, vi } from 'vitest';
import { BuildCard } from '../src/js/components/build_card.js';
import { ApiError } from '../src/js/lib/api.js';
import { appsApi } from '../src/js/lib/apps_api.js';

const stored = (overrides, live = overrides) => ({
  container_name: 'app',
  release: 1,
  pending: JSON.stringify(overrides) !== JSON.stringify(live),
  overrides,
  live,
});
const find = (selector) => /** @type {HTMLElement} */ (document.querySelector(selector));
const click = (name) => find(`[aria-label="${name}"]`).click();
const button = (name) => [...document.querySelectorAll('button')].find((one) => one.textContent === name);
const row = (key) => find(`.plan__row[data-key="${key}"]`);
const give = (label, text) => {
  (document.querySelector(`[aria-label="Override: ${label}"]`) ?? find(`[aria-label="Change: ${label}"]`)).click();
  const input = /** @type {HTMLInputElement} */ (find('.plan__edit input'));
  input.value = text;
  click(`Use it: ${label}`);
};
const bar = () => find('.savebar');

let card;
let onDeploy;
beforeEach(async () => {
  onDeploy = vi.fn(async () => {});
  vi.spyOn(appsApi, 'overrides').mockResolvedValue(stored({ run: { port: 4000 }, 'x.y': undefined }));
  const app = /** @type {any} */ ({ strategy: 'node', git_url: 'https://git.test/a/b', branch: null });
  card = new BuildCard({ name: 'app', onDeploy, app: () => app });
  document.body.replaceChildren(card.element);
  await card.refresh();
});

test('what an app keeps is shown, and nothing waits', () => {
  expect(row('run.port').textContent).toContain('4000Yours');
  expect(row('run.command').textContent).toContain('as it is found');
  expect(bar().hidden).toBe(true);
});

test('a change is saved as a whole and waits; deploying is one click more', async () => {
  give('Start', 'node x.js');
  expect(bar().textContent).toContain('1 unsaved change.');
  const wanted = { run: { port: 4000, command: 'node x.js' } };
  const store = vi.spyOn(appsApi, 'storeOverrides').mockResolvedValue(stored(wanted, { run: { port: 4000 } }));
  button('Save').click();
  await vi.waitFor(() => expect(bar().textContent).toContain('wait for the next deployment'));
  expect(store).toHaveBeenCalledWith('app', wanted);
  expect(row('run.command').textContent).toContain('Not deployed yet');
  button('Deploy now').click();
  expect(onDeploy).toHaveBeenCalledTimes(1);
});

test('Reset takes the changes back', () => {
  give('Port', '1');
  click('Take back: Port');
  expect(row('run.port').textContent).not.toContain('Yours');
  button('Reset').click();
  expect(row('run.port').textContent).toContain('4000Yours');
  expect(bar().hidden).toBe(true);
});

test('a refused value stands at its row, with the rest as it was typed', async () => {
  give('Start', 'node x.js');
  give('Port', 'web');
  const lines = ['overrides:1: run.port must be a whole number'];
  const error = new ApiError({ status: 422, code: 'overrides-invalid', message: lines[0], lines });
  vi.spyOn(appsApi, 'storeOverrides').mockRejectedValue(error);
  button('Save').click();
  await vi.waitFor(() => expect(row('run.port').textContent).toContain('Must be a whole number.'));
  expect(row('run.port').querySelector('input').value).toBe('web');
  expect(row('run.command').textContent).toContain('node x.js');
});

test('keys without a row are shown and can be taken back', async () => {
  vi.mocked(appsApi.overrides).mockResolvedValue(stored({ env: { A: '<b>' }, run: { port: 1 } }));
  await card.refresh();
  expect(find('.var').textContent).toBe('env.A<b>');
  click('Take back: env.A');
  const store = vi.spyOn(appsApi, 'storeOverrides').mockResolvedValue(stored({ run: { port: 1 } }));
  button('Save').click();
  expect(store).toHaveBeenCalledWith('app', { run: { port: 1 } });
});

test('what somebody is changing survives a refresh', async () => {
  give('Port', '1');
  vi.mocked(appsApi.overrides).mockResolvedValue(stored(null));
  await card.refresh();
  expect(row('run.port').textContent).toContain('1Yours');
});

test('a failure to load offers another try', async () => {
  vi.mocked(appsApi.overrides).mockRejectedValueOnce(new ApiError({ message: 'No.' }));
  const other = new BuildCard({ name: 'app', onDeploy, app: () => null });
  document.body.replaceChildren(other.element);
  await other.refresh();
  button('Try again').click();
  await vi.waitFor(() => expect(row('run.port').textContent).toContain('4000'));
});
