import { describe, expect, test } from 'vitest';
import { obstacle, offered } from '../src/js/components/app_deeds.js';
import { appBadges, standing } from '../src/js/components/app_facts.js';
import { faviconState, showInFavicon } from '../src/js/components/favicon.js';
import { chosen, pageOf } from '../src/js/lib/app_list.js';

const app = (name, more = {}) => ({
  id: 1,
  container_name: name,
  git_url: `https://github.com/octo/${name}`,
  status: 'success',
  phase: 'live',
  deployed_url: 'http://localhost:8080',
  created_at: '2024-01-15T10:00:00Z',
  updated_at: '2024-01-15T10:00:00Z',
  branch: 'main',
  release: 1,
  live_release: 1,
  commit_subject: '',
  steps: [],
  error: null,
  ...more,
});
const failure = { code: 'build-failed', message: 'It failed.', hint: '', lines: [] };
const failed = app('failed', { release: 2, error: failure, steps: [{ stage: 'build', state: 'failed', seconds: 1 }] });
const stopped = app('stopped', { phase: 'stopped', stopped_at: '2024-01-15T11:00:00Z' });
const busy = app('busy', {
  status: 'starting',
  phase: 'build',
  live_release: null,
  updated_at: '2024-01-16T00:00:00Z',
});
const all = [app('apple', { commit_subject: 'Sell fruit' }), failed, stopped, busy];
const names = (how) => chosen(all, { q: '', status: 'all', sort: 'name', ...how }).map((one) => one.container_name);

describe('the list', () => {
  test('is searched by every word, in what people know of an app', () => {
    expect(names({ q: 'FRUIT octo' })).toEqual(['apple']);
    expect(names({ q: 'fruit nothing' })).toEqual([]);
  });

  test('is filtered by how apps stand; one that is live while its deployment failed is under both', () => {
    expect(names({ status: 'live' })).toEqual(['apple', 'failed']);
    expect(names({ status: 'failed' })).toEqual(['failed']);
    expect(names({ status: 'busy' })).toEqual(['busy']);
    expect(names({ status: 'stopped' })).toEqual(['stopped']);
    expect(names({ status: 'nonsense' })).toHaveLength(4);
  });

  test('is sorted', () => {
    expect(names({ sort: 'newest' })[0]).toBe('busy');
    expect(names({ sort: 'oldest' }).at(-1)).toBe('busy');
  });
});

describe('a long list', () => {
  const found = Array.from({ length: 45 }, (_one, index) => index);
  const page = (asked) => pageOf(found, asked, 20);

  test('is shown page by page', () => {
    expect(page('1')).toEqual({ items: found.slice(0, 20), page: 1, last: 3 });
    expect(page('3')).toEqual({ items: found.slice(40), page: 3, last: 3 });
  });

  test('shows the nearest page where the one that is asked for is not there', () => {
    expect(page('9').page).toBe(3);
    for (const asked of ['0', '-4', 'x', '', '1.5']) expect(page(asked).page).toBe(1);
    expect(pageOf([], '2', 20)).toEqual({ items: [], page: 1, last: 1 });
  });
});

describe('the mark in the tab', () => {
  test('tells what is under way, what failed, and what serves', () => {
    expect(all.map(faviconState)).toEqual(['live', 'failed', null, 'busy']);
    expect(faviconState({ ...failed, error: { ...failure, code: 'cancelled' } })).toBe('live');
    expect(faviconState({ ...failed, live_release: null })).toBe('failed');
    expect(faviconState(app('down', { app_state: { state: 'exited' } }))).toBe('failed');
  });

  test('is put in the place of the page, and back', () => {
    const link = document.head.appendChild(document.createElement('link'));
    Object.assign(link, { rel: 'icon', href: '/plain.svg' });
    showInFavicon(failed);
    expect(link.dataset.state).toBe('failed');
    expect(link.getAttribute('href')).toMatch(/svg/);
    expect(link.getAttribute('href')).not.toMatch(/plain/);
    showInFavicon(stopped);
    expect(link.getAttribute('href')).toMatch(/plain\.svg$/);
  });
});

describe('how an app stands', () => {
  test('is said plainly where the last deployment failed', () => {
    expect(appBadges(failed).map((badge) => badge.textContent)).toEqual(['Live', 'Last deploy: build failed']);
    expect(standing(failed)).toBe('Live, last deploy failed');
  });

  test('is one badge where there is one thing to say', () => {
    expect(appBadges(stopped).map((badge) => badge.textContent)).toEqual(['Stopped']);
    expect(appBadges(busy).map((badge) => badge.textContent)).toEqual(['Building']);
  });
});

describe('what can be done', () => {
  const possible = (one) => offered(one).flatMap(({ name }) => (obstacle(one, name) ? [] : [name]));

  test('depends on how it stands', () => {
    expect(possible(failed)).toEqual(['redeploy', 'restart', 'stop', 'destroy']);
    expect(possible(stopped)).toEqual(['redeploy', 'start', 'destroy']);
    expect(possible(busy)).toEqual(['cancel', 'destroy']);
    expect(possible({ ...failed, live_release: null })).toEqual(['redeploy', 'destroy']);
  });
});
