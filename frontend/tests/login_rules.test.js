import { expect, test } from 'vitest';
import { nextAddress, problemOf } from '../src/js/lib/login_rules.js';

test.each([
  ['/applications?q=a#x', '/applications?q=a#x'],
  ['/', '/'],
  [null, '/'],
  ['https://evil.example/', '/'],
  ['//evil.example/', '/'],
  ['/\\evil.example/', '/'],
  ['/\t/evil.example', '/'],
  ['javascript:alert(1)', '/'],
  ['/login?next=/login', '/'],
])('after a log-in, next=%s leads to %s', (wanted, there) => {
  expect(nextAddress(wanted, 'http://localhost:8000')).toBe(there);
});

test('a log-in is judged by the server alone, except that nothing may be empty', () => {
  expect(problemOf('username', 'x', false)).toBe('');
  expect(problemOf('password', 'x', false)).toBe('');
  expect(problemOf('username', '  ', false)).not.toBe('');
  expect(problemOf('password', '', false)).not.toBe('');
});

test('a new account follows the rules of the server', () => {
  expect(problemOf('username', 'ada-1', true)).toBe('');
  expect(problemOf('username', '-ada', true)).toContain('starts with');
  expect(problemOf('email', 'ada@nas', true)).toBe('');
  expect(problemOf('email', 'ada', true)).not.toBe('');
  expect(problemOf('password', '       ', true)).toContain('8');
  expect(problemOf('password', '        ', true)).toBe('');
});
