/** Search, filter, sort and tabs kept in the address, so that a view can be shared and the Back button works. */

import { signal } from './store.js';

/**
 * @template {Record<string, string>} T
 * @param {T} defaults values that do not stand in the address
 */
export function queryState(defaults) {
  const changed = /** @type {ReturnType<typeof signal<T>>} */ (signal());

  function get() {
    const search = new URLSearchParams(location.search);
    return /** @type {T} */ (
      Object.fromEntries(Object.entries(defaults).map(([name, value]) => [name, search.get(name) ?? value]))
    );
  }

  /**
   * Changes some values; `push` makes a new entry in the history instead of changing this one.
   * @param {Partial<T>} patch
   * @param {{ push?: boolean }} [how]
   */
  function set(patch, { push = false } = {}) {
    const search = new URLSearchParams(location.search);
    for (const [name, value] of Object.entries(patch)) {
      if (value === undefined || value === defaults[name]) search.delete(name);
      else search.set(name, String(value));
    }
    const query = search.size ? `?${search}` : '';
    const address = location.pathname + query + location.hash;
    if (address === location.pathname + location.search + location.hash) return;
    history[push ? 'pushState' : 'replaceState'](null, '', address);
    changed.emit(get());
  }

  addEventListener('popstate', () => changed.emit(get()));
  return { get, set, subscribe: changed.on };
}
