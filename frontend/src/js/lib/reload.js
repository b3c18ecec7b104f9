/** Loads the page again where a part of it could not be loaded, once: a page that fails each time must not go round. */

const KEY = 'butler.loaded-again';
const QUIET_MILLISECONDS = 10_000;

/** Gives whether the page is being loaded again. */
export function reloadOnce() {
  try {
    if (Date.now() - Number(sessionStorage.getItem(KEY)) < QUIET_MILLISECONDS) return false;
    sessionStorage.setItem(KEY, String(Date.now()));
  } catch {
    return false;
  }
  location.reload();
  return true;
}
