/** What stands around every page: the header's menus, the connection bar, and asking for the password again. */

import { api, reachable, sessionEnded } from '../lib/api.js';
import { currentSession } from '../lib/auth.js';
import { offerCommands } from '../lib/commands.js';
import { el, hook } from '../lib/dom.js';
import { currentTheme, followTheme, setTheme } from '../lib/theme.js';
import { icon, setIcon } from './icon.js';
import { menu } from './menu.js';
import { openKeys, openPalette, startPageKeys } from './page_keys.js';

/** @import { Theme } from '../lib/theme.js' */

const THEMES = /** @type {const} */ ([
  ['system', 'monitor', 'Like the system'],
  ['light', 'sun', 'Light'],
  ['dark', 'moon', 'Dark'],
]);

/**
 * Starts what every page has. Gives false where the page needs a log-in and there is none: the browser is on its way
 * to `/login` then, and comes back afterwards.
 * @param {{ needsLogin?: boolean }} [how]
 */
export function startShell({ needsLogin = false } = {}) {
  // `boot.js` goes by a mark that an expired session leaves behind.
  document.documentElement.dataset.session = currentSession() ? 'in' : 'out';
  if (needsLogin && !currentSession()) {
    location.replace(loginAddress());
    return false;
  }
  markCurrentPage();
  followTheme();
  const end = hook('header-end');
  end.prepend(themeMenu());
  if (currentSession()) startForUser(end);
  reachable.subscribe((isReachable) => showConnection(isReachable ? null : 'The server cannot be reached.'));
  sessionEnded.on(async () => (await import('./relogin.js')).askAgain());
  // A page that the browser kept is shown as it was: somebody may have logged in or out meanwhile.
  addEventListener('pageshow', (event) => event.persisted && location.reload());
  return true;
}

/** @param {HTMLElement} end of the header */
function startForUser(end) {
  end.prepend(startPageKeys());
  end.append(userMenu());
  offerCommands(() => [
    ...THEMES.map(([theme, image, word]) => ({
      kind: /** @type {const} */ ('Action'),
      word: `Theme: ${word.toLowerCase()}`,
      icon: image,
      run: () => chooseTheme(theme),
    })),
    { kind: 'Action', word: 'Keyboard shortcuts', icon: 'keyboard', run: openKeys },
    { kind: 'Action', word: 'Log out', icon: 'log-out', run: logOut },
  ]);
}

/** The address of the log-in page that leads back here. */
export function loginAddress() {
  const here = location.pathname + location.search + location.hash;
  return here === '/' ? '/login' : `/login?next=${encodeURIComponent(here)}`;
}

/** @type {HTMLElement | null} */
let bar = null;

/**
 * A bar that says what is wrong with the connection; null takes it away.
 * @param {string | null} text
 */
export function showConnection(text) {
  if (!text) {
    bar?.remove();
    bar = null;
    return;
  }
  bar ??= document.body.appendChild(el('div', { class: 'connection', role: 'status' }));
  bar.replaceChildren(icon('wifi-off'), el('span', { text }));
}

function markCurrentPage() {
  for (const link of document.querySelectorAll('.nav__link')) {
    const path = link.getAttribute('href') ?? '';
    const isHere = path === location.pathname;
    const isAbove = path !== '/' && location.pathname.startsWith(`${path}/`);
    if (isHere || isAbove) link.setAttribute('aria-current', isHere ? 'page' : 'true');
  }
}

/** Sets the theme and shows it in the menu. @type {(theme: Theme) => void} */
let chooseTheme = setTheme;

function themeMenu() {
  const shown = icon(iconOf(currentTheme()));
  const buttons = THEMES.map(([theme, image, word]) => {
    const button = el('button', { class: 'menu__item', type: 'button', dataset: { theme } }, icon(image), word);
    button.addEventListener('click', () => chooseTheme(theme));
    return button;
  });
  const mark = () => {
    for (const button of buttons) button.setAttribute('aria-pressed', String(button.dataset.theme === currentTheme()));
  };
  chooseTheme = (theme) => {
    setTheme(theme);
    setIcon(shown, iconOf(theme));
    mark();
  };
  mark();
  return menu({ label: 'Theme', button: [shown], items: buttons });
}

/** @param {Theme} theme */
function iconOf(theme) {
  return THEMES.find(([name]) => name === theme)?.[1] ?? 'monitor';
}

async function logOut() {
  await api.logout().catch(() => {});
  location.assign('/');
}

function userMenu() {
  const name = currentSession()?.username ?? '';
  const item = (/** @type {string} */ image, /** @type {string} */ word, /** @type {() => unknown} */ deed) =>
    el('button', { class: 'menu__item', type: 'button', on: { click: deed } }, icon(image), word);
  return menu({
    label: `${name}, account menu`,
    buttonClass: 'button button--quiet user-button',
    button: [icon('user'), el('span', { class: 'user-button__name', text: name }), icon('chevron-down')],
    items: [
      el('a', { class: 'menu__item', href: '/account' }, icon('settings'), 'Account'),
      item('search', 'Find anything', openPalette),
      item('keyboard', 'Keyboard shortcuts', openKeys),
      item('log-out', 'Log out', logOut),
    ],
  });
}
