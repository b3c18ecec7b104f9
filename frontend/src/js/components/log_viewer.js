/** A log to read: followed or paused, filtered, searched, wrapped, with times and links to lines. It never fetches anything. */

/** @import { LogLine } from '../types' */
/** @import { LineRange } from '../lib/line_range.js' */
/** @import { LogState } from './log_status.js' */
/** @import { Times } from './log_row.js' */
import { el, fill, hook } from '../lib/dom.js';
import { LogLines } from '../lib/log_lines.js';
import { plural } from '../lib/format.js';
import { rangeWords } from '../lib/line_range.js';
import { announce } from './announce.js';
import { busyWhile } from './dialog.js';
import { icon } from './icon.js';
import { logLevels } from './log_levels.js';
import { LogLinks } from './log_links.js';
import { LogList } from './log_list.js';
import { logRow } from './log_row.js';
import { LogSearch } from './log_search.js';
import { logStatus } from './log_status.js';
import { logToolbar } from './log_toolbar.js';
import { toast } from './toast.js';

const NONE_OF_THESE = 'No line is of these levels.';

/**
 * @typedef {{
 *   label: string, emptyText: string, hasTimes?: boolean, hasLinks?: boolean, download(): Promise<void>,
 *   loadEarlier?(before: number): Promise<LogLine[]>,
 * }} Source
 */

export class LogViewer {
  log = new LogLines();
  links = new LogLinks();
  /** Lines that came while it was paused. @type {LogLine[]} */
  #waiting = [];
  #isPaused = false;
  #isFollowing = true;
  #isWrapped = false;
  /** @type {Times} */
  #times = 'off';
  #unseen = 0;
  /** @type {LogState} */
  #state = 'loading';

