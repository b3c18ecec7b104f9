import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { EnvPanel } from '../src/js/components/env_panel.js';
import { appsApi } from '../src/js/lib/apps_api.js';

const stored = () => ({
  variables: [{ kind: 'backend', name: 'GREETING', value: '***', pending: null }],
  pending: false,
});

/** A promise that the test settles itself. */
function later() {
  /** @type {(value: any) => void} */
  let settle = () => {};
  const promise = new Promise((resolve) => (settle = resolve));
  return { promise, settle };
}

/** @type {EnvPanel} */
let panel;

beforeEach(async () => {
  vi.spyOn(appsApi, 'environmentExample').mockResolvedValue({ variables: [] });
  vi.spyOn(appsApi, 'environment').mockImplementation(async () => /** @type {any} */ (stored()));
  panel = new EnvPanel({ name: 'app', onDeploy: async () => {} });
  document.body.replaceChildren(panel.element);
  await panel.load();
});

afterEach(() => vi.restoreAllMocks());

const row = () => /** @type {HTMLElement} */ (document.querySelector('.var'));
const button = (/** @type {string} */ name) =>
  /** @type {HTMLButtonElement} */ (row().querySelector(`[aria-label="${name} GREETING"]`));

test('a value that is asked for while the variables are refreshed is still shown', async () => {
  const revealed = later();
  const refreshed = later();
  vi.mocked(appsApi.environment).mockImplementation(
    (_name, { isRevealed = false } = {}) => /** @type {any} */ ((isRevealed ? revealed : refreshed).promise),
  );
  const refresh = panel.refresh();
  button('Show the value of').click();
  refreshed.settle(stored());
  await refresh;
  revealed.settle({ variables: [{ kind: 'backend', name: 'GREETING', value: 'hello' }] });
  await vi.waitFor(() => expect(row().textContent).toContain('hello'));
});

test('a row that is being edited survives a refresh that began before', async () => {
  const refreshed = later();
  vi.mocked(appsApi.environment).mockImplementation(() => /** @type {any} */ (refreshed.promise));
  const refresh = panel.refresh();
  button('Change').click();
  refreshed.settle(stored());
  await refresh;
  expect(row().querySelector('textarea')).not.toBeNull();
});

test('a refresh shows what another tab has stored', async () => {
  vi.mocked(appsApi.environment).mockResolvedValue(/** @type {any} */ ({ variables: [], pending: true }));
  await panel.refresh();
  expect(document.querySelector('.var')).toBeNull();
});

const mode = (/** @type {string} */ text) =>
  [...document.querySelectorAll('.modes button')].find((one) => one.textContent === text);
const area = () => /** @type {HTMLTextAreaElement} */ (document.querySelector('.envtext__input'));
const write = (/** @type {string} */ text) => {
  area().value = text;
  area().dispatchEvent(new Event('input', { bubbles: true }));
};
const save = (/** @type {object} */ more = { ctrlKey: true }) => {
  const event = new KeyboardEvent('keydown', { key: 's', bubbles: true, cancelable: true, ...more });
  area().dispatchEvent(event);
  return event.defaultPrevented;
};

test('text shows no stored value unless it is asked for, and leaves it alone', async () => {
  mode('Text')?.click();
  expect(area().value).toBe('GREETING=••••••••\n');
  write('# mine\nGREETING=••••••••\nNEW=1\n');
  expect(document.querySelector('.savebar')?.textContent).toContain('1 unsaved change.');
  vi.mocked(appsApi.environment).mockResolvedValue(
    /** @type {any} */ ({ variables: [{ kind: 'backend', name: 'GREETING', value: 'hello' }] }),
  );
  [...document.querySelectorAll('button')].find((one) => one.textContent === 'Show values')?.click();
  await vi.waitFor(() => expect(area().value).toBe('# mine\nGREETING=hello\nNEW=1\n'));
  expect(document.querySelector('.savebar')?.textContent).toContain('1 unsaved change.');
});

test('Ctrl+S and Cmd+S save what the text says: changed, emptied, added and removed', async () => {
  const change = vi.spyOn(appsApi, 'changeEnvironment').mockResolvedValue(/** @type {any} */ (stored()));
  mode('Text')?.click();
  write('GREETING=\nNEW=1\n');
  expect(save()).toBe(true);
  await vi.waitFor(() =>
    expect(change).toHaveBeenCalledWith('app', { kind: 'backend', set: { GREETING: '', NEW: '1' }, unset: [] }),
  );
  await vi.waitFor(() => expect(document.querySelector('.savebar')?.hidden).toBe(true));
  write('');
  expect(save({ metaKey: true })).toBe(true);
  await vi.waitFor(() =>
    expect(change).toHaveBeenLastCalledWith('app', { kind: 'backend', set: {}, unset: ['GREETING'] }),
  );
});

test('a mistake in the text is not saved', () => {
  const change = vi.spyOn(appsApi, 'changeEnvironment');
  mode('Text')?.click();
  write('GREETING=1\nbroken\n');
  save();
  expect(change).not.toHaveBeenCalled();
  expect(document.querySelector('.envtext__errors')?.textContent).toContain('Line 2');
});

test('what was typed as text are rows with changes, and text again', () => {
  mode('Text')?.click();
  write('# note\nGREETING=bonjour\nNEW=1\n');
  mode('Rows')?.click();
  expect(row().textContent).toContain('To be changed');
  button('Leave as it was:').click();
  mode('Text')?.click();
  expect(area().value).toBe('# note\nGREETING=••••••••\nNEW=1\n');
});
