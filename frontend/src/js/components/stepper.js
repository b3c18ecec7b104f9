/** The steps of a deployment, one under the other: how each stands, how long it took or takes, and where its log begins. */

/** @import { Group, Part, StepState } from '../lib/stages.js' */
import { el, fill } from '../lib/dom.js';
import { duration } from '../lib/format.js';
import { elapsed, groupElapsed } from '../lib/stages.js';
import { icon } from './icon.js';

const ICONS = /** @type {Record<StepState, string>} */ ({
  waiting: 'circle-dashed',
  running: 'loader-circle',
  done: 'circle-check',
  failed: 'circle-x',
  skipped: 'circle-dashed',
});
const WORDS = /** @type {Record<StepState, string>} */ ({
  waiting: 'waiting',
  running: 'running',
  done: 'done',
  failed: 'failed',
  skipped: 'not reached',
});
const TICK_MILLISECONDS = 200;

/**
 * @param {{ onJump(seq: number): void }} what
 * @returns {{ element: HTMLElement, show(groups: Group[]): void }}
 */
export function stepper({ onJump }) {
  const element = el('ol', { class: 'steps', role: 'list', 'aria-label': 'Steps' });
  /** @type {Group[]} */
  let shown = [];
  /** What somebody opened or closed by hand stays so. @type {Map<string, boolean>} */
  const chosen = new Map();
  let drawn = '';

  const draw = () => {
    const now = Date.now();
    const key = JSON.stringify(shown.map(({ state, parts }) => [state, parts.map((part) => [part.state, part.seq])]));
    if (key !== drawn) {
      drawn = key;
      fill(element, ...shown.map((group) => groupItem(group, chosen, onJump)));
    }
    shown.forEach((group, index) => tick(element.children[index], group, now));
  };
  setInterval(() => shown.some(({ state }) => state === 'running') && draw(), TICK_MILLISECONDS);
  return {
    element,
    show(groups) {
      shown = groups;
      draw();
    },
  };
}

/**
 * @param {Group} group
 * @param {Map<string, boolean>} chosen
 * @param {(seq: number) => void} onJump
 */
function groupItem(group, chosen, onJump) {
  const { name, title, state, parts } = group;
  const isOpen = chosen.get(name) ?? (state === 'running' || state === 'failed');
  const details = el(
    'details',
    { class: 'steps__details', open: isOpen },
    el(
      'summary',
      { class: 'steps__summary', on: { click: () => chosen.set(name, !details.open) } },
      stateIcon(state),
      el('span', { class: 'steps__title', text: title }),
      el('span', { class: 'steps__time numbers', dataset: { time: '' } }),
      icon('chevron-down', 'steps__chevron'),
    ),
    el('ul', { class: 'steps__parts', role: 'list' }, ...parts.map((part) => partItem(part, onJump))),
  );
  return el('li', { class: 'steps__group', dataset: { state, step: name } }, details);
}

/**
 * @param {Part} part
 * @param {(seq: number) => void} onJump
 */
function partItem({ title, state, seq }, onJump) {
  const words = [stateIcon(state), el('span', { class: 'steps__title', text: title })];
  const time = el('span', { class: 'steps__time numbers', dataset: { time: '' } });
  if (seq === null) return el('li', { class: 'steps__part', dataset: { state } }, ...words, time);
  const button = el(
    'button',
    { class: 'steps__jump', type: 'button', title: 'Show in the log', on: { click: () => onJump(seq) } },
    ...words,
    time,
  );
  return el('li', { class: 'steps__part', dataset: { state } }, button);
}

/** @param {StepState} state */
function stateIcon(state) {
  const image = icon(ICONS[state], state === 'running' ? 'icon--turning' : '');
  return el(
    'span',
    { class: 'steps__icon', dataset: { state } },
    image,
    el('span', { class: 'visually-hidden', text: WORDS[state] }),
  );
}

/**
 * Times only: nothing else is touched while a step runs.
 * @param {Element} item
 * @param {Group} group
 * @param {number} now
 */
function tick(item, group, now) {
  const [first, ...rest] = item.querySelectorAll('[data-time]');
  setText(first, duration(groupElapsed(group, now)));
  rest.forEach((place, index) => setText(place, duration(elapsed(group.parts[index], now))));
}

/**
 * @param {Element} element
 * @param {string} text
 */
function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
