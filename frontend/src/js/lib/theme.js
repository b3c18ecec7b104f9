/** Light, dark, or whatever the system says; `boot.js` applies it before the first paint. */

const KEY = 'butler.theme';

/** @typedef {'system' | 'light' | 'dark'} Theme */

/** @returns {Theme} */
export function currentTheme() {
  const theme = document.documentElement.dataset.theme;
  return theme === 'light' || theme === 'dark' ? theme : 'system';
}

/** @param {Theme} theme */
export function setTheme(theme) {
  apply(theme);
  try {
    if (theme === 'system') localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, theme);
  } catch {
    // A browser that stores nothing still shows the theme until the page is left.
  }
}

/** Follow a change that is made in another tab. */
export function followTheme() {
  addEventListener('storage', (event) => {
    if (event.key === KEY) apply(/** @type {Theme} */ (event.newValue ?? 'system'));
  });
}

/** @param {Theme} theme */
function apply(theme) {
  if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
  else delete document.documentElement.dataset.theme;
}
