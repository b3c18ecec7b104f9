/** The line under a log: how it comes, how much there is, which lines are linked to, and the keys. */

/** @import { LineRange } from '../lib/line_range.js' */
import { el, fill } from '../lib/dom.js';
import { plural } from '../lib/format.js';
import { rangeWords } from '../lib/line_range.js';
import { retryAt } from '../lib/live.js';
import { icon } from './icon.js';
import { LOG_KEYS } from './keys_list.js';
import { keysMenu } from './keys_menu.js';

/** @typedef {'loading' | 'live' | 'reconnecting' | 'ended' | 'none'} LogState */

const WORDS = /** @type {Record<LogState, [string, string]>} */ ({
  loading: ['loader-circle', 'Loading'],
  live: ['circle-dot', 'Live'],
  reconnecting: ['wifi-off', 'Reconnecting'],
  ended: ['circle-check', 'Ended'],
  none: ['clock', 'Nothing yet'],
});
const CUT = 'The log was too long for the server: its end was not kept.';

/**
 * @typedef {{
 *   state: LogState, isPaused: boolean, waiting: number, isCut: boolean, shown: number, total: number,
 * }} Standing `waiting` lines came while it was paused; `shown` of the `total` lines are of the chosen levels
 */

/** @param {{ onUnlink(): void }} how */
export function logStatus({ onUnlink }) {
  const state = el('span', { class: 'log__state', dataset: { hook: 'state' } });
  const count = el('span', { class: 'log__count numbers', dataset: { hook: 'count' } });
  const words = el('span', { class: 'numbers' });
  const clear = el(
    'button',
    { class: 'log__clear', type: 'button', 'aria-label': 'Clear the marked lines' },
    icon('x'),
  );
  const range = el('span', { class: 'log__range', hidden: true }, words, clear);
  clear.addEventListener('click', onUnlink);
  /** @type {Standing | null} */
  let last = null;
  const draw = () => last && showState(state, last);
  retryAt.subscribe(draw);
  setInterval(() => last?.state === 'reconnecting' && draw(), 500);
  return {
    element: el('div', { class: 'log__status' }, state, range, count, keysMenu(LOG_KEYS)),
    /** @param {Standing} standing */
    show(standing) {
      last = standing;
      draw();
      count.textContent = countText(standing);
    },
    /** @param {LineRange | null} linked */
    mark(linked) {
      range.hidden = !linked;
      words.textContent = linked ? capital(rangeWords(linked)) : '';
    },
  };
}

/**
 * @param {HTMLElement} place
 * @param {Standing} standing
 */
function showState(place, { state, isPaused, waiting, isCut }) {
  let [image, word] = WORDS[state];
  let name = /** @type {string} */ (state);
  if (isPaused) {
    [name, image, word] = ['paused', 'pause', `Paused${waiting ? `, ${plural(waiting, 'new line')} waiting` : ''}`];
  } else if (state === 'reconnecting') {
    const seconds = Math.ceil((retryAt.get() - Date.now()) / 1000);
    if (seconds > 0) word += ` in ${seconds} s`;
  } else if (isCut) {
    [name, image, word] = ['cut', 'triangle-alert', state === 'live' ? 'Live, truncated' : 'Truncated'];
  }
  if (place.textContent === word && place.dataset.state === name) return;
  place.dataset.state = name;
  place.title = name === 'cut' ? CUT : '';
  fill(place, icon(image, image === 'loader-circle' ? 'icon--turning' : ''), word);
}

/** @param {Standing} standing */
function countText({ shown, total }) {
  if (!total) return '';
  return shown === total ? plural(total, 'line') : `${shown.toLocaleString('en')} of ${plural(total, 'line')}`;
}

/** @param {string} text */
function capital(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
