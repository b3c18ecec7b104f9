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