  /** @param {Source} source */
  constructor(source) {
    const { label, hasTimes = true } = source;
    this.source = source;
    this.list = new LogList({ label, makeRow: (line) => this.#row(line), onScroll: () => this.#scrolled() });
    this.levels = logLevels({ onChoose: (levels) => this.#choose(levels) });
    this.toolbar = logToolbar({ hasTimes, label, levels: this.levels.element });
    this.search = this.#makeSearch();
    this.status = logStatus({ onUnlink: () => this.#unlink() });
    this.element = el(
      'section',
      { class: 'log', 'aria-label': label },
      this.toolbar,
      el('div', { class: 'log__earlier', dataset: { hook: 'earlier' }, hidden: true }),
      el(
        'div',
        { class: 'log__body' },
        this.list.element,
        el('p', { class: 'log__empty', dataset: { hook: 'empty' }, hidden: true }),
        el('button', { class: 'log__pill', type: 'button', hidden: true, dataset: { hook: 'pill' } }),
      ),
      this.status.element,
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
    this.search.findMore(before);
    this.#show();
    if (this.#isFollowing && !this.list.isSelected) {
      this.#unseen = 0;
      this.list.toBottom();
    } else this.#unseen += this.log.between(before + 1, Infinity).length;
    this.#showPill();
  }

  get isFollowing() {
    return this.#isFollowing;
  }

  /** Forget everything: another log comes. */
  restart() {
    this.log.clear();
    this.#waiting = [];
    this.#mark(null);
    this.#unseen = 0;
    this.#setPaused(false);
    this.#isFollowing = true;
    this.search.find();
    this.setState('loading');
    this.#show();
  }

  /** @param {LogState} state */
  setState(state) {
    this.#state = state;
    this.#showState();
  }

  /**
   * Shows lines and marks them; false where the first of them is not here (yet). One that the levels leave out brings
   * all levels back.
   * @param {LineRange} range
   * @param {{ isExtended?: boolean }} [how]
   */
  goTo(range, how) {
    if (!this.log.has(range.from)) return false;
    if (this.log.indexOf(range.from) < 0) this.#showAllLevels();
    this.#mark(range, how);
    this.#setFollowing(false);
    this.list.reveal(this.log.indexOf(range.from));
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
    if (key === '/') this.search.input.focus();
    else if (key === 'f') this.#setFollowing(!this.#isFollowing);
    else if (key === ' ') this.#setPaused(!this.#isPaused);
    else if (key === 'w') this.#setWrapped(!this.#isWrapped);
    else if (key === 'n') this.search.step(1);
    else if (key === 'N') this.search.step(-1);
    else return false;
    return true;
  }

  #makeSearch() {
    return new LogSearch({
      toolbar: this.toolbar,
      log: this.log,
      firstInView: () => this.list.firstInView,
      onChange: () => this.list.redraw(),
      onMove: (seq) => {
        this.#setFollowing(false);
        this.list.reveal(this.log.indexOf(seq));
      },
      onLines: (range) => this.#link(range),
    });
  }

  #listen() {
    const on = (/** @type {string} */ name, /** @type {() => void} */ deed) =>
      hook(name, this.toolbar).addEventListener('click', deed);
    on('follow', () => this.#setFollowing(!this.#isFollowing));
    on('pause', () => this.#setPaused(!this.#isPaused));
    on('wrap', () => this.#setWrapped(!this.#isWrapped));
    on('copy', () => void this.links.copy(this.log, this.list.selectedText));
    on('download', () => void this.#download());
    if (document.fullscreenEnabled) on('screen', () => this.#toggleScreen());
    // A press on the button must not take away what is to be copied.
    hook('copy', this.toolbar).addEventListener('mousedown', (event) => event.preventDefault());
    if (this.source.hasTimes ?? true) {
      hook('times', this.toolbar).addEventListener('change', (event) => {
        this.#times = /** @type {Times} */ (/** @type {HTMLSelectElement} */ (event.target).value);
        this.list.redraw();
      });
    }
    hook('pill', this.element).addEventListener('click', () => {
      document.getSelection()?.removeAllRanges();
      this.#setFollowing(true);
      this.list.element.focus();
    });
    this.#listenToTheList();
  }

  #listenToTheList() {
    const leave = () => this.#isFollowing && !this.list.isAtBottom && !this.#isHeld && this.#setFollowing(false);
    const { element } = this.list;
    element.addEventListener('wheel', (event) => event.deltaY < 0 && this.#canScroll() && this.#setFollowing(false), {
      passive: true,
    });
    element.addEventListener('touchmove', () => setTimeout(leave), { passive: true });
    element.addEventListener('pointerup', () => setTimeout(leave));
    element.addEventListener('keydown', (event) => {
      if (['PageUp', 'ArrowUp', 'Home'].includes(event.key) && this.#canScroll()) this.#setFollowing(false);
    });
    element.addEventListener('click', (event) => {
      const isExtended = event.shiftKey && this.links.range !== null;
      const range = this.links.clicked(event);
      if (range) this.#link(range, { isExtended });
    });
    // With Shift a press would select everything from the last one on.
    element.addEventListener('mousedown', (event) => {
      if (event.shiftKey && event.target instanceof Element && event.target.closest('a.log__number'))
        event.preventDefault();
    });
    document.addEventListener('selectionchange', () => this.#selected());
  }

  /** Whether lines that came wait for a selection to go before they are followed. */
  get #isHeld() {
    return this.#isFollowing && this.#unseen > 0;
  }

  /** What came while text was selected is followed once it is not. */
  #selected() {
    if (this.#isHeld && !this.list.isSelected) this.#setFollowing(true);
  }

  #canScroll() {
    const { scrollHeight, clientHeight } = this.list.element;
    return scrollHeight > clientHeight;
  }

  #scrolled() {
    if (!this.#isFollowing && this.list.isAtBottom && this.#unseen > 0) this.#setFollowing(true);
    hook('earlier', this.element).hidden = !this.#hasEarlier || this.list.element.scrollTop >= 400;
  }

  get #hasEarlier() {
    return Boolean(this.source.loadEarlier) && this.log.first > 1;
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

  #toggleScreen() {
    if (document.fullscreenElement) return document.exitFullscreen();
    return this.element.requestFullscreen().catch(() => toast('The browser did not allow it.', { tone: 'bad' }));
  }

  /** @param {Iterable<import('../lib/log_level.js').Level>} levels none means all */
  #choose(levels) {
    const seq = this.list.firstInView;
    this.log.choose(levels);
    this.#show();
    this.search.find();
    if (this.#isFollowing) this.list.toBottom();
    else this.list.toLine(seq);
  }

  #showAllLevels() {
    this.levels.clear();
    this.log.choose([]);
    this.#show();
    this.search.find();
  }

  #show() {
    const { lines, shown } = this.log;
    this.list.show(shown);
    const empty = hook('empty', this.element);
    empty.hidden = shown.length > 0 || this.#state === 'loading';
    empty.textContent = lines.length ? NONE_OF_THESE : this.source.emptyText;
    this.levels.show(this.log.counts, lines.length);
    this.#showEarlier();
    this.#showState();
  }

  #showEarlier() {
    const place = hook('earlier', this.element);
    if (!this.#hasEarlier) return void (place.hidden = true);
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
    this.search.find();
  }

  #showState() {
    this.status.show({
      state: this.#state,
      isPaused: this.#isPaused,
      waiting: this.#waiting.length,
      isCut: this.log.isCut,
      shown: this.log.shown.length,
      total: this.log.lines.length,
    });
  }

  #showPill() {
    const pill = hook('pill', this.element);
    pill.hidden = this.#unseen === 0 || (this.#isFollowing && !this.#isHeld);
    if (!pill.hidden) fill(pill, icon('arrow-down'), plural(this.#unseen, 'new line'));
  }

  /** @param {import('../lib/log_lines.js').Line} line */
  #row(line) {
    return logRow(line, {
      times: this.#times,
      began: Date.parse(this.log.lines[0]?.time ?? ''),
      search: this.search.text,
      isCurrent: this.search.isCurrent(line.seq),
      isLinked: this.links.has(line.seq),
      hasLink: this.source.hasLinks ?? true,
    });
  }

  /**
   * @param {LineRange} range
   * @param {{ isExtended?: boolean }} [how]
   */
  #link(range, how) {
    if (this.goTo(range, how)) void this.links.share();
    else announce(`There is no ${rangeWords(range)}.`);
  }

  #unlink() {
    this.links.clear();
    this.#mark(null);
    this.list.element.focus();
  }

  /**
   * @param {LineRange | null} range
   * @param {{ isExtended?: boolean }} [how]
   */
  #mark(range, how) {
    this.links.mark(range, how);
    this.status.mark(range);
    this.list.redraw();
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
