/** Environment variables as rows: typed, pasted or uploaded as a whole `.env` file, masked, with mistakes at their row. */

import { el, fill, hook } from '../lib/dom.js';
import { envText, parseEnv, problemOfName } from '../lib/env_text.js';
import { plural } from '../lib/format.js';
import { announce } from './announce.js';
import { envRow } from './env_row.js';
import { icon } from './icon.js';

/** @import { Variable, Mistake } from '../lib/env_text.js' */
/** @import { Row } from './env_row.js' */

const LARGEST_BYTES = 64 * 1024;

/**
 * @typedef {{
 *   element: HTMLElement, variables(): Variable[], text(): string, isValid(): boolean, focusFirstMistake(): void,
 *   set(variables: Variable[]): void, offer(offered: { name: string, source?: string }[]): void,
 * }} EnvEditor `text` is what the API takes as a file; `isValid` also shows what is wrong; `offer` adds rows for names
 *   that the repository asks for.
 */

/**
 * @param {{ legend: string, hint?: string, onChange?: () => void }} what
 * @returns {EnvEditor}
 */
export function envEditor({ legend, hint = '', onChange }) {
  /** @type {Row[]} */
  let rows = [];
  const element = template(legend, hint);
  const list = hook('rows', element);
  const report = hook('report', element);

  const changed = () => {
    showDuplicates(rows);
    onChange?.();
  };
  const make = (/** @type {Partial<Variable> & { source?: string }} */ variable = {}) => {
    const row = envRow(variable, {
      onChange: changed,
      onRemove: () => remove(row),
      onPaste: (text) => paste(text, row),
    });
    return row;
  };
  const show = () => {
    list.replaceChildren(...rows.map((row) => row.element));
    element.classList.toggle('env--empty', rows.length === 0);
    changed();
  };
  const add = () => {
    const row = make();
    rows.push(row);
    list.append(row.element);
    element.classList.remove('env--empty');
    row.name.focus();
  };
  const remove = (/** @type {Row} */ row) => {
    const index = rows.indexOf(row);
    rows = rows.filter((other) => other !== row);
    show();
    (rows[Math.min(index, rows.length - 1)]?.name ?? hook('add', element)).focus();
    announce(`${row.name.value || 'The variable'} was removed.`);
  };
  const take = (/** @type {string} */ text, /** @type {string} */ from) => {
    const { variables, mistakes } = parseEnv(text);
    for (const { name, value } of variables) {
      const known = rows.find((row) => row.name.value === name);
      if (known) known.setValue(value);
      else rows.push(make({ name, value }));
    }
    rows = rows.filter((row) => row.name.value || row.value.value);
    show();
    tellTaken(report, variables.length, mistakes, from);
  };
  const paste = (/** @type {string} */ text, /** @type {Row} */ row) => {
    if (!row.value.value) rows = rows.filter((other) => other !== row);
    take(text, 'what you pasted');
    rows.at(-1)?.name.focus();
  };

  hook('add', element).addEventListener('click', add);
  hook('reveal', element).addEventListener('click', (event) =>
    revealAll(rows, /** @type {HTMLElement} */ (event.currentTarget)),
  );
  takeFiles(element, (text, name) => take(text, name), report);
  show();

  return {
    element,
    variables: () => variablesOf(rows),
    text: () => envText(variablesOf(rows)),
    isValid: () => rows.map((row) => row.check()).every(Boolean) && !showDuplicates(rows),
    focusFirstMistake: () =>
      /** @type {HTMLElement | null} */ (element.querySelector('[aria-invalid="true"]'))?.focus(),
    set(variables) {
      rows = variables.map(make);
      fill(report);
      show();
    },
    offer(offered) {
      const missing = offered.filter(
        ({ name }) => !problemOfName(name) && !rows.some((row) => row.name.value === name),
      );
      rows.push(...missing.map((one) => make({ ...one, value: '' })));
      if (missing.length) show();
    },
  };
}

/**
 * @param {string} legend
 * @param {string} hint
 */
