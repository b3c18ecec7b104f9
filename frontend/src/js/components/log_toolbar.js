/** The bar over a log: search, follow, pause, wrap, copy, full screen, download, levels and times. Others give it work. */

import { el, uniqueId } from '../lib/dom.js';
import { icon } from './icon.js';

/**
 * @param {{ hasTimes: boolean, label: string, levels: HTMLElement }} what
 */
export function logToolbar({ hasTimes, label, levels }) {
  return el(
    'div',
    { class: 'log__bar', role: 'group', 'aria-label': `${label}: tools` },
    search(label),
    el(
      'div',
      { class: 'log__tools' },
      toggle('follow', 'arrow-down-to-line', 'Follow', 'f', true),
      toggle('pause', 'pause', 'Pause', 'space'),
      toggle('wrap', 'text-wrap', 'Wrap', 'w'),
      tool('copy', 'copy', 'Copy', 'Copy what is selected, else the marked lines, else all that are shown'),
      document.fullscreenEnabled && tool('screen', 'maximize', 'Full screen', 'Full screen'),
      tool('download', 'download', 'Download', 'Download the whole log'),
    ),
    el('div', { class: 'log__view' }, levels, hasTimes && times()),
  );
}

/** @param {string} label */
function search(label) {
  const input = el('input', {
    class: 'input log__search',
    type: 'search',
    placeholder: 'Search  /',
    title: 'Search (/). Enter: next match; L120: line 120; L120-L140: lines 120 to 140',
    'aria-label': `Search the ${label.toLowerCase()}`,
    spellcheck: 'false',
    autocomplete: 'off',
    dataset: { hook: 'search' },
  });
  const step = (/** @type {string} */ name, /** @type {string} */ image, /** @type {string} */ title) =>
    el(
      'button',
      { class: 'icon-button', type: 'button', title, 'aria-label': title, disabled: true, dataset: { hook: name } },
      icon(image),
    );
  return el(
    'div',
    { class: 'log__find' },
    el('div', { class: 'input-group log__query' }, icon('search'), input),
    el('span', { class: 'log__matches numbers', role: 'status', dataset: { hook: 'matches' } }),
    step('previous', 'chevron-up', 'Previous match (N)'),
    step('next', 'chevron-down', 'Next match (n)'),
  );
}

/**
 * @param {string} name
 * @param {string} image
 * @param {string} word
 * @param {string} key
 */
function toggle(name, image, word, key, isPressed = false) {
  return el(
    'button',
    {
      class: 'log__tool',
      type: 'button',
      title: `${word} (${key})`,
      'aria-label': word,
      'aria-pressed': String(isPressed),
      dataset: { hook: name },
    },
    icon(image),
    el('span', { class: 'log__word', text: word }),
  );
}

/**
 * A deed whose icon says it.
 * @param {string} name
 * @param {string} image
 * @param {string} word
 * @param {string} title
 */
function tool(name, image, word, title) {
  const props = { class: 'log__tool log__tool--icon', type: 'button', title, 'aria-label': word };
  return el('button', { ...props, dataset: { hook: name } }, icon(image));
}

function times() {
  const id = uniqueId('times');
  return el(
    'span',
    { class: 'log__times' },
    el('label', { class: 'visually-hidden', for: id, text: 'Times' }),
    icon('clock'),
    el(
      'select',
      { class: 'log__select', id, title: 'Times', dataset: { hook: 'times' } },
      el('option', { value: 'off', text: 'No times' }),
      el('option', { value: 'relative', text: 'Since start' }),
      el('option', { value: 'absolute', text: 'Clock' }),
    ),
  );
}
