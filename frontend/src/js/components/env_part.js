/** The variables of one kind that an app has: as rows, or as text in which stored values stay masked unless asked for. */

/** @import { StoredVariable } from '../types' */
/** @import { Variable } from '../lib/env_text.js' */
import { el, fill } from '../lib/dom.js';
import { variablesIn, withVariables } from '../lib/env_text.js';
import { EnvEditor } from './env_editor.js';
import { takeFiles } from './env_files.js';
import { envModes } from './env_modes.js';
import { StoredRow } from './env_stored_row.js';
import { EnvTextView } from './env_text_view.js';
import { icon } from './icon.js';

/** Stands for a stored value in the text; left as it is, the value stays. */
export const MASK = '••••••••';
const COMMENTS = 'Comments are lost when you leave the page: the Butler stores the variables only.';
const MASKED = `${MASK} stands for a stored value: leave it, and the value stays. A line that you delete is removed.`;

/** @typedef {StoredVariable['kind']} Kind */
/** @typedef {{ kind: Kind, set: Record<string, string>, unset: string[] }} Change */

export class EnvPart {
  #text = '';
  #isText = false;
  #isShown = false;

  /**
   * @param {{
   *   kind: Kind, title: string, hint: string, variables: StoredVariable[], before?: EnvPart, keepsText?: boolean,
   *   ask(variable: StoredVariable): Promise<string | null>, onChange(): void,
   * }} what `before` is what stood here until now: its mode stays, and with `keepsText` its comments
   */
  constructor({ kind, title, hint, variables, before, keepsText = false, ask, onChange }) {
    this.kind = kind;
    this.onChange = onChange;
    this.rows = variables.map((variable) => new StoredRow(variable, { ask: () => ask(variable), onChange }));
    this.editor = new EnvEditor({ legend: 'Add or replace', hasText: false, onChange });
    this.view = new EnvTextView({ label: `${title}, as text`, comments: COMMENTS, onInput: () => this.#typed() });
    this.modes = envModes({ label: `Show as: ${title}`, onChoose: (isText) => this.choose(isText) });
    this.revealer = el('button', { class: 'button button--small', type: 'button' });
    this.revealer.addEventListener('click', () => void this.#reveal(!this.#isShown));
    this.masked = el('p', { class: 'field__hint', text: MASKED });
    this.asRows = el('div', { class: 'stack' }, this.#list(), this.editor.element);
    this.asText = el('div', { class: 'stack', hidden: true }, this.view.element, this.masked);
    this.element = this.#section(title, hint);
    this.#drawRevealer();
    if (before && keepsText) this.#text = before.text;
    if (before?.isText) this.choose(true);
  }

  get isText() {
    return this.#isText;
  }

  /** What stands in the text. @returns {string} */
  get text() {
    return this.view.text;
  }

  /** Whether somebody looks at something here or changes it, so that it must stay as it is. */
  get isTouched() {
    return this.rows.some((row) => row.isTouched) || (this.#isText && !this.view.check());
  }

  /** Whether it can be saved; also shows what is wrong. */
  isValid() {
    return this.#isText ? this.view.check() : this.editor.isValid();
  }

  focusFirstMistake() {
    if (this.#isText) this.view.focus();
    else this.editor.focusFirstMistake();
  }

  /** What differs from what is stored; what was typed into the rows counts beside what is new. @returns {Change} */
  change() {
    /** @type {Change} */
    const change = { kind: this.kind, set: {}, unset: [] };
    for (const row of this.rows) {
      const edit = row.edit();
      if (edit?.isRemoved) change.unset.push(row.variable.name);
      else if (edit?.set !== undefined) change.set[row.variable.name] = edit.set;
    }
    for (const { name, value } of this.editor.variables()) change.set[name] = value;
    change.unset = change.unset.filter((name) => !(name in change.set));
    return change;
  }

  /** @param {boolean} isText */
  choose(isText) {
    if (isText === this.#isText) return;
    this.#isText = isText;
    if (isText) this.#toText();
    else this.#text = this.view.text;
    this.modes.show(isText);
    this.asRows.hidden = isText;
    this.asText.hidden = !isText;
  }

  #toText() {
    this.view.set(withVariables(this.#text, [...this.#stored(), ...this.editor.variables()]));
    this.masked.hidden = !this.view.text.includes(MASK);
  }

  /** @returns {Variable[]} what the next deployment gets, masked where it is not known */
  #stored() {
    const replaced = new Set(this.editor.variables().map(({ name }) => name));
    return this.rows
      .filter((row) => !row.isLeftOut && !replaced.has(row.variable.name))
      .map((row) => ({ name: row.variable.name, value: row.known ?? MASK }));
  }

  /** The rows follow the text, so that both say the same. */
  #typed() {
    const left = variablesIn(this.view.text);
    for (const row of this.rows) {
      const index = left.findIndex(({ name }) => name === row.variable.name);
      const found = index < 0 ? null : left.splice(index, 1)[0].value;
      if (found === null) row.setEdit({ isRemoved: true });
      else row.setEdit(found === MASK || found === row.shown ? null : { set: found });
    }
    this.editor.set(left);
    this.masked.hidden = !this.view.text.includes(MASK);
    this.onChange();
  }

  /** @param {boolean} isShown */
  async #reveal(isShown) {
    const before = new Map(this.rows.map((row) => [row, row.shown]));
    await Promise.all(this.rows.map((row) => row.reveal(isShown)));
    this.#isShown = isShown && this.rows.every((row) => row.shown !== null || row.variable.value === null);
    this.#drawRevealer();
    if (!this.#isText) return;
    const stored = new Map(this.rows.map((row) => [row.variable.name, row]));
    const shown = variablesIn(this.view.text).map(({ name, value }) => {
      const row = stored.get(name);
      const isSame = row && (value === MASK || value === before.get(row));
      return { name, value: isSame ? (row.shown ?? MASK) : value };
    });
    this.view.set(withVariables(this.view.text, shown));
    this.#typed();
  }

  #drawRevealer() {
    const text = this.#isShown ? 'Hide values' : 'Show values';
    fill(this.revealer, icon(this.#isShown ? 'eye-off' : 'eye'), text);
    this.revealer.setAttribute('aria-pressed', String(this.#isShown));
    this.revealer.hidden = !this.rows.length;
  }

  /** @param {string} text a whole file, dropped or uploaded while the text is shown */
  #take(text) {
    const known = new Map(variablesIn(this.view.text).map(({ name, value }) => [name, value]));
    for (const { name, value } of variablesIn(text)) known.set(name, value);
    const isEmpty = !this.view.text.trim();
    const all = [...known].map(([name, value]) => ({ name, value }));
    this.view.set(isEmpty ? text : withVariables(this.view.text, all));
    this.#typed();
  }

  #list() {
    if (!this.rows.length) return el('p', { class: 'muted small', text: 'None is set.' });
    return el('ul', { class: 'vars', role: 'list' }, ...this.rows.map((row) => row.element));
  }

  /**
   * @param {string} title
   * @param {string} hint
   */
  #section(title, hint) {
    const upload = el('button', { class: 'button button--small', type: 'button' }, icon('upload'), 'Upload .env');
    const problem = el('p', { class: 'field__error' });
    const file = takeFiles({
      place: this.asText,
      button: upload,
      onFile: (text) => this.#take(text),
      onProblem: (text) => (problem.textContent = text),
    });
    this.asText.append(problem, el('div', { class: 'row' }, upload, file));
    const deeds = el('div', { class: 'row' }, this.revealer, this.modes.element);
    return el(
      'section',
      { class: 'card stack', 'aria-label': title },
      el(
        'div',
        {},
        el('div', { class: 'card__head card__head--tight' }, el('h2', { text: title }), deeds),
        el('p', { class: 'muted small', text: hint }),
      ),
      this.asRows,
      this.asText,
    );
  }
}
