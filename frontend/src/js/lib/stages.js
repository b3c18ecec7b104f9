/** The nine stages of a deployment in the five groups that people know, each with its state and its time. */

/** @import { LogLine, Stage, Step } from '../types' */

/** @typedef {'waiting' | 'running' | 'done' | 'failed' | 'skipped'} StepState */
/**
 * @typedef {{ stage: Stage, title: string, state: StepState, seconds: number | null, since: number | null, seq: number | null }} Part
 *   `since`: when it began, in milliseconds since 1970; `seq`: the line of the log that it begins with
 * @typedef {{ name: string, title: string, state: StepState, seconds: number | null, parts: Part[] }} Group
 */

/** @type {readonly (readonly [string, string, readonly (readonly [Stage, string])[]])[]} */
const GROUPS = [
  [
    'clone',
    'Clone',
    [
      ['validate', 'Check the address'],
      ['clone', 'Clone the repository'],
    ],
  ],
  ['detect', 'Detect', [['detect', 'Find out what it is']]],
  [
    'build',
    'Build',
    [
      ['clean', 'Clear the way'],
      ['build', 'Build the image'],
    ],
  ],
  [
    'start',
    'Start',
    [
      ['start', 'Start the container'],
      ['port', 'Find the port'],
    ],
  ],
  [
    'check',
    'Check',
    [
      ['verify', 'See that it answers'],
      ['record', 'Record it'],
    ],
  ],
];

/** What is known of each stage, from the server's record and from the log, whichever is newer. */
export class Stages {
  /** @type {Map<Stage, Omit<Part, 'stage' | 'title'>>} */
  #known = new Map();

  /** @param {Step[]} steps */
  record(steps) {
    for (const { stage, state, seconds } of steps) {
      const before = this.#known.get(stage);
      if (before && before.state !== 'running') continue;
      this.#known.set(stage, { state, seconds, since: before?.since ?? null, seq: before?.seq ?? null });
    }
  }

  /**
   * Gives whether any stage changed.
   * @param {LogLine[]} lines
   */
  read(lines) {
    let hasChanged = false;
    for (const { kind, stage, seconds, time, seq } of lines) {
      if (!stage || !kind.startsWith('stage-')) continue;
      hasChanged = true;
      const before = this.#known.get(stage);
      if (kind === 'stage-started') {
        const state = before?.state ?? 'running';
        this.#known.set(stage, { state, seconds: before?.seconds ?? null, since: Date.parse(time), seq });
      } else {
        const state = kind === 'stage-failed' ? 'failed' : 'done';
        this.#known.set(stage, { state, seconds, since: before?.since ?? null, seq: before?.seq ?? null });
      }
    }
    return hasChanged;
  }

  /**
   * @param {boolean} isOver nothing more will come
   * @returns {Group[]}
   */
  groups(isOver) {
    return GROUPS.map(([name, title, stages]) => {
      const parts = stages.map(([stage, label]) => this.#part(stage, label, isOver));
      return { name, title, parts, ...summary(parts) };
    });
  }

  /**
   * @param {Stage} stage
   * @param {string} title
   * @param {boolean} isOver
   * @returns {Part}
   */
  #part(stage, title, isOver) {
    const known = this.#known.get(stage);
    if (!known) return { stage, title, state: isOver ? 'skipped' : 'waiting', seconds: null, since: null, seq: null };
    // A stage that ran when everything ended was cut off: it was cancelled, or the server went away.
    const state = isOver && known.state === 'running' ? 'failed' : known.state;
    return { ...known, stage, title, state };
  }
}

/** @param {Part[]} parts @returns {{ state: StepState, seconds: number | null }} */
function summary(parts) {
  const states = new Set(parts.map(({ state }) => state));
  const ended = parts.flatMap(({ seconds }) => (seconds === null ? [] : [seconds]));
  const seconds = ended.length ? ended.reduce((sum, one) => sum + one, 0) : null;
  if (states.has('failed')) return { state: 'failed', seconds };
  if (states.has('running')) return { state: 'running', seconds };
  if (states.size === 1) return { state: parts[0].state, seconds };
  return { state: states.has('waiting') ? 'running' : 'done', seconds };
}

/**
 * How long a stage has taken up to now.
 * @param {{ state: StepState, seconds: number | null, since?: number | null }} part
 * @param {number} now
 */
export function elapsed({ state, seconds, since = null }, now) {
  if (state === 'running' && since) return Math.max(0, (now - since) / 1000);
  return seconds;
}

/** @param {Group} group @param {number} now */
export function groupElapsed(group, now) {
  const times = group.parts.map((part) => elapsed(part, now)).filter((seconds) => seconds !== null);
  return times.length ? times.reduce((sum, one) => sum + one, 0) : null;
}
