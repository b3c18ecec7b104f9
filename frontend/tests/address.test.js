import { describe, expect, test } from 'vitest';
import { readAddress, withoutCredentials } from '../src/js/lib/address.js';

const HOME = 'https://github.com/user/repo';

describe('an address is made tidy', () => {
  test.each([
    ['https://github.com/user/repo', HOME],
    ['  https://GitHub.com/user/repo/  ', HOME],
    ['http://github.com/user/repo', HOME],
    ['https://www.github.com/user/repo?tab=readme#install', HOME],
    ['github.com/user/repo', HOME],
    ['user/repo', HOME],
    ['git clone https://github.com/user/repo.git', 'https://github.com/user/repo.git'],
    ['git clone --depth=1 -q https://github.com/user/repo.git', 'https://github.com/user/repo.git'],
    ['<https://github.com/user/repo>', HOME],
    ['"https://github.com/user/repo"', HOME],
    ['\u200bhttps://github.com/user/repo', HOME],
    ['git@GitHub.com:user/repo.git', 'git@github.com:user/repo.git'],
    ['ssh://git@example.org:2222/user/repo', 'ssh://git@example.org:2222/user/repo'],
    ['https://git.example.org:8443/group/sub/repo', 'https://git.example.org:8443/group/sub/repo'],
    ['file:///srv/git/site', 'file:///srv/git/site'],
  ])('%s', (typed, url) => expect(readAddress(typed)).toMatchObject({ url, problem: '' }));
});

test.each([
  ['https://github.com/user/repo/tree/main/apps/web', 'main', 'apps/web'],
  ['https://github.com/user/repo/blob/dev/api/app.py', 'dev', 'api'],
  ['https://gitlab.com/group/repo/-/tree/main/site', 'main', 'site'],
  ['https://github.com/user/repo/pulls', '', ''],
])('a page within a repository tells the branch and the folder: %s', (typed, branch, subdirectory) => {
  const found = readAddress(typed);
  expect(found).toMatchObject({ branch, subdirectory, problem: '' });
  expect(found.url).toMatch(/repo$/);
});

test.each([
  ['https://ada:ghp_secret@github.com/user/repo', 'https://github.com/user/repo'],
  ['https://ghp_secret@github.com/user/repo', 'https://github.com/user/repo'],
  ['git clone https://x:y@example.org/a', 'git clone https://example.org/a'],
  ['ssh://git:pass@example.org/a', 'ssh://git@example.org/a'],
])('credentials are taken out of %s', (typed, clean) => {
  expect(withoutCredentials(typed)).toBe(clean);
  expect(JSON.stringify(readAddress(typed))).not.toMatch(/secret|pass|x:y/);
});

test('an address without credentials is left alone', () => {
  expect(withoutCredentials('https://github.com/user/repo')).toBeNull();
  expect(withoutCredentials('git@github.com:user/repo')).toBeNull();
  expect(withoutCredentials('https://example.org/a@b')).toBeNull();
});

test.each(['', '   ', 'repo', 'https://github.com', 'https://github.com/user', 'https://', 'two words'])(
  '"%s" is no address yet, and it is said',
  (typed) => expect(readAddress(typed).problem).not.toBe(''),
);
