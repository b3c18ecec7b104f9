import { expect, test } from 'vitest';
import { keyLine } from '../src/js/lib/failure.js';
import { Stages, groupElapsed } from '../src/js/lib/stages.js';

const event = (seq, kind, stage, seconds = null) => ({
  seq,
  kind,
  stage,
  seconds,
  text: '',
  time: `2024-01-15T10:30:0${seq}Z`,
  detail: {},
});
const states = (groups) => groups.map(({ name, state }) => `${name} ${state}`);

test('before anything is known every step waits', () => {
  expect(states(new Stages().groups(false))).toEqual([
    'clone waiting',
    'detect waiting',
    'build waiting',
    'start waiting',
    'check waiting',
  ]);
});

test('the log moves the steps, and a step that runs counts up', () => {
  const stages = new Stages();
  expect(stages.read([event(1, 'stage-started', 'clone'), event(2, 'stage-finished', 'clone', 1.5)])).toBe(true);
  stages.read([event(3, 'stage-started', 'detect')]);
  expect(stages.read([event(4, 'line', 'detect')])).toBe(false);
  const groups = stages.groups(false);
  expect(states(groups).slice(0, 3)).toEqual(['clone running', 'detect running', 'build waiting']);
  expect(groupElapsed(groups[1], Date.parse('2024-01-15T10:30:08Z'))).toBe(5);
  expect(groupElapsed(groups[0], 0)).toBe(1.5);
});

test('the record of the server alone is enough, and does not undo what the log told', () => {
  const stages = new Stages();
  stages.read([event(1, 'stage-started', 'build'), event(2, 'stage-failed', 'build', 9)]);
  stages.record([
    { stage: 'clone', state: 'done', seconds: 1 },
    { stage: 'build', state: 'running', seconds: null },
  ]);
  const [clone, , build, start] = stages.groups(true);
  expect([clone.parts[1].state, build.state, build.seconds, start.state]).toEqual(['done', 'failed', 9, 'skipped']);
  expect(build.parts[1].seq).toBe(1);
});

test('what ran when everything ended was cut off', () => {
  const stages = new Stages();
  stages.record([{ stage: 'build', state: 'running', seconds: null }]);
  expect(stages.groups(true)[2].state).toBe('failed');
});

test('the line that shows a failure is the one that says the same', () => {
  const lines = [
    '[install 1/1] RUN npm ci',
    'npm error code E404',
    "npm error 404  'left-padd@1.0.0' is not in this registry.",
    'npm error A complete log of this run can be found in: /cache/x.log',
    'ERROR: process "/bin/sh -c npm ci" did not complete successfully: exit code: 1',
  ];
  const message = 'npm: the package left-padd@1.0.0 is not in the registry.';
  expect(keyLine({ code: '', message, hint: '', lines })).toBe(lines[2]);
  expect(keyLine({ code: '', message, hint: '', lines: [] })).toBeNull();
});
