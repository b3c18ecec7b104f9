/** All applications: found, filtered, sorted, and what is done to each; kept true by the socket. */

/** @import { Deployed, Deployment } from '../types' */
/** @import { DeedName } from '../components/app_deeds.js' */
import { announce } from '../components/announce.js';
import { doDeed } from '../components/app_deeds.js';
import { standing } from '../components/app_facts.js';
import { appRow } from '../components/app_row.js';
import { errorCard } from '../components/error_card.js';
import { icon } from '../components/icon.js';
import { listenForKeys } from '../components/keys.js';
import { LazyPanel } from '../components/lazy_panel.js';
import { pager } from '../components/pager.js';
import { startShell } from '../components/shell.js';
import { chosen, pageOf } from '../lib/app_list.js';
import { appsStore } from '../lib/apps_store.js';
import { debounce, el, fill, hook } from '../lib/dom.js';
import { plural } from '../lib/format.js';
import { queryState } from '../lib/query.js';

const PAGE_SIZE = 20;
const TYPING_MILLISECONDS = 150;

/** What somebody without an app sees; it stays as it is while it is right. */
const none = new LazyPanel(async () => {
  const { firstApp } = await import('../components/first_app.js');
  const onDeployed = (/** @type {Deployed} */ { container_name: name }) =>
    location.assign(`/applications/${encodeURIComponent(name)}`);
  return { element: firstApp({ heading: 'h2', onDeployed }), refresh: async () => {} };
});

/** @typedef {{ q: string, status: string, sort: string, page: string }} View */

class ApplicationsPage {
  /** @type {Map<string, ReturnType<typeof appRow>>} */
  #rows = new Map();
  /** What was said last of each app. @type {Map<string, string>} */
  #heard = new Map();

  constructor() {
    this.place = hook('applications');
    this.filters = hook('filters');
    this.query = queryState(/** @type {View} */ ({ q: '', status: 'all', sort: 'newest', page: '1' }));
    this.store = appsStore({ onChange: () => this.#show(), onError: (error) => this.#failed(error) });
    this.list = el('ul', { class: 'apps', role: 'list', 'aria-label': 'Applications' });
    this.summary = el('p', { class: 'apps__summary muted small', role: 'status' });
    this.pages = pager({ label: 'Pages', onPage: (page) => this.#turnTo(page) });
    this.controls = filterControls(this.filters, this.query);
  }

  start() {
    this.query.subscribe(() => {
      this.controls.show();
      this.#show();
    });
    listenForKeys((key) => {
      if (key !== '/' || this.filters.hidden) return false;
      field(this.filters, 'q').focus();
      return true;
    });
    this.controls.show();
    fill(this.place, ...skeletons());
    void this.store.start();
  }

  #show() {
    const { place, store } = this;
    place.removeAttribute('aria-busy');
    this.filters.hidden = store.apps.size === 0;
    if (store.apps.size === 0) return showNone(place);
    this.#tellChanges();
    const state = this.query.get();
    const found = chosen(store.apps.values(), state);
    const clear = () => this.#clear();
    if (!found.length) return fill(place, noMatch(state, store.apps.size, clear));
    const { items, page, last } = pageOf(found, state.page, PAGE_SIZE);
    this.summary.textContent = summaryText(found.length, store.apps.size);
    const rows = items.map((app) => this.#rowOf(app));
    arrange(this.list, rows);
    this.pages.show(page, last);
    if (!this.list.isConnected) fill(place, this.summary, this.list, this.pages.element);
  }

  /** @param {number} page */
  #turnTo(page) {
    this.query.set({ page: String(page) }, { push: true });
    this.filters.scrollIntoView({ block: 'nearest' });
    announce(`Page ${page}`);
  }

  #clear() {
    this.query.set({ q: '', status: 'all', page: '1' });
    field(this.filters, 'q').focus();
  }

  /** @param {Deployment} app */
  #rowOf(app) {
    const name = app.container_name;
    const row = this.#rows.get(name) ?? appRow(app, (deed) => this.#act(name, deed));
    this.#rows.set(name, row);
    row.show(app);
    return row.element;
  }

  /**
   * @param {string} name
   * @param {DeedName} deed
   */
  #act(name, deed) {
    const { store } = this;
    const app = store.apps.get(name);
    if (!app) return;
    void doDeed(app, deed, { onChange: (after) => (after ? store.put(after) : store.remove(name)) });
  }

