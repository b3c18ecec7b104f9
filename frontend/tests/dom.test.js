import { expect, test } from 'vitest';
import { el, fill, safeAddress } from '../src/js/lib/dom.js';

test('text from outside stays text', () => {
  const element = el('p', {}, '<img src=x onerror=alert(1)>');
  expect(element.childElementCount).toBe(0);
  expect(element.textContent).toBe('<img src=x onerror=alert(1)>');
});

test.each(['javascript:alert(1)', 'data:text/html,x', ' javascript:alert(1)', 'vbscript:x', ''])(
  'a link never gets the address "%s"',
  (address) => {
    expect(el('a', { href: address }).hasAttribute('href')).toBe(false);
    expect(safeAddress(address)).toBeNull();
  },
);

test('addresses of this site and of the web are kept', () => {
  expect(el('a', { href: '/applications?q=a' }).getAttribute('href')).toBe('/applications?q=a');
  expect(safeAddress('http://localhost:8080')).toBe('http://localhost:8080');
});

test('style and event attributes are refused', () => {
  expect(() => el('p', { style: 'color:red' })).toThrow();
  expect(() => el('p', { onclick: 'x()' })).toThrow();
});

test('false, null and undefined leave an attribute and a child out', () => {
  const element = el('button', { disabled: false, title: null, hidden: true }, null, false, 0);
  expect(element.outerHTML).toBe('<button hidden="">0</button>');
  fill(element, 'a', ['b', undefined]);
  expect(element.textContent).toBe('ab');
});
