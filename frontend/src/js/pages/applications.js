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
import { chosen } from '../lib/app_list.js';
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

if (startShell({ needsLogin: true })) start();

function start() {
  const place = hook('applications');
  const filters = /** @type {HTMLFormElement} */ (hook('filters'));
  const query = queryState({ q: '', status: 'all', sort: 'newest', page: '1' });
  const store = appsStore({ onChange: show, onError: failed });
  /** @type {Map<string, ReturnType<typeof appRow>>} */
  const rows = new Map();
  /** @type {Map<string, string>} */
  const heard = new Map();
  const list = el('ul', { class: 'apps', role: 'list', 'aria-label': 'Applications' });
  const summary = el('p', { class: 'apps__summary muted small', role: 'status' });
  const pages = pager({ label: 'Pages', onPage: (page) => query.set({ page: String(page) }, { push: true }) });

  function show() {
    place.removeAttribute('aria-busy');
    filters.hidden = store.apps.size === 0;
    if (store.apps.size === 0) return showNone(place);
    tellChanges();
    const state = query.get();
    const found = chosen(store.apps.values(), state);
    if (!found.length) return fill(place, noMatch(state, store.apps.size, clear));
    const last = Math.ceil(found.length / PAGE_SIZE);
    const page = Math.min(Math.max(1, Number(state.page) || 1), last);
    const shown = found.slice((page - 1) * PAGE_SIZE, page * PAGE_SIZE);
    summary.textContent = summaryText(found.length, store.apps.size);
    arrange(list, shown.map(rowOf));
    pages.show(page, last);
    if (!list.isConnected) fill(place, summary, list, pages.element);
  }

  function clear() {
    query.set({ q: '', status: 'all', page: '1' });
    field(filters, 'q').focus();
  }

  /** @param {Deployment} app */
  function rowOf(app) {
    const name = app.container_name;
    const row = rows.get(name) ?? appRow(app, (deed) => act(name, deed));
    rows.set(name, row);
    row.show(app);
    return row.element;
  }

  /**
   * @param {string} name
   * @param {DeedName} deed
   */
  function act(name, deed) {
    const app = store.apps.get(name);
    if (!app) return;
    void doDeed(app, deed, { onChange: (after) => (after ? store.put(after) : store.remove(name)) });
  }

  /** Each change is said once, in one place. */
  function tellChanges() {
    for (const app of store.apps.values()) {
      const [name, words] = [app.container_name, standing(app)];
      if (heard.has(name) && heard.get(name) !== words) announce(`${name}: ${words}`);
      heard.set(name, words);
    }
  }

  /** @param {unknown} error */
  function failed(error) {
    if (store.apps.size) return;
    const retry = () => {
      fill(place, ...skeletons());
      void store.load();
    };
    place.removeAttribute('aria-busy');
    fill(place, errorCard(/** @type {any} */ (error), { retry, heading: 'h2' }));
  }

  const controls = filterControls(filters, query);
  query.subscribe(() => {
    controls.show();
    show();
  });
  listenForKeys((key) => {
    if (key !== '/' || filters.hidden) return false;
    field(filters, 'q').focus();
    return true;
  });
  controls.show();
  fill(place, ...skeletons());
  void store.start();
}

/**
 * Keeps the search, the filter and the order in the address, and shows what stands there.
 * @param {HTMLFormElement} form
 * @param {ReturnType<typeof queryState<{ q: string, status: string, sort: string, page: string }>>} query
 */
function filterControls(form, query) {
  const typed = debounce((/** @type {string} */ q) => query.set({ q, page: '1' }), TYPING_MILLISECONDS);
  form.addEventListener('submit', (event) => event.preventDefault());
  form.addEventListener('input', (event) => {
    const { name, value } = /** @type {HTMLInputElement} */ (event.target);
    if (name === 'q') typed(value);
    else query.set({ [name]: value, page: '1' });
  });
  return {
    show() {
      const state = query.get();
      for (const name of /** @type {const} */ (['q', 'status', 'sort'])) {
        const input = field(form, name);
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
 * @param {HTMLFormElement} form
 * @param {string} name
 */
function field(form, name) {
  return /** @type {HTMLInputElement} */ (form.elements.namedItem(name));
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
