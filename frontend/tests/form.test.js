import { beforeEach, describe, expect, test, vi } from 'vitest';
import { DeployForm } from '../src/js/components/deploy_form.js';
import { firstApp } from '../src/js/components/first_app.js';
import { GithubPicker } from '../src/js/components/github_picker.js';
import { ApiError, api } from '../src/js/lib/api.js';

const ADDRESS = 'https://git.test/a/b';
const find = (selector) => document.querySelector(selector);
const button = (name) => [...document.querySelectorAll('button, a')].find((one) => one.textContent === name);
const submit = () => find('form').dispatchEvent(new Event('submit', { cancelable: true }));
const write = (input, text) => {
  input.value = text;
  input.dispatchEvent(new Event('input', { bubbles: true }));
};
const refused = (status) => new ApiError({ status, code: 'unknown', message: 'Not now.', hint: 'Later.' });
/** An answer that never comes, as to a page that is being left. */
const never = () => new Promise(() => {});

describe('the deploy form', () => {
  let deploy;
  let form;
  beforeEach(() => {
    deploy = vi.spyOn(api, 'deploy').mockImplementation(never);
    form = new DeployForm({ onDeployed: vi.fn(), address: ADDRESS });
    document.body.replaceChildren(form.element);
  });
  const asked = async (status) => {
    deploy.mockRejectedValueOnce(refused(status));
    submit();
    await vi.waitFor(() => expect(find('.deploy__problem').textContent).toContain('Not now.'));
    return deploy.mock.lastCall[1];
  };

  test('asks once, however often it is sent, and not before it is complete', () => {
    submit();
    submit();
    expect(deploy).toHaveBeenCalledTimes(1);
    expect(deploy.mock.lastCall[0]).toMatchObject({ git_url: ADDRESS, overrides: '' });
    const other = new DeployForm({ onDeployed: vi.fn() });
    document.body.replaceChildren(other.element);
    submit();
    expect(deploy).toHaveBeenCalledTimes(1);
    expect(document.activeElement).toBe(find('[name=git_url]'));
  });

  test('the same is asked for by the same key where nothing was heard, and by another once it was refused', async () => {
    const first = await asked(0);
    expect(await asked(502)).toBe(first);
    const last = await asked(422);
    expect(last).toBe(first);
    expect(await asked(422)).not.toBe(first);
  });

  test('another content goes by another key', async () => {
    const first = await asked(0);
    write(find('[name=branch]'), 'next');
    expect(await asked(0)).not.toBe(first);
  });

  test('sends what was given in the preview, as JSON', async () => {
    const plan = { evidence: [], warnings: [], services: [], candidates: [], overridable: ['run.port'], port: 1 };
    const found = { ...plan, strategy: 'node', kind: 'node', commit: '0123456', branch: 'main' };
    vi.spyOn(api, 'plan').mockResolvedValue(/** @type {any} */ (found));
    button('Preview').click();
    await vi.waitFor(() => expect(find('[aria-label="Override: Port"]')).not.toBeNull());
    find('[aria-label="Override: Port"]').click();
    find('.plan__edit input').value = '4000';
    find('[aria-label="Use it: Port"]').click();
    submit();
    expect(deploy.mock.lastCall[0].overrides).toBe('{"run":{"port":4000}}');
  });

  test('a refusal of what was given stands at its row', async () => {
    const plan = { evidence: [], warnings: [], services: [], candidates: [], overridable: ['run.port'], port: 1 };
    const found = { ...plan, strategy: 'node', kind: 'node', commit: '0123456', branch: 'main' };
    vi.spyOn(api, 'plan').mockResolvedValue(/** @type {any} */ (found));
    button('Preview').click();
    await vi.waitFor(() => expect(find('[aria-label="Override: Port"]')).not.toBeNull());
    const lines = ['overrides:1: run.port must be a whole number'];
    deploy.mockRejectedValueOnce(new ApiError({ status: 422, code: 'overrides-invalid', message: lines[0], lines }));
    submit();
    await vi.waitFor(() => expect(find('[data-key="run.port"] [aria-invalid]')).not.toBeNull());
    expect(find('.deploy__problem').textContent).toBe('');
  });

  test('a link to the repositories shows them', () => {
    vi.spyOn(api, 'githubRepositories').mockImplementation(never);
    form.browse();
    expect(find('[role=tab][aria-selected=true]').textContent).toBe('From GitHub');
    form.focus();
    expect(document.activeElement).toBe(find('[name=git_url]'));
  });
});

