import { describe, expect, test } from 'vitest';
import { envText, parseEnv, variablesIn, withVariables } from '../src/js/lib/env_text.js';

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

describe('other variables in a text', () => {
  const text = '# The app\nexport A=1 # one\n\nB="two"  # keep me\nbroken line\nC=3\n';

  test('leave comments, empty lines and what cannot be read where they are', () => {
    const variables = variablesIn(text);
    expect(variables.map(({ name }) => name)).toEqual(['A', 'B', 'C']);
    expect(withVariables(text, variables)).toBe(text);
  });

  test('change a line in place, take lines out and put new ones at the end', () => {
    const variables = [
      { name: 'A', value: 'new value' },
      { name: 'B', value: 'a # b' },
      { name: 'D', value: '4' },
    ];
    expect(withVariables(text, variables)).toBe(
      "# The app\nexport A=new value # one\n\nB='a # b'  # keep me\nbroken line\nD=4\n",
    );
  });

  test('a name that stands there twice keeps both of its lines', () => {
    expect(withVariables('A=1\nA=2\n', variablesIn('A=1\nA=2\n'))).toBe('A=1\nA=2\n');
  });

  test('a value of several lines is one entry', () => {
    const key = 'KEY="a\nb" # k\nB=1\n';
    expect(withVariables(key, variablesIn(key))).toBe(key);
    expect(withVariables(key, [{ name: 'KEY', value: 'x' }])).toBe('KEY=x # k\n');
  });
});
