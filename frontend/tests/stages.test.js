import { expect, test, vi } from 'vitest';
import { keyLine } from '../src/js/lib/failure.js';
import { stepper } from '../src/js/components/stepper.js';
import { Stages, groupElapsed, partNamed, usualTimes } from '../src/js/lib/stages.js';

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

const release = (number, status, seconds, more = {}) => ({
  number,
  status,
  image_reused: false,
  steps: [
    { stage: 'clone', state: 'done', seconds: 2 },
    { stage: 'build', state: status === 'success' ? 'done' : 'failed', seconds },
  ],
  ...more,
});

test('what the builder says around a failure never shows it better than what the program said', () => {
  const lines = [
    '[2/2] RUN cat no-such-file',
    'cat: no-such-file: No such file or directory',
    'ERROR: failed to solve: process "/bin/sh -c cat no-such-file" did not complete successfully: exit code: 1',
  ];
  const message = 'The build failed in the step `cat no-such-file` with exit code 1, which means an error it reported.';
  expect(keyLine({ code: '', message, hint: '', lines })).toBe(lines[1]);
  expect(keyLine({ code: '', message, hint: '', lines: lines.slice(2) })).toBe(lines[2]);
});

test('how long a step takes usually is what it took when it went well last, and built something', () => {
  const times = usualTimes([
    release(4, 'failed', 3),
    release(3, 'success', 0.2, { image_reused: true }),
    release(2, 'success', 24),
    release(1, 'success', 90),
  ]);
  expect([...times]).toEqual([
    ['clone', 2],
    ['build', 24],
  ]);
  expect([...usualTimes([])]).toEqual([]);
});

test('an address names a step by its stage or its group; of a group, the part that failed', () => {
  const stages = new Stages();
  stages.read([event(1, 'stage-started', 'clean'), event(2, 'stage-finished', 'clean', 1)]);
  stages.read([event(3, 'stage-started', 'build'), event(4, 'stage-failed', 'build', 1)]);
  const groups = stages.groups(true);
  expect(partNamed(groups, 'build').seq).toBe(3);
  expect(partNamed(groups, 'clean').seq).toBe(1);
  expect(partNamed(groups, 'check').stage).toBe('verify');
  expect(partNamed(groups, 'nothing')).toBeUndefined();
});

test('the usual time is told while a step is ahead, and not once it is done', () => {
  const onJump = vi.fn();
  const { element, show, open } = stepper({ onJump });
  const stages = new Stages();
  stages.usual = usualTimes([release(1, 'success', 24)]);
  stages.read([event(1, 'stage-started', 'clone'), event(2, 'stage-finished', 'clone', 1.5)]);
  show(stages.groups(false));
  const time = (name) => element.querySelector(`[data-step=${name}] [data-time]`).textContent;
  expect(time('build')).toBe('usually 24s');
  stages.record([{ stage: 'validate', state: 'done', seconds: 0.1 }]);
  show(stages.groups(false));
  expect(time('clone')).toBe('1.6s');
  open('clone');
  expect(element.querySelector('[data-step=clone] details').open).toBe(true);
  const link = element.querySelector('a.steps__jump');
  expect(link.getAttribute('href')).toBe('#step-clone');
  link.click();
  expect(onJump.mock.calls[0][0]).toMatchObject({ stage: 'clone', seq: 1 });
});
