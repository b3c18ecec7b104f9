/** A log to read: followed or paused, searched, wrapped, with times and links to lines. It never fetches anything. */

/** @import { LogLine } from '../types' */
/** @import { Times } from './log_row.js' */
import { debounce, el, fill, hook } from '../lib/dom.js';
import { LogLines } from '../lib/log_lines.js';
import { plural } from '../lib/format.js';
import { announce } from './announce.js';
import { copyText } from './copy.js';
import { busyWhile } from './dialog.js';
import { icon } from './icon.js';
import { keysMenu } from './keys_menu.js';
import { LogList } from './log_list.js';
import { logRow } from './log_row.js';
import { logToolbar } from './log_toolbar.js';
import { toast } from './toast.js';

/** @typedef {'loading' | 'live' | 'reconnecting' | 'ended' | 'none'} LogState */

const WORDS = /** @type {Record<LogState, [string, string]>} */ ({
  loading: ['loader-circle', 'Loading'],
  live: ['circle-dot', 'Live'],
  reconnecting: ['wifi-off', 'Reconnecting'],
  ended: ['circle-check', 'Ended'],
  none: ['clock', 'Nothing yet'],
});
/** @type {[string, string][]} */
const KEYS = [
  ['/', 'Search'],
  ['n', 'Next match'],
  ['N', 'Previous match'],
  ['f', 'Follow'],
  ['space', 'Pause'],
  ['w', 'Wrap'],
];
const SEARCH_MILLISECONDS = 120;

/**
 * @typedef {{
 *   label: string, emptyText: string, hasTimes?: boolean, hasLinks?: boolean, download(): Promise<void>,
 *   loadEarlier?(before: number): Promise<LogLine[]>,
 * }} Source
 */

export class LogViewer {
  log = new LogLines();
  /** Lines that came while it was paused. @type {LogLine[]} */
  #waiting = [];
  #isPaused = false;
  #isFollowing = true;
  #isWrapped = false;
  /** @type {Times} */
  #times = 'off';
  #unseen = 0;
  #search = '';
  /** @type {number[]} */
  #matches = [];
  #match = -1;
  #linked = 0;
  /** @type {LogState} */
  #state = 'loading';

  /** @param {Source} source */
  constructor(source) {
    this.source = source;
    this.list = new LogList({
      label: source.label,
      makeRow: (line) => this.#row(line),
      onScroll: () => this.#scrolled(),
    });
    this.toolbar = logToolbar({ hasTimes: source.hasTimes ?? true, label: source.label });
    this.element = el(
      'section',
      { class: 'log', 'aria-label': source.label },
      this.toolbar,
      el('div', { class: 'log__earlier', dataset: { hook: 'earlier' }, hidden: true }),
      el(
        'div',
        { class: 'log__body' },
        this.list.element,
        el('p', { class: 'log__empty', dataset: { hook: 'empty' }, hidden: true, text: source.emptyText }),
        el('button', { class: 'log__pill', type: 'button', hidden: true, dataset: { hook: 'pill' } }),
      ),
      el(
        'div',
        { class: 'log__status' },
        el('span', { class: 'log__state', dataset: { hook: 'state' } }),
        el('span', { class: 'log__count numbers', dataset: { hook: 'count' } }),
        keysMenu(KEYS),
      ),
    );
    this.#listen();
    this.#showState();
  }

