/** The palette: apps, pages and actions, found by typing. */

/** @import { Command } from '../lib/commands.js' */
import '../../css/components/palette.css';
import { allApps } from '../lib/apps_store.js';
import { matching, offeredCommands } from '../lib/commands.js';
import { el, fill, uniqueId } from '../lib/dom.js';
import { repositoryName } from '../lib/format.js';
import { standing } from './app_facts.js';
import { icon } from './icon.js';

/** @type {Command[]} */
const PAGES = [
  { kind: 'Page', word: 'Dashboard', icon: 'layout-dashboard', more: 'home', href: '/' },
  { kind: 'Page', word: 'Applications', icon: 'boxes', more: 'list', href: '/applications' },
  { kind: 'Page', word: 'New deployment', icon: 'plus', more: 'deploy', href: '/#deploy' },
  { kind: 'Page', word: 'Account', icon: 'user', more: 'password token sessions', href: '/account' },
];
const MOST_SHOWN = 60;

export function openPalette() {
  new Palette().open();
}

class Palette {
  /** @type {Command[]} */
  #apps = [];
  /** @type {Command[]} */
  #shown = [];
  #active = 0;

  constructor() {
    this.listId = uniqueId('commands');
    this.input = el('input', {
      class: 'input palette__input',
      type: 'text',
      role: 'combobox',
      'aria-expanded': 'true',
      'aria-controls': this.listId,
      'aria-autocomplete': 'list',
      'aria-label': 'Find an app, a page or an action',
      placeholder: 'Find an app, a page or an action',
      autocomplete: 'off',
      autocapitalize: 'off',
      spellcheck: 'false',
    });
    this.list = el('ul', { class: 'palette__list', id: this.listId, role: 'listbox', 'aria-label': 'Found' });
    this.none = el('p', { class: 'palette__none muted small', role: 'status' });
    this.dialog = el(
      'dialog',
      { class: 'dialog glass palette', 'aria-label': 'Palette' },
      el('div', { class: 'input-group palette__field' }, icon('search'), this.input),
      this.list,
      this.none,
    );
  }

  open() {
    const { dialog, input } = this;
    input.addEventListener('input', () => this.#find());
    input.addEventListener('keydown', (event) => this.#pressed(event));
    dialog.addEventListener('close', () => dialog.remove());
    // A press beside it closes it.
    dialog.addEventListener('pointerdown', (event) => event.target === dialog && dialog.close());
    document.body.append(dialog);
    dialog.showModal();
    input.focus();
    this.#find();
    void this.#load();
  }

  async #load() {
    const apps = await allApps().catch(() => []);
    this.#apps = apps.map((app) => ({
      kind: 'App',
      word: repositoryName(app.git_url),
      icon: 'package',
      more: `${app.container_name} · ${standing(app)}`,
      href: `/applications/${encodeURIComponent(app.container_name)}`,
    }));
    this.#find();
  }

  #find() {
    const offered = offeredCommands();
    // Places come before deeds: Enter alone does nothing that matters.
    const places = [...offered.filter(({ kind }) => kind !== 'Action'), ...this.#apps, ...PAGES];
    const deeds = offered.filter(({ kind }) => kind === 'Action');
    this.#shown = matching([...places, ...deeds], this.input.value).slice(0, MOST_SHOWN);
    this.none.textContent = this.#shown.length ? '' : 'Nothing is called that.';
    fill(this.list, ...this.#shown.map((command) => this.#option(command)));
    this.#choose(0);
  }

  /** @param {Command} command */
  #option(command) {
    const { word, kind, more, icon: image } = command;
    const option = el(
      'li',
      { class: 'palette__option', role: 'option', id: uniqueId('command'), 'aria-selected': 'false' },
      icon(image),
      el('span', { class: 'palette__word truncate', text: word }),
      kind === 'App' && el('span', { class: 'palette__more truncate', text: more }),
      el('span', { class: 'palette__kind', text: kind }),
    );
    option.addEventListener('pointermove', () => this.#choose(this.#shown.indexOf(command)));
    option.addEventListener('click', () => this.#run(command));
    return option;
  }

  /** @param {number} index */
  #choose(index) {
    this.#active = index;
    const options = [...this.list.children];
    options.forEach((option, place) => option.setAttribute('aria-selected', String(place === index)));
    const active = options[index];
    if (active) this.input.setAttribute('aria-activedescendant', active.id);
    else this.input.removeAttribute('aria-activedescendant');
    active?.scrollIntoView({ block: 'nearest' });
  }

  /** @param {KeyboardEvent} event */
  #pressed(event) {
    const count = this.#shown.length;
    const steps = /** @type {Record<string, number>} */ ({ ArrowDown: 1, ArrowUp: -1 });
    if (event.key in steps && count) this.#choose((this.#active + steps[event.key] + count) % count);
    else if (event.key === 'Enter' && count) this.#run(this.#shown[this.#active]);
    else return;
    event.preventDefault();
  }

  /** @param {Command} command */
  #run({ href, run }) {
    this.dialog.close();
    if (href) location.assign(href);
    run?.();
  }
}
