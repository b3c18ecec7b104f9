/**
 * Environment variables as rows or as text: typed, pasted, uploaded or dropped as a whole `.env` file, masked, with mistakes
 * at their row or line.
 */

import '../../css/parts/forms.css';
import { el, fill } from '../lib/dom.js';
import { envText, parseEnv, problemOfName, variablesIn, withVariables } from '../lib/env_text.js';
import { plural } from '../lib/format.js';
import { announce } from './announce.js';
import { takeFiles } from './env_files.js';
import { envModes } from './env_modes.js';
import { EnvRow } from './env_row.js';
import { EnvTextView, mistakeList } from './env_text_view.js';
import { icon } from './icon.js';

/** @import { Variable, Mistake } from '../lib/env_text.js' */
/** @typedef {{ name: string, source?: string }} Offered */

export class EnvEditor {
  /** @type {EnvRow[]} */
  #rows = [];
  /** The text that the rows came from, for its comments. */
  #text = '';
  #isText = false;
  #isShown = false;
  /** Names that the repository asks for. @type {Offered[]} */
  #offered = [];

  /** @param {{ legend: string, hint?: string, hasText?: boolean, onChange?: () => void }} what */
  constructor({ legend, hint = '', hasText = true, onChange = () => {} }) {
    this.onChange = onChange;
    this.view = new EnvTextView({ label: `${legend}, as text`, onInput: onChange });
    this.modes = envModes({ label: 'Show as', onChoose: (isText) => this.#choose(isText) });
    this.list = el('div', { class: 'env__rows' });
    this.report = el('div', { class: 'env__report', role: 'status' });
    this.adder = deed('add', 'plus', 'Add a variable', () => this.#add());
    this.revealer = deed('reveal', 'eye', 'Show values', () => this.#reveal(!this.#isShown));
    this.tip = el('p', { class: 'field__hint env__tip', text: TIP });
    this.element = this.#fieldset(legend, hint, hasText);
    this.view.element.hidden = true;
    this.#show();
  }

  /** What is to be sent. @returns {Variable[]} */
  variables() {
    return this.#isText ? parseEnv(this.view.text).variables : variablesOf(this.#rows);
  }

  /** The same as the text of a file. */
  text() {
    return envText(this.variables());
  }

  /** Whether all of it can be sent; also shows what is wrong. */
  isValid() {
    if (this.#isText) return this.view.check();
    return this.#rows.map((row) => row.check()).every(Boolean) && !showDuplicates(this.#rows);
  }

  focusFirstMistake() {
    /** @type {HTMLElement | null} */ (this.element.querySelector('[aria-invalid="true"]'))?.focus();
  }

  /** @param {Variable[]} variables */
  set(variables) {
    this.#text = '';
    this.#rows = variables.map((variable) => this.#row(variable));
    this.view.set(envText(variables));
    fill(this.report);
    this.#show();
    this.#offerRows();
  }

  /** Adds what the repository asks for; left without a value, it is not sent. @param {Offered[]} offered */
  offer(offered) {
    const known = new Set(this.#offered.map(({ name }) => name));
    this.#offered.push(...offered.filter(({ name }) => !problemOfName(name) && !known.has(name)));
    if (this.#isText) this.view.set(withOffered(this.view.text, this.#offered));
    else this.#offerRows();
  }

  #offerRows() {
    const missing = this.#offered.filter(({ name }) => !this.#rows.some((row) => row.name.value === name));
    this.#rows.push(...missing.map((one) => this.#row(one)));
    if (missing.length) this.#show();
  }

  /** @param {Partial<Variable> & { source?: string }} [variable] */
  #row(variable = {}) {
    const row = new EnvRow(variable, {
      onChange: () => this.#changed(),
      onRemove: (one) => this.#remove(one),
      onPaste: (text, one) => this.#paste(text, one),
    });
    if (this.#isShown) row.reveal(true);
    return row;
  }

  #changed() {
    showDuplicates(this.#rows);
    this.onChange();
  }

  #show() {
    this.list.replaceChildren(...this.#rows.map((row) => row.element));
    this.element.classList.toggle('env--empty', this.#rows.length === 0);
    this.#changed();
  }

  #add() {
    const row = this.#row();
    this.#rows.push(row);
    this.list.append(row.element);
    this.element.classList.remove('env--empty');
    row.name.focus();
  }

  /** @param {EnvRow} row */
  #remove(row) {
    const index = this.#rows.indexOf(row);
    this.#rows = this.#rows.filter((other) => other !== row);
    this.#offered = this.#offered.filter(({ name }) => name !== row.name.value);
    this.#show();
    (this.#rows[Math.min(index, this.#rows.length - 1)]?.name ?? this.adder).focus();
    announce(`${row.name.value || 'The variable'} was removed.`);
  }

  /**
   * @param {string} text
   * @param {EnvRow} row where it was pasted
   */
  #paste(text, row) {
    if (!row.value.value) this.#rows = this.#rows.filter((other) => other !== row);
    this.#take(text, 'what you pasted');
    this.#rows.at(-1)?.name.focus();
  }

  /**
   * Takes a whole file over: what is known gets its value, the rest is added.
   * @param {string} text
   * @param {string} from
   */
  #take(text, from) {
    const { variables, mistakes } = parseEnv(text);
    if (this.#isText) {
      const isEmpty = !this.view.text.trim();
      this.view.set(isEmpty ? text : withVariables(this.view.text, merged(this.variables(), variables)));
      this.onChange();
    } else {
      if (!variablesOf(this.#rows).length) this.#text = text;
      for (const { name, value } of variables) {
        const known = this.#rows.find((row) => row.name.value === name);
        if (known) known.setValue(value);
        else this.#rows.push(this.#row({ name, value }));
      }
      this.#rows = this.#rows.filter((row) => row.name.value || row.value.value);
      this.#show();
    }
    tellTaken(this.report, variables.length, this.#isText ? [] : mistakes, from);
  }

  /** @param {boolean} isText */
  #choose(isText) {
    if (isText === this.#isText) return;
    this.#isText = isText;
    fill(this.report);
    if (isText) this.view.set(withOffered(withVariables(this.#text, allOf(this.#rows)), this.#offered));
    else this.#fromText();
    this.modes.show(isText);
    for (const part of [this.list, this.adder, this.revealer, this.tip]) part.hidden = isText;
    this.view.element.hidden = !isText;
    this.onChange();
  }

  #fromText() {
    this.#text = this.view.text;
    const sources = new Map(this.#offered.map(({ name, source }) => [name, source]));
    this.#rows = variablesIn(this.#text).map((one) => this.#row({ ...one, source: sources.get(one.name) }));
    this.#offerRows();
    this.#show();
    for (const row of this.#rows) row.check();
    showDuplicates(this.#rows);
    const unread = parseEnv(this.#text).mistakes.filter((one) => !hasRow(this.#text, one.line));
    if (unread.length) fill(this.report, mistakeList(unread), el('p', { class: 'small', text: KEPT }));
  }

  /** @param {boolean} isShown */
  #reveal(isShown) {
    this.#isShown = isShown;
    this.revealer.setAttribute('aria-pressed', String(isShown));
    fill(this.revealer, icon(isShown ? 'eye-off' : 'eye'), isShown ? 'Hide values' : 'Show values');
    for (const row of this.#rows) row.reveal(isShown);
  }

  /**
   * @param {string} legend
   * @param {string} hint
   * @param {boolean} hasText
   */
  #fieldset(legend, hint, hasText) {
    const upload = deed('upload', 'upload', 'Upload .env', () => {});
    const element = el('fieldset', { class: 'env' });
    const file = takeFiles({
      place: element,
      button: upload,
      onFile: (text, name) => this.#take(text, name),
      onProblem: (text) => fill(this.report, el('p', { class: 'field__error', text })),
    });
    element.append(
      el('legend', { class: 'env__legend', text: legend }),
      el('div', { class: 'env__head' }, el('p', { class: 'field__hint', text: hint }), hasText && this.modes.element),
      this.list,
      ...(hasText ? [this.view.element] : []),
      this.report,
      el('div', { class: 'row' }, this.adder, upload, this.revealer, file),
      this.tip,
    );
    return element;
  }
}

const TIP = 'Or paste a whole .env file into a name, or drop one here.';
const KEPT = 'They are kept as they are under Text, and are not sent.';

/**
 * @param {string} name
 * @param {string} image
 * @param {string} text
 * @param {() => void} onClick
 */
function deed(name, image, text, onClick) {
  const props = { class: `button button--small env__${name}`, type: 'button', on: { click: onClick } };
  return el('button', props, icon(image), text);
}

/** @param {EnvRow[]} rows */
function allOf(rows) {
  return rows
    .filter((row) => (row.name.value.trim() || row.value.value) && (row.value.value || !row.isOffered))
    .map((row) => ({ name: row.name.value.trim(), value: row.value.value }));
}

/** @param {EnvRow[]} rows */
function variablesOf(rows) {
  return allOf(rows).filter(({ name }) => name);
}

/**
 * @param {Variable[]} known
 * @param {Variable[]} added whose values win
 */
function merged(known, added) {
  const values = new Map([...known, ...added].map(({ name, value }) => [name, value]));
  return [...values].map(([name, value]) => ({ name, value }));
}

/**
 * The text with the names that the repository asks for as comments, where they are not set.
 * @param {string} text
 * @param {Offered[]} offered
 */
function withOffered(text, offered) {
  const lines = offered
    .filter(({ name }) => !new RegExp(`^\\s*(#\\s*)?(export\\s+)?${name}\\s*=`, 'm').test(text))
    .map(({ name, source }) => `# ${name}=${source ? `  (named in ${source})` : ''}\n`);
  return text + (text && !text.endsWith('\n') && lines.length ? '\n' : '') + lines.join('');
}

/**
 * Whether a line that is wrong is a row nevertheless, which says so itself.
 * @param {string} text
 * @param {number} line
 */
function hasRow(text, line) {
  return variablesIn(text.split('\n')[line - 1] ?? '').length > 0;
}

/**
 * Marks names that stand there twice; gives whether there are any.
 * @param {EnvRow[]} rows
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
  const taken = ` ${plural(count, 'variable')} taken from ${from}.`;
  fill(report, el('p', { class: 'small' }, icon('circle-check'), taken), mistakeList(mistakes));
}