  /** Each change is said once, in one place. */
  #tellChanges() {
    for (const app of this.store.apps.values()) {
      const [name, words] = [app.container_name, standing(app)];
      if (this.#heard.has(name) && this.#heard.get(name) !== words) announce(`${name}: ${words}`);
      this.#heard.set(name, words);
    }
  }

  /** @param {unknown} error */
  #failed(error) {
    if (this.store.apps.size) return;
    const retry = () => {
      fill(this.place, ...skeletons());
      void this.store.load();
    };
    this.place.removeAttribute('aria-busy');
    fill(this.place, errorCard(/** @type {any} */ (error), { retry, heading: 'h2' }));
  }
}

/**
 * Keeps the search, the filter and the order in the address, and shows what stands there.
 * @param {HTMLElement} filters
 * @param {ReturnType<typeof queryState<View>>} query
 */
function filterControls(filters, query) {
  const typed = debounce((/** @type {string} */ q) => query.set({ q, page: '1' }), TYPING_MILLISECONDS);
  filters.addEventListener('input', (event) => {
    const { name, value } = /** @type {HTMLInputElement} */ (event.target);
    if (name === 'q') typed(value);
    else query.set({ [name]: value, page: '1' });
  });
  return {
    show() {
      const state = query.get();
      for (const name of /** @type {const} */ (['q', 'status', 'sort'])) {
        const input = field(filters, name);
        if (input.value !== state[name]) input.value = state[name];
      }
    },
  };
}

/**
 * @param {{ q: string }} state
 * @param {number} total
 * @param {() => void} onClear
 */
function noMatch({ q }, total, onClear) {
  return el(
    'div',
    { class: 'empty', role: 'status' },
    icon('list-filter'),
    el('h2', { text: q ? `No apps match “${q}”` : 'No apps match' }),
    el('p', { class: 'muted', text: `You have ${plural(total, 'application')} in all.` }),
    el(
      'button',
      { class: 'button', type: 'button', on: { click: onClear } },
      icon('x'),
      'Clear the search and filters',
    ),
  );
}

/**
 * @param {HTMLElement} filters
 * @param {string} name
 */
function field(filters, name) {
  return /** @type {HTMLInputElement} */ (filters.querySelector(`[name=${name}]`));
}

/**
 * @param {number} found
 * @param {number} all
 */
function summaryText(found, all) {
  return found === all ? plural(all, 'application') : `${found.toLocaleString('en')} of ${plural(all, 'application')}`;
}

/**
 * Puts rows in order without touching those that stand right already: focus and open menus stay.
 * @param {HTMLElement} list
 * @param {HTMLElement[]} rows
 */
function arrange(list, rows) {
  for (const child of [...list.children]) if (!rows.includes(/** @type {HTMLElement} */ (child))) child.remove();
  rows.forEach((row, index) => {
    if (list.children[index] !== row) list.insertBefore(row, list.children[index] ?? null);
  });
}

function skeletons() {
  return [
    el('p', { class: 'visually-hidden', role: 'status', text: 'Loading your applications' }),
    el(
      'div',
      { class: 'apps', 'aria-hidden': 'true' },
      ...[1, 2, 3].map(() => el('div', { class: 'skeleton skeleton--block' })),
    ),
  ];
}

/** @param {HTMLElement} place */
function showNone(place) {
  if (!none.element.isConnected) fill(place, none.element);
  void none.refresh();
}

if (startShell({ needsLogin: true })) new ApplicationsPage().start();
