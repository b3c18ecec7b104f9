import { beforeEach, expect, test, vi } from 'vitest';
import { EnvEditor } from '../src/js/components/env_editor.js';

/** @type {import('../src/js/components/env_editor.js').EnvEditor} */
let editor;
beforeEach(() => {
  editor = new EnvEditor({ legend: 'When it runs' });
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
  const other = new EnvEditor({ legend: 'x', onChange });
  other.set([{ name: 'A', value: '1' }]);
  expect(onChange).toHaveBeenCalled();
});

const mode = (text) => [...editor.element.querySelectorAll('.modes button')].find((one) => one.textContent === text);
const area = () => /** @type {HTMLTextAreaElement} */ (editor.element.querySelector('.envtext__input'));
const drop = async (place, text, name = 'app.env') => {
  const event = Object.assign(new Event('drop', { bubbles: true, cancelable: true }), {
    dataTransfer: { types: ['Files'], files: [new File([text], name)] },
  });
  place.dispatchEvent(event);
  await vi.waitFor(() => expect(editor.element.querySelector('.env__report').textContent).toContain(name));
};

test('rows and text show the same, and nothing is lost on the way', () => {
  editor.set([{ name: 'A', value: '1' }]);
  mode('Text').click();
  expect(area().value).toBe('A=1\n');
  type(area(), '# first\nA=2 # note\nB=x\n');
  expect(editor.variables()).toEqual([
    { name: 'A', value: '2' },
    { name: 'B', value: 'x' },
  ]);
  mode('Rows').click();
  expect(names().map(({ value }) => value)).toEqual(['A', 'B']);
  type(values()[0], '3');
  mode('Text').click();
  expect(area().value).toBe('# first\nA=3 # note\nB=x\n');
  expect(editor.element.textContent).toContain('Comments stay in this text');
});

test('a mistake in the text is told by its line, leads to it, and stops the deployment', () => {
  mode('Text').click();
  type(area(), 'A=1\nbroken\nA=2\n');
  expect(editor.isValid()).toBe(false);
  const told = [...editor.element.querySelectorAll('.envtext__errors li')].map((one) => one.textContent);
  expect(told).toEqual([expect.stringContaining('Line 2: broken has no value'), 'Line 3: A is set already on line 1']);
  editor.element.querySelector('.envtext__errors button').click();
  expect(document.activeElement).toBe(area());
  expect(area().value.slice(area().selectionStart, area().selectionEnd)).toBe('broken');
});

test('what cannot be a row stays in the text, and is told; a name twice is two rows', () => {
  mode('Text').click();
  type(area(), 'A=1\nbroken line\nA=2\n');
  mode('Rows').click();
  expect(names().map(({ value }) => value)).toEqual(['A', 'A']);
  expect(names()[1].getAttribute('aria-invalid')).toBe('true');
  expect(editor.element.querySelector('.env__report').textContent).toContain('Line 2: not of the form');
  mode('Text').click();
  expect(area().value).toBe('A=1\nbroken line\nA=2\n');
});

test('a dropped file fills the rows, and its comments are there as text', async () => {
  await drop(editor.element, '# mine\nA=1\n');
  expect(names().map(({ value }) => value)).toEqual(['A']);
  mode('Text').click();
  expect(area().value).toBe('# mine\nA=1\n');
});

test('a file dropped onto text changes what is known in place', async () => {
  editor.set([{ name: 'A', value: '1' }]);
  mode('Text').click();
  type(area(), '# mine\nA=1\n');
  await drop(editor.element, 'A=2\nB=3\n');
  expect(area().value).toBe('# mine\nA=2\nB=3\n');
});

test('names that the repository asks for are comments in the text, and rows again', () => {
  editor.offer([{ name: 'B', source: '.env.example:2' }]);
  mode('Text').click();
  expect(area().value).toBe('# B=  (named in .env.example:2)\n');
  expect(editor.text()).toBe('');
  mode('Rows').click();
  expect(names().map(({ value }) => value)).toEqual(['B']);
});