function template(legend, hint) {
  const file = el('input', {
    class: 'visually-hidden',
    type: 'file',
    tabindex: '-1',
    'aria-hidden': 'true',
    dataset: { hook: 'file' },
  });
  const button = (/** @type {string} */ name, /** @type {string} */ image, /** @type {string} */ text) =>
    el(
      'button',
      { class: `button button--small env__${name}`, type: 'button', dataset: { hook: name } },
      icon(image),
      text,
    );
  return el(
    'fieldset',
    { class: 'env' },
    el('legend', { class: 'env__legend', text: legend }),
    hint && el('p', { class: 'field__hint', text: hint }),
    el('div', { class: 'env__rows', dataset: { hook: 'rows' } }),
    el('div', { class: 'env__report', role: 'status', dataset: { hook: 'report' } }),
    el(
      'div',
      { class: 'row' },
      button('add', 'plus', 'Add a variable'),
      button('upload', 'upload', 'Upload .env'),
      button('reveal', 'eye', 'Show values'),
      file,
    ),
    el('p', { class: 'field__hint env__tip', text: 'Or paste a whole .env file into a name.' }),
  );
}

/** @param {Row[]} rows */
function variablesOf(rows) {
  return rows
    .filter((row) => row.name.value.trim() && (row.value.value || !row.isOffered))
    .map((row) => ({ name: row.name.value.trim(), value: row.value.value }));
}

/**
 * Marks names that stand there twice; gives whether there are any.
 * @param {Row[]} rows
 */
function showDuplicates(rows) {
  const seen = new Map();
  let hasAny = false;
  rows.forEach((row, index) => {
    const name = row.name.value.trim();
    const first = name ? seen.get(name) : undefined;
    if (name && first === undefined) seen.set(name, index);
    row.setDuplicate(first === undefined ? '' : `${name} is set already in row ${first + 1}.`);
    hasAny ||= first !== undefined;
  });
  return hasAny;
}

/**
 * @param {HTMLElement} report
 * @param {number} count
 * @param {Mistake[]} mistakes
 * @param {string} from
 */
function tellTaken(report, count, mistakes, from) {
  const lines = mistakes.map(({ line, text }) => el('li', {}, el('strong', { text: `Line ${line}: ` }), text));
  fill(
    report,
    el('p', { class: 'small' }, icon('circle-check'), ` ${plural(count, 'variable')} taken from ${from}.`),
    lines.length > 0 &&
      el('p', { class: 'field__error' }, icon('circle-alert'), `${plural(lines.length, 'line')} could not be read:`),
    lines.length > 0 && el('ul', { class: 'env__mistakes' }, ...lines),
  );
}

/**
 * @param {HTMLElement} element
 * @param {(text: string, name: string) => void} take
 * @param {HTMLElement} report
 */
function takeFiles(element, take, report) {
  const input = /** @type {HTMLInputElement} */ (hook('file', element));
  const read = async (/** @type {File | undefined} */ file) => {
    if (!file) return;
    if (file.size > LARGEST_BYTES)
      return fill(report, el('p', { class: 'field__error', text: `${file.name} is larger than 64 KiB.` }));
    take(await file.text(), file.name);
  };
  hook('upload', element).addEventListener('click', () => input.click());
  input.addEventListener('change', async () => {
    await read(input.files?.[0]);
    input.value = '';
  });
  element.addEventListener('dragover', (event) => event.preventDefault());
  element.addEventListener('drop', (event) => {
    event.preventDefault();
    read(event.dataTransfer?.files[0]);
  });
}

/**
 * @param {Row[]} rows
 * @param {HTMLElement} button
 */
function revealAll(rows, button) {
  const isShown = button.getAttribute('aria-pressed') !== 'true';
  button.setAttribute('aria-pressed', String(isShown));
  fill(button, icon(isShown ? 'eye-off' : 'eye'), isShown ? 'Hide values' : 'Show values');
  for (const row of rows) row.reveal(isShown);
}
