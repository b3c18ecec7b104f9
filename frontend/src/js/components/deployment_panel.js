/** One deployment of an app: what became of it, its steps, and its log. */

/** @import { Deployment, Failure, LogLine, Release } from '../types' */
/** @import { LineRange } from '../lib/line_range.js' */
/** @import { Part } from '../lib/stages.js' */
import { appsApi } from '../lib/apps_api.js';
import { el, fill } from '../lib/dom.js';
import { keyLine } from '../lib/failure.js';
import { duration } from '../lib/format.js';
import { rangeOf, readRange } from '../lib/line_range.js';
import { downloadLog, feed } from '../lib/log_feed.js';
import { partNamed, Stages, usualTimes } from '../lib/stages.js';
import { ageText, commitText } from './app_facts.js';
import { announce } from './announce.js';
import { isServedByOlder } from './badge.js';
import { errorCard } from './error_card.js';
import { failurePanel } from './failure_panel.js';
import { icon } from './icon.js';
import { LogViewer } from './log_viewer.js';
import { stateOf } from './release_list.js';
import { stepper } from './stepper.js';

const RELEASES_LOOKED_AT = 20;

export class DeploymentPanel {
  /** @type {Deployment | null} */
  #app = null;
  /** What the server has on record of the release that is shown. @type {Release | null} */
  #release = null;
  /** @type {number | null} */
  #shown = null;
  #stages = new Stages();
  #isOver = false;
  #stop = () => {};
  /** What the address asks for, until it is there. */
  #wanted = wishInAddress();
  /** The release for which it is known how long its steps take usually. @type {number | null} */
  #learned = null;
  #drawn = '';