  /**
   * More of the log, in order.
   * @param {LogLine[]} lines
   */
  add(lines) {
    if (this.#isPaused) {
      this.#waiting.push(...lines);
      return this.#showState();
    }
    const before = this.log.last;
    const dropped = this.log.append(lines);
    if (dropped) this.list.shift(this.list.heightOf(dropped));
    if (this.#search) this.#findMore(before);
    this.#show();
    if (this.#isFollowing) this.list.toBottom();
    else this.#unseen += lines.filter(({ seq }) => seq > before).length;
    this.#showPill();
  }

  get isFollowing() {
    return this.#isFollowing;
  }

  /** Forget everything: another log comes. */
  restart() {
    this.log.clear();
    this.#waiting = [];
    this.#linked = 0;
    this.#unseen = 0;
    this.#setPaused(false);
    this.#isFollowing = true;
    this.#find();
    this.list.redraw();
    this.setState('loading');
    this.#show();
  }

  /** @param {LogState} state */
  setState(state) {
    this.#state = state;
    this.#showState();
  }

  /**
   * Shows a line and marks it; false where it is not here (yet).
   * @param {number} seq
   */
  goTo(seq) {
    const index = this.log.indexOf(seq);
    if (index < 0) return false;
    this.#linked = seq;
    this.#setFollowing(false);
    this.list.redraw();
    this.list.reveal(index);
    return true;
  }

  /** What was hidden is in view now. */
  shown() {
    if (this.#isFollowing) this.list.toBottom();
  }

  /**
   * One key for all logs of a page; gives whether it was one of theirs.
   * @param {string} key
   */
  press(key) {
    if (key === '/') hook('search', this.toolbar).focus();
    else if (key === 'f') this.#setFollowing(!this.#isFollowing);
    else if (key === ' ') this.#setPaused(!this.#isPaused);
    else if (key === 'w') this.#setWrapped(!this.#isWrapped);
    else if (key === 'n') this.#step(1);
    else if (key === 'N') this.#step(-1);
    else return false;
    return true;
  }

  #listen() {
    const on = (/** @type {string} */ name, /** @type {() => void} */ deed) =>
      hook(name, this.toolbar).addEventListener('click', deed);
    on('follow', () => this.#setFollowing(!this.#isFollowing));
    on('pause', () => this.#setPaused(!this.#isPaused));
    on('wrap', () => this.#setWrapped(!this.#isWrapped));
    on('previous', () => this.#step(-1));
    on('next', () => this.#step(1));
    on('download', () => void this.#download());
    if (this.source.hasTimes ?? true) {
      hook('times', this.toolbar).addEventListener('change', (event) => {
        this.#times = /** @type {Times} */ (/** @type {HTMLSelectElement} */ (event.target).value);
        this.list.redraw();
      });
    }
    this.#listenToSearch();
    this.#listenToScrolling();
    hook('pill', this.element).addEventListener('click', () => {
      this.#setFollowing(true);
      this.list.element.focus();
    });
    this.list.element.addEventListener('click', (event) => this.#clicked(event));
  }

  #listenToSearch() {
    const input = /** @type {HTMLInputElement} */ (hook('search', this.toolbar));
    const find = debounce(() => this.#find(input.value), SEARCH_MILLISECONDS);
    input.addEventListener('input', find);
    input.addEventListener('keydown', (event) => {
      if (event.key === 'Enter') {
        event.preventDefault();
        const line = /^[#:lL]+(\d+)$/.exec(input.value.trim());
        if (line) void this.#link(Number(line[1]));
        else if (input.value !== this.#search) this.#find(input.value);
        else this.#step(event.shiftKey ? -1 : 1);
      } else if (event.key === 'Escape' && input.value) {
        event.stopPropagation();
        input.value = '';
        this.#find('');
      }
    });
  }

  #listenToScrolling() {
    const leave = () => this.#isFollowing && !this.list.isAtBottom && this.#setFollowing(false);
    const { element } = this.list;
    element.addEventListener('wheel', (event) => event.deltaY < 0 && this.#canScroll() && this.#setFollowing(false), {
      passive: true,
    });
    element.addEventListener('touchmove', () => setTimeout(leave), { passive: true });
    element.addEventListener('pointerup', () => setTimeout(leave));
    element.addEventListener('keydown', (event) => {
      if (['PageUp', 'ArrowUp', 'Home'].includes(event.key) && this.#canScroll()) this.#setFollowing(false);
    });
  }

  #canScroll() {
    const { scrollHeight, clientHeight } = this.list.element;
    return scrollHeight > clientHeight;
  }

  #scrolled() {
    if (!this.#isFollowing && this.list.isAtBottom && this.#unseen > 0) this.#setFollowing(true);
    hook('earlier', this.element).hidden = !(this.log.first > 1 && this.list.element.scrollTop < 400);
  }

  /** @param {boolean} isFollowing */
  #setFollowing(isFollowing) {
    this.#isFollowing = isFollowing;
    if (isFollowing) {
      this.#setPaused(false);
      this.#unseen = 0;
      this.list.toBottom();
    }
    press(hook('follow', this.toolbar), isFollowing);
    this.#showPill();
  }

  /** @param {boolean} isPaused */
  #setPaused(isPaused) {
    if (this.#isPaused === isPaused) return;
    this.#isPaused = isPaused;
    press(hook('pause', this.toolbar), isPaused);
    announce(isPaused ? 'The log is paused.' : 'The log goes on.');
    if (!isPaused) this.add(this.#waiting.splice(0));
    this.#showState();
  }

  /** @param {boolean} isWrapped */
  #setWrapped(isWrapped) {
    this.#isWrapped = isWrapped;
    press(hook('wrap', this.toolbar), isWrapped);
    this.list.setWrapped(isWrapped);
    if (this.#isFollowing) this.list.toBottom();
  }

  #show() {
    this.list.show(this.log.lines);
    hook('empty', this.element).hidden = this.log.lines.length > 0 || this.#state === 'loading';
    this.#showEarlier();
    this.#showState();
  }

  #showEarlier() {
    const place = hook('earlier', this.element);
    if (!this.source.loadEarlier || this.log.first <= 1) return void (place.hidden = true);
    if (place.childElementCount) return;
    const button = el('button', { class: 'button', type: 'button' }, icon('chevron-up'), 'Load earlier lines');
    button.addEventListener('click', () => busyWhile(button, () => this.#loadEarlier()));
    fill(place, button);
  }

  async #loadEarlier() {
    const lines = await this.source.loadEarlier?.(this.log.first).catch(() => null);
    if (!lines) return toast('The earlier lines could not be loaded. Try again.', { tone: 'bad' });
    const count = this.log.prepend(lines);
    this.#setFollowing(false);
    this.#show();
    this.list.shift(-this.list.heightOf(count));
    this.#find();
  }

  #showState() {
    const [image, word] = WORDS[this.#state];
    const place = hook('state', this.element);
    const waiting = this.#waiting.length;
    const text = this.#isPaused ? `Paused${waiting ? `, ${plural(waiting, 'new line')} waiting` : ''}` : word;
    place.dataset.state = this.#isPaused ? 'paused' : this.#state;
    const name = this.#isPaused ? 'pause' : image;
    fill(place, icon(name, name === 'loader-circle' ? 'icon--turning' : ''), text);
    hook('count', this.element).textContent = this.log.last ? plural(this.log.lines.length, 'line') : '';
  }

  #showPill() {
    const pill = hook('pill', this.element);
    pill.hidden = this.#isFollowing || this.#unseen === 0;
    if (!pill.hidden) fill(pill, icon('arrow-down'), plural(this.#unseen, 'new line'));
  }

  /** Looks for a text in everything. */
  #find(text = this.#search) {
    const hasChanged = text !== this.#search;
    this.#search = text;
    this.#matches = this.log.search(text);
    if (hasChanged) this.#match = this.#nearest();
    else this.#match = Math.min(this.#match, this.#matches.length - 1);
    this.#showMatch(hasChanged);
    this.list.redraw();
  }

  /** @param {number} after */
  #findMore(after) {
    this.#matches.push(...this.log.search(this.#search, after));
    if (this.#match < 0 && this.#matches.length) this.#match = 0;
    this.#showMatch(false);
  }

  /** The first match from what is in view on. */
  #nearest() {
    const row = this.list.element.querySelector('.log__row');
    const seq = Number(/** @type {HTMLElement | null} */ (row)?.dataset.seq ?? 0);
    const index = this.#matches.findIndex((match) => match >= seq);
    return index < 0 && this.#matches.length ? 0 : index;
  }

  /** @param {number} step */
  #step(step) {
    const count = this.#matches.length;
    if (!count) return;
    this.#match = (this.#match + step + count) % count;
    this.#showMatch(true);
    this.list.redraw();
  }

  /** @param {boolean} isMoving */
  #showMatch(isMoving) {
    const count = this.#matches.length;
    const text = !this.#search
      ? ''
      : count
        ? `${(this.#match + 1).toLocaleString('en')} of ${count.toLocaleString('en')}`
        : 'No match';
    hook('matches', this.toolbar).textContent = text;
    for (const name of ['previous', 'next']) {
      /** @type {HTMLButtonElement} */ (hook(name, this.toolbar)).disabled = count === 0;
    }
    if (!isMoving || this.#match < 0) return;
    this.#setFollowing(false);
    this.list.reveal(this.log.indexOf(this.#matches[this.#match]));
  }

  /** @param {import('../lib/log_lines.js').Line} line */
  #row(line) {
    return logRow(line, {
      times: this.#times,
      began: Date.parse(this.log.lines[0]?.time ?? ''),
      search: this.#search,
      isCurrent: this.#matches[this.#match] === line.seq && this.#search !== '',
      isLinked: line.seq === this.#linked,
      hasLink: this.source.hasLinks ?? true,
    });
  }

  /** @param {MouseEvent} event */
  #clicked(event) {
    const link = event.target instanceof Element ? event.target.closest('.log__number') : null;
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    this.#link(Number(/** @type {HTMLElement} */ (link).dataset.number));
  }

  /** @param {number} seq */
  async #link(seq) {
    if (!this.goTo(seq)) return announce(`There is no line ${seq}.`);
    history.replaceState(null, '', `#L${seq}`);
    if (await copyText(location.href)) toast(`The link to line ${seq} was copied.`, { tone: 'good' });
  }

  #download() {
    const button = hook('download', this.toolbar);
    return busyWhile(button, async () => {
      try {
        await this.source.download();
      } catch (error) {
        toast(`The log could not be downloaded: ${/** @type {Error} */ (error).message}`, { tone: 'bad' });
      }
    });
  }
}

/**
 * @param {HTMLElement} button
 * @param {boolean} isPressed
 */
function press(button, isPressed) {
  button.setAttribute('aria-pressed', String(isPressed));
}
