import { describe, expect, test } from 'vitest';
import { envText, parseEnv } from '../src/js/lib/env_text.js';

const asObject = (text) => Object.fromEntries(parseEnv(text).variables.map(({ name, value }) => [name, value]));

describe('a file is read', () => {
  test.each([
    ['A=1\nB=two words\n', { A: '1', B: 'two words' }],
    ['export A=1 # note', { A: '1' }],
    ['# nothing\n\nA=\n', { A: '' }],
    ["A='it\\'s'\nB=\"a\\nb\"", { A: "it's", B: 'a\nb' }],
    ['KEY="-----BEGIN\nabc\n-----END"\nB=2', { KEY: '-----BEGIN\nabc\n-----END', B: '2' }],
    ['PASSWORD=pa$$w#rd', { PASSWORD: 'pa$$w#rd' }],
    ['URL=postgres://u:p@h/db?a=b', { URL: 'postgres://u:p@h/db?a=b' }],
    ['\ufeffA=1\r\nB=2\r\n', { A: '1', B: '2' }],
    ['A = 1', { A: '1' }],
    ['A="#not a note" # a note', { A: '#not a note' }],
  ])('%j', (text, variables) => {
    expect(parseEnv(text).mistakes).toEqual([]);
    expect(asObject(text)).toEqual(variables);
  });
});

test.each([
  ['A=1\nB C\n', 2, 'not of the form'],
  ['A=1\n\nA=2', 3, 'set already on line 1'],
  ['A=1\nB="open\nC=3', 2, 'does not end'],
  ['1A=x', 1, 'digit'],
  ['A-B=x', 1, 'letters'],
  ['TOKEN', 1, 'has no value'],
  ['A="x" y', 1, 'follows'],
])('a mistake is named by its line: %j', (text, line, words) => {
  const [mistake] = parseEnv(text).mistakes;
  expect(mistake.line).toBe(line);
  expect(mistake.text).toContain(words);
});

test('one unclosed quote does not swallow the lines after it', () => {
  expect(asObject('A="open\nB=2\nC=3')).toEqual({ B: '2', C: '3' });
});

test.each([
  '',
  'plain',
  ' padded ',
  "it's",
  'a "b"',
  'line\nbreak',
  'a #b',
  '#start',
  '"quoted"',
  '\\n',
  "back\\'slash",
  '$HOME',
  'ü€',
])('the value %j survives being written and read', (value) =>
  expect(
    asObject(
      envText([
        { name: 'A', value },
        { name: 'B', value: 'x' },
      ]),
    ),
  ).toEqual({ A: value, B: 'x' }),
);