  /** @param {{ name: string, onEnd(): void, onNewest(): void }} how `onNewest`: the newest release is wanted */
  constructor({ name, onEnd, onNewest }) {
    this.name = name;
    this.onEnd = onEnd;
    this.onNewest = onNewest;
    this.notice = el('div', { class: 'deployment__notice' });
    this.facts = el('div', { class: 'deployment__facts' });
    this.problem = el('div');
    this.steps = stepper({ onJump: (part) => this.#jump(part) });
    this.viewer = new LogViewer({
      label: 'Build log',
      emptyText: 'Nothing was written yet.',
      download: () => downloadLog(name, this.#shown ?? undefined),
      loadEarlier: (before) => appsApi.linesBefore(name, { release: this.#shown ?? undefined, before }),
    });
    this.element = el(
      'div',
      { class: 'deployment' },
      this.notice,
      el(
        'div',
        { class: 'deployment__grid' },
        el('div', { class: 'deployment__side' }, this.facts, this.steps.element),
        el('div', {}, this.problem, this.viewer.element),
      ),
    );
    addEventListener('hashchange', () => {
      this.#wanted = wishInAddress();
      this.#reach();
    });
  }

  /**
   * @param {Deployment} app
   * @param {number | null} release the one that is looked at; null for the newest
   */
  show(app, release) {
    this.#app = app;
    const number = release ?? app.release;
    if (number === null) this.viewer.setState('none');
    else if (number !== this.#shown) this.#open(number);
    this.#draw();
  }

  /** What the server has on record may have changed. */
  async refresh() {
    const number = this.#shown;
    if (number === null) return;
    const release = await appsApi.release(this.name, number).catch(() => null);
    if (!release || number !== this.#shown) return;
    this.#release = release;
    this.#draw();
  }

  /** @param {number} number */
  #open(number) {
    this.#stop();
    if (this.#shown !== null && this.#shown !== number) this.#forgetLine();
    this.#shown = number;
    this.#release = null;
    this.#stages = new Stages();
    this.#isOver = false;
    fill(this.problem);
    this.viewer.restart();
    void this.refresh();
    this.#stop = feed(this.name, {
      release: number,
      onLines: (lines) => this.#take(lines),
      onState: (state) => this.#setState(state),
      onError: (error) => fill(this.problem, errorCard(error, { retry: () => this.#open(number) })),
    });
  }

  /** A link to a line or a step is one of the release that was shown. */
  #forgetLine() {
    this.#wanted = null;
    if (wishInAddress()) history.replaceState(null, '', location.pathname + location.search);
  }

  /** @param {'loading' | 'live' | 'reconnecting' | 'ended'} state */
  async #setState(state) {
    this.viewer.setState(state);
    if (state !== 'ended') return;
    this.#isOver = true;
    await this.refresh();
    this.#draw();
    this.onEnd();
    const hasWish = this.#wanted !== null;
    this.#reach();
    const isReading = !this.viewer.isFollowing || this.viewer.list.isSelected;
    const error = this.#error();
    const seq = error && !isReading && !hasWish ? this.#lineOf(error) : null;
    if (seq !== null) this.viewer.goTo(rangeOf(seq, seq));
  }

  /** @param {LogLine[]} lines */
  #take(lines) {
    if (this.#stages.read(lines)) this.#draw();
    this.viewer.add(lines);
    this.#reach();
  }

  /** Goes where the address asks to, once that is there. */
  #reach() {
    const wish = this.#wanted;
    if (!wish) return;
    const isThere = wish.range ? this.viewer.goTo(wish.range) : this.#reachStep(wish.step ?? '');
    // What is not there at the end never will be.
    if (isThere || this.#isOver) this.#wanted = null;
  }

  /** @param {string} name */
  #reachStep(name) {
    const part = partNamed(this.#groups(), name);
    // Where a step failed is known at the end.
    if (!part || part.seq === null || (part.state === 'failed' && !this.#isOver)) return false;
    this.steps.open(part.stage);
    const seq = this.#lineOfStep(part);
    return seq !== null && this.viewer.goTo(rangeOf(seq, seq));
  }

  /** @param {Part} part */
  #jump(part) {
    this.viewer.links.clear();
    history.replaceState(null, '', `#step-${part.stage}`);
    const seq = this.#lineOfStep(part);
    if (seq !== null) this.#show(seq);
  }

  /** Where a step begins; one that failed, where its error stands. @param {Part} part */
  #lineOfStep({ stage, state, seq }) {
    if (state !== 'failed') return seq;
    const error = this.#error();
    return (error && this.#lineOf(error)) ?? this.viewer.log.firstErrorOf(stage) ?? seq;
  }

  /** How long the steps take usually, asked for once while a release is under way. @param {number} number */
  async #learn(number) {
    if (this.#learned === number) return;
    this.#learned = number;
    const page = await appsApi.releases(this.name, { limit: RELEASES_LOOKED_AT, offset: 0 }).catch(() => null);
    if (!page || number !== this.#shown) return;
    this.#stages.usual = usualTimes(page.items.filter((release) => release.number < number));
    this.#draw();
  }

  get #isNewest() {
    return this.#shown === this.#app?.release;
  }

  #error() {
    const { code = '' } = this.#release?.error ?? {};
    // A start that failed is on the app's record, not on a release's.
    return (this.#isNewest ? this.#app?.error : null) ?? (code ? /** @type {Release} */ (this.#release).error : null);
  }

  #draw() {
    const app = this.#app;
    if (!app) return;
    if (this.#isNewest) this.#stages.record(app.steps);
    if (this.#release) this.#stages.record(this.#release.steps);
    if (this.#isRunning && this.#shown !== null) void this.#learn(this.#shown);
    this.steps.show(this.#groups());
    const error = this.#error();
    const key = JSON.stringify([error, this.#shown, this.#release, servingText(app), this.#isNewest]);
    if (key === this.#drawn) return;
    this.#drawn = key;
    fill(this.notice, !this.#isNewest && this.#oldNotice(), error && this.#failure(app, error));
    this.#drawFacts();
  }

  get #isRunning() {
    return this.#isNewest ? this.#app?.status === 'starting' : this.#release?.finished_at === null;
  }

  #groups() {
    return this.#stages.groups(this.#isOver || !this.#isRunning);
  }

  #drawFacts() {
    const release = this.#release;
    fill(
      this.facts,
      el('h2', {
        class: 'deployment__title numbers',
        text: this.#shown === null ? 'Deployment' : `Release ${this.#shown}`,
      }),
      release && commitText(release),
      release && ageText(release.created_at),
      release &&
        release.seconds !== null &&
        el('span', { class: 'fact' }, icon('timer'), `took ${duration(release.seconds)}`),
    );
  }

  /**
   * @param {Deployment} app
   * @param {Failure} error
   */
  #failure(app, error) {
    const word = this.#release?.error ? stateOf(this.#release).word.toLowerCase() : 'start failed';
    return failurePanel({
      error,
      traceId: this.#release?.trace_id ?? app.trace_id,
      title: `Release ${this.#shown}: ${word}`,
      serving: this.#isNewest ? servingText(app) : '',
      onShowInLog: () => {
        const seq = this.#lineOf(error);
        if (seq === null || !this.#show(seq)) announce('The log does not hold that line.');
      },
    });
  }

  /** @param {Failure} error */
  #lineOf(error) {
    const line = keyLine(error);
    return this.viewer.log.lineOf(line === null ? error.lines : [line, ...error.lines]);
  }

  /** @param {number} seq */
  #show(seq) {
    if (!this.viewer.goTo(rangeOf(seq, seq))) return false;
    this.viewer.element.scrollIntoView({ block: 'nearest' });
    this.viewer.list.element.focus({ preventScroll: true });
    return true;
  }

  #oldNotice() {
    return el(
      'p',
      { class: 'deployment__old' },
      `You look at release ${this.#shown}, which is not the newest. `,
      el('button', { class: 'link-button', type: 'button', text: 'Show the newest', on: { click: this.onNewest } }),
    );
  }
}

/**
 * What the address asks for: lines of the log (`#L120-L140`), or a step (`#step-build`).
 * @returns {{ range?: LineRange, step?: string } | null}
 */
function wishInAddress() {
  const range = readRange(location.hash);
  if (range) return { range };
  const step = /^#step-([a-z]+)$/.exec(location.hash)?.[1];
  return step ? { step } : null;
}

/** @param {Deployment} app */
function servingText(app) {
  if (app.phase === 'stopped' || app.stopped_at || !isServedByOlder(app)) return '';
  return `Release ${app.live_release} still serves; visitors notice nothing.`;
}
