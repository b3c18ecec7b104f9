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
/** What takes less is not worth waiting for. */
const SHORTEST_USUAL_SECONDS = 1;

/**
 * @param {{ onJump(part: Part): void }} what hears of the step whose log somebody wants to see
 * @returns {{ element: HTMLElement, show(groups: Group[]): void, open(stage: string): void }}
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
    open(stage) {
      const group = shown.find(({ parts }) => parts.some((part) => part.stage === stage));
      if (!group) return;
      chosen.set(group.name, true);
      drawn = '';
      draw();
    },
  };
}

/**
 * @param {Group} group
 * @param {Map<string, boolean>} chosen
 * @param {(part: Part) => void} onJump
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
 * A step that has begun is a link to its place in the log: it can be copied like any other.
 * @param {Part} part
 * @param {(part: Part) => void} onJump
 */
function partItem(part, onJump) {
  const { stage, title, state, seq } = part;
  const words = [stateIcon(state), el('span', { class: 'steps__title', text: title })];
  const time = el('span', { class: 'steps__time numbers', dataset: { time: '' } });
  if (seq === null) return el('li', { class: 'steps__part', dataset: { state } }, ...words, time);
  const props = { class: 'steps__jump', href: `#step-${stage}`, title: 'Show in the log' };
  const link = el('a', props, ...words, time);
  link.addEventListener('click', (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    onJump(part);
  });
  return el('li', { class: 'steps__part', dataset: { state } }, link);
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
  setText(first, timeText(group, groupElapsed(group, now)));
  rest.forEach((place, index) => setText(place, duration(elapsed(group.parts[index], now))));
}

/**
 * How long it takes, and how long it took last time while that helps to know when it will be done.
 * @param {Group} group
 * @param {number | null} seconds
 */
function timeText({ state, usual }, seconds) {
  const isAhead = state === 'waiting' || state === 'running';
  const expected = isAhead && usual !== null && usual >= SHORTEST_USUAL_SECONDS ? `usually ${duration(usual)}` : '';
  return [duration(seconds), expected].filter(Boolean).join(' · ');
}

/**
 * @param {Element} element
 * @param {string} text
 */
function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
