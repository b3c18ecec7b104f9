/** One deployment of an app: what became of it, its steps, and its log. */

/** @import { Deployment, Failure, LogLine, Release } from '../types' */
import { appsApi } from '../lib/apps_api.js';
import { el, fill } from '../lib/dom.js';
import { keyLine } from '../lib/failure.js';
import { duration } from '../lib/format.js';
import { downloadLog, feed } from '../lib/log_feed.js';
import { Stages } from '../lib/stages.js';
import { ageText, commitText } from './app_facts.js';
import { announce } from './announce.js';
import { isServedByOlder } from './badge.js';
import { errorCard } from './error_card.js';
import { failurePanel } from './failure_panel.js';
import { icon } from './icon.js';
import { LogViewer } from './log_viewer.js';
import { stateOf } from './release_list.js';
import { stepper } from './stepper.js';

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
  /** The line that the address asks for, until it is there. */
  #wanted = lineInAddress();
  #drawn = '';

  /** @param {{ name: string, onEnd(): void, onNewest(): void }} how `onNewest`: the newest release is wanted */
  constructor({ name, onEnd, onNewest }) {
    this.name = name;
    this.onEnd = onEnd;
    this.onNewest = onNewest;
    this.notice = el('div', { class: 'deployment__notice' });
    this.facts = el('div', { class: 'deployment__facts' });
    this.problem = el('div');
    this.steps = stepper({ onJump: (seq) => this.#show(seq) });
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
      this.#wanted = lineInAddress();
      if (this.#wanted && this.viewer.goTo(this.#wanted)) this.#wanted = 0;
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

  /** A link to a line is one of the release that was shown. */
  #forgetLine() {
    this.#wanted = 0;
    if (lineInAddress()) history.replaceState(null, '', location.pathname + location.search);
  }

  /** @param {'loading' | 'live' | 'reconnecting' | 'ended'} state */
  async #setState(state) {
    this.viewer.setState(state);
    if (state !== 'ended') return;
    this.#isOver = true;
    await this.refresh();
    this.#draw();
    this.onEnd();
    const error = this.#error();
    const seq = error && this.viewer.isFollowing && !this.#wanted ? this.#lineOf(error) : null;
    if (seq !== null) this.viewer.goTo(seq);
  }

  /** @param {LogLine[]} lines */
  #take(lines) {
    if (this.#stages.read(lines)) this.#draw();
    this.viewer.add(lines);
    if (this.#wanted && this.viewer.goTo(this.#wanted)) this.#wanted = 0;
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
    const isRunning = this.#isNewest ? app.status === 'starting' : this.#release?.finished_at === null;
    this.steps.show(this.#stages.groups(this.#isOver || !isRunning));
    const error = this.#error();
    const key = JSON.stringify([error, this.#shown, this.#release, servingText(app), this.#isNewest]);
    if (key === this.#drawn) return;
    this.#drawn = key;
    fill(this.notice, !this.#isNewest && this.#oldNotice(), error && this.#failure(app, error));
    this.#drawFacts();
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
    if (!this.viewer.goTo(seq)) return false;
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

/** The line that the address asks for; 0 for none. */
function lineInAddress() {
  return Number(/^#L(\d+)$/.exec(location.hash)?.[1] ?? 0);
}

/** @param {Deployment} app */
function servingText(app) {
  if (app.phase === 'stopped' || app.stopped_at || !isServedByOlder(app)) return '';
  return `Release ${app.live_release} still serves; visitors notice nothing.`;
}
