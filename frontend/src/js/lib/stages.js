/** The nine stages of a deployment in the five groups that people know, each with its state and its time. */

/** @import { LogLine, Release, Stage, Step } from '../types' */

/** @typedef {'waiting' | 'running' | 'done' | 'failed' | 'skipped'} StepState */
/**
 * @typedef {{ stage: Stage, title: string, state: StepState, seconds: number | null, since: number | null, seq: number | null,
 *   usual: number | null }} Part `since`: when it began, in milliseconds since 1970; `seq`: the line of the log that it
 *   begins with; `usual`: how many seconds it took when it went well last
 * @typedef {{ name: string, title: string, state: StepState, seconds: number | null, usual: number | null, parts: Part[] }} Group
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
  /** @type {Map<Stage, Omit<Part, 'stage' | 'title' | 'usual'>>} */
  #known = new Map();
  /** How many seconds each took when it went well last. @type {Map<Stage, number>} */
  usual = new Map();

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
      return { name, title, parts, usual: sum(parts.map(({ usual }) => usual)), ...summary(parts) };
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
    const usual = this.usual.get(stage) ?? null;
    if (!known) {
      return { stage, title, usual, state: isOver ? 'skipped' : 'waiting', seconds: null, since: null, seq: null };
    }
    // A stage that ran when everything ended was cut off: it was cancelled, or the server went away.
    const state = isOver && known.state === 'running' ? 'failed' : known.state;
    return { ...known, stage, title, usual, state };
  }
}

/** @param {Part[]} parts @returns {{ state: StepState, seconds: number | null }} */
function summary(parts) {
  const states = new Set(parts.map(({ state }) => state));
  const seconds = sum(parts.map((part) => part.seconds));
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
  return sum(group.parts.map((part) => elapsed(part, now)));
}

/**
 * The part that an address names, by its stage or by its group: then the one that failed, else the one that it begins
 * with. Undefined where there is none.
 * @param {Group[]} groups
 * @param {string} name
 */
export function partNamed(groups, name) {
  const parts = groups.find((group) => group.name === name)?.parts ?? [];
  const all = groups.flatMap((group) => group.parts);
  return parts.find(({ state }) => state === 'failed') ?? all.find(({ stage }) => stage === name) ?? parts[0];
}

/**
 * How many seconds each step took when it went well last. A build that took an image which was there says nothing of
 * how long one takes.
 * @param {Release[]} releases newest first
 * @returns {Map<Stage, number>}
 */
export function usualTimes(releases) {
  /** @type {Map<Stage, number>} */
  const times = new Map();
  for (const { status, image_reused: isReused, steps } of releases) {
    if (status !== 'success') continue;
    for (const { stage, state, seconds } of steps) {
      if (state !== 'done' || seconds === null || times.has(stage) || (stage === 'build' && isReused)) continue;
      times.set(stage, seconds);
    }
  }
  return times;
}

/** The sum of what is known; null where nothing is. @param {(number | null)[]} numbers */
function sum(numbers) {
  const known = numbers.filter((one) => one !== null);
  return known.length ? known.reduce((total, one) => total + one, 0) : null;
}
