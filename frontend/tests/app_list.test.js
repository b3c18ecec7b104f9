import { describe, expect, test } from 'vitest';
import { obstacle, offered } from '../src/js/components/app_deeds.js';
import { appBadges, standing } from '../src/js/components/app_facts.js';
import { chosen } from '../src/js/lib/app_list.js';

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
