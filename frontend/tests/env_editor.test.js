import { beforeEach, expect, test, vi } from 'vitest';
import { envEditor } from '../src/js/components/env_editor.js';

/** @type {import('../src/js/components/env_editor.js').EnvEditor} */
let editor;
beforeEach(() => {
  editor = envEditor({ legend: 'When it runs' });
  document.body.replaceChildren(editor.element);
});

const names = () => [...editor.element.querySelectorAll('.env__row > input')];
const values = () => [...editor.element.querySelectorAll('.env__row > textarea')];
const type = (input, text) => {
  input.value = text;
  input.dispatchEvent(new Event('input', { bubbles: true }));
};
const paste = (input, text) => {
  const event = Object.assign(new Event('paste', { bubbles: true, cancelable: true }), {
    clipboardData: { getData: () => text },
  });
  input.dispatchEvent(event);
  return event.defaultPrevented;
};
const add = () => editor.element.querySelector('.env__add').click();

test('it is empty, and then gives nothing to send', () => {
  expect(editor.text()).toBe('');
  expect(editor.isValid()).toBe(true);
});

test('a row becomes a line', () => {
  add();
  type(names()[0], 'SECRET_KEY');
  type(values()[0], 'a b #c');
  expect(editor.text()).toBe("SECRET_KEY='a b #c'\n");
});

test('a whole file pasted into a name becomes rows, and its mistakes are named by line', () => {
  add();
  expect(paste(names()[0], 'A=1\nB="two\nlines"\nbroken\nA=3\n')).toBe(true);
  expect(editor.variables()).toEqual([
    { name: 'A', value: '1' },
    { name: 'B', value: 'two\nlines' },
  ]);
  const told = editor.element.querySelector('.env__report').textContent;
  expect(told).toContain('2 variables');
  expect(told).toContain('Line 4: ');
  expect(told).toContain('Line 5: A is set already on line 1');
});

test('a mere name is pasted as it is', () => {
  add();
  expect(paste(names()[0], 'SECRET_KEY')).toBe(false);
});

test('what is pasted again changes the value in place', () => {
  editor.set([{ name: 'A', value: '1' }]);
  add();
  paste(names()[1], 'A=2\n');
  expect(editor.variables()).toEqual([{ name: 'A', value: '2' }]);
});

test('a name twice is refused at its row', () => {
  editor.set([
    { name: 'A', value: '1' },
    { name: 'A', value: '2' },
  ]);
  expect(editor.isValid()).toBe(false);
  expect(names()[1].getAttribute('aria-invalid')).toBe('true');
  expect(editor.element.textContent).toContain('A is set already in row 1.');
});

test('a bad name is refused, and told when the row is left', () => {
  add();
  type(names()[0], '1A');
  names()[0].dispatchEvent(new Event('blur'));
  expect(editor.element.textContent).toContain('cannot start with a digit');
  expect(editor.isValid()).toBe(false);
  editor.focusFirstMistake();
  expect(document.activeElement).toBe(names()[0]);
});

test('a value without a name is refused; a row without both is left out', () => {
  add();
  expect(editor.isValid()).toBe(true);
  type(values()[0], 'x');
  expect(editor.isValid()).toBe(false);
});

test('values are masked until they are shown', () => {
  editor.set([{ name: 'A', value: 'secret' }]);
  expect(values()[0].classList.contains('masked')).toBe(true);
  editor.element.querySelector('.env__reveal').click();
  expect(values()[0].classList.contains('masked')).toBe(false);
});

test('names that the repository asks for are offered once, and not sent while they are empty', () => {
  editor.set([{ name: 'A', value: '1' }]);
  editor.offer([{ name: 'A' }, { name: 'B', source: '.env.example:2' }, { name: 'not a name' }]);
  expect(names().map(({ value }) => value)).toEqual(['A', 'B']);
  expect(editor.text()).toBe('A=1\n');
  type(values()[1], '2');
  expect(editor.text()).toBe('A=1\nB=2\n');
});

test('markup in a name stays text', () => {
  editor.set([{ name: '<img src=x>', value: '<b>' }]);
  expect(editor.element.querySelector('img, b')).toBeNull();
});

test('changes are told', () => {
  const onChange = vi.fn();
  const other = envEditor({ legend: 'x', onChange });
  other.set([{ name: 'A', value: '1' }]);
  expect(onChange).toHaveBeenCalled();
});
