import { describe, expect, test } from 'vitest';
import { levelOf } from '../src/js/lib/log_level.js';

const level = (text, kind = 'line') => levelOf(text, kind);

describe('how grave a line is', () => {
  test.each([
    ['{"level":"error","msg":"all is fine"}', 'error'],
    ['{"severity":"WARNING","message":"an error"}', 'warn'],
    ['{"level":30,"msg":"an error was handled"}', 'info'],
    ['{"level":50,"msg":"x"}', 'error'],
    ['{"level":20,"msg":"x"}', 'debug'],
    ['{"level":3,"msg":"syslog counts the other way"}', 'error'],
    ['{"level":6}', 'info'],
    ['{"log.level":"fatal"}', 'error'],
    ['api | {"level":"debug","msg":"x"}', 'debug'],
  ])('stands in JSON first: %s', (text, expected) => expect(level(text)).toBe(expected));

  test.each([
    ['<11>Jan 15 10:30:00 host app: x', 'error'],
    ['<12>x', 'warn'],
    ['<15>an error', 'debug'],
    ['time=2024-01-15T10:30:00Z level=warn msg="an error"', 'warn'],
    ['ts=1 severity="ERROR" msg=x', 'error'],
    ['level=50 msg=x', 'error'],
  ])('then as a number of syslog or in logfmt: %s', (text, expected) => expect(level(text)).toBe(expected));

  test.each([
    ['ERROR: process "/bin/sh -c npm ci" did not complete', 'error'],
    ['[2024-01-15 10:30:00 +0000] [7] [INFO] Booting worker after an error', 'info'],
    ['2024-01-15T10:30:00.123Z WARN disk', 'warn'],
    ['INFO:     127.0.0.1:1 - "GET /error HTTP/1.1" 200 OK', 'info'],
    ['web | DEBUG: error', 'debug'],
    ['npm error code E404', 'error'],
    ['npm warn deprecated left-pad@1.0.0', 'warn'],
    ["ModuleNotFoundError: No module named 'flask'", 'error'],
    ['Traceback (most recent call last):', 'error'],
    ['3 tests passed, 1 failed', 'error'],
  ])('then in words: %s', (text, expected) => expect(level(text)).toBe(expected));

  test.each([
    'GET / 200',
    'found 0 vulnerabilities',
    'compiled with no error',
    '0 failed, 12 passed',
    'copying error_card.js',
    '{"msg":"hello"}',
    '{broken json: true}',
    '',
  ])('is not guessed: %s', (text) => expect(level(text)).toBeNull());

  test('is what the Butler says of its own lines, whatever they hold', () => {
    expect(level('an error', 'note')).toBe('info');
    expect(level('x', 'warning')).toBe('warn');
    expect(level('x', 'stage-failed')).toBe('error');
  });

  test('is found in a very long line without going through it again and again', () => {
    const long = '1'.repeat(200_000);
    expect(level(`${long} error`)).toBe('error');
    expect(level(`{${'{'.repeat(100_000)}}`)).toBeNull();
  });
});