describe('somebody without an app', () => {
  const sample = { name: 'hello', git_url: 'butler://samples/hello', description: 'One page.' };
  const show = async (samples, onDeployed = vi.fn()) => {
    vi.spyOn(api, 'samples').mockImplementation(samples);
    document.body.replaceChildren(firstApp({ heading: 'h2', onDeployed }));
    await new Promise((resolve) => setTimeout(resolve));
    return onDeployed;
  };

  test('deploys the sample by one click, once', async () => {
    const onDeployed = await show(async () => [sample]);
    const deploy = vi.spyOn(api, 'deploy').mockResolvedValue(/** @type {any} */ ({ container_name: 'x' }));
    button('Deploy the sample').click();
    button('Deploy the sample').click();
    await vi.waitFor(() => expect(onDeployed).toHaveBeenCalledWith({ container_name: 'x' }));
    expect(deploy).toHaveBeenCalledTimes(1);
    expect(deploy.mock.lastCall[0]).toEqual({ git_url: sample.git_url });
  });

  test('is told what the sample failed of, and may try again', async () => {
    await show(async () => [sample]);
    const deploy = vi.spyOn(api, 'deploy').mockRejectedValueOnce(refused(503)).mockImplementation(never);
    button('Deploy the sample').click();
    await vi.waitFor(() => expect(find('[role=alert]').textContent).toContain('Not now.'));
    button('Deploy the sample').click();
    expect(deploy.mock.calls[1][1]).toBe(deploy.mock.calls[0][1]);
  });

  test.each([
    ['none', async () => []],
    ['an error', async () => Promise.reject(refused(500))],
  ])('sees no button for it where the server has %s', async (_what, samples) => {
    await show(samples);
    expect(button('Deploy the sample')).toBeUndefined();
    expect(button('Deploy your first app').getAttribute('href')).toBe('/#deploy');
    expect(button('Browse GitHub').getAttribute('href')).toBe('/#github');
  });
});

describe('repositories on GitHub', () => {
  const repository = (name) => ({
    full_name: name,
    clone_url: `https://github.com/${name}.git`,
    description: '<b>bold</b>',
    private: name.includes('secret'),
    fork: false,
    archived: false,
    language: 'Python',
    pushed_at: '2024-01-01T00:00:00Z',
    default_branch: 'main',
  });
  const page = (names, more = {}) => ({
    repositories: names.map(repository),
    page: 1,
    next_page: null,
    incomplete: false,
    sees_private: true,
    ...more,
  });
  let onChoose;
  let picker;
  const show = (answer) => {
    onChoose = vi.fn();
    vi.spyOn(api, 'githubRepositories').mockImplementation(answer);
    picker = new GithubPicker({ onChoose });
    document.body.replaceChildren(picker.element);
    picker.start();
  };
  const rows = () => [...document.querySelectorAll('.repos__row')];

  test('are told apart, and one is chosen', async () => {
    show(async () => page(['a/shop', 'a/secret']));
    await vi.waitFor(() => expect(rows()).toHaveLength(2));
    expect(rows().map((row) => row.querySelector('.badge')?.textContent)).toEqual([undefined, 'Private']);
    expect(rows()[0].textContent).toContain('<b>bold</b>');
    find('[aria-label="Choose a/secret"]').click();
    expect(onChoose.mock.lastCall[0].full_name).toBe('a/secret');
  });

  test('come page by page, and the first new one has the focus', async () => {
    show(async ({ page: number }) =>
      number === 1 ? page(['a/one'], { next_page: 2 }) : page(['a/two'], { page: 2, next_page: null }),
    );
    await vi.waitFor(() => expect(rows()).toHaveLength(1));
    button('Show more').click();
    await vi.waitFor(() => expect(rows()).toHaveLength(2));
    expect(document.activeElement.getAttribute('aria-label')).toBe('Choose a/two');
    expect(button('Show more')).toBeUndefined();
  });

  test.each([
    ['github-token-missing', 'Store a GitHub token', '/account#github'],
    ['github-token-refused', 'Change the token', '/account#github'],
  ])('a token that is not good leads to the account: %s', async (code, words, href) => {
    show(async () => Promise.reject(new ApiError({ status: 403, code, message: 'No.' })));
    await vi.waitFor(() => expect(button(words)?.getAttribute('href')).toBe(href));
  });
});
