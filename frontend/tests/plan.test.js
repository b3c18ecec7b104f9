import { beforeEach, describe, expect, test, vi } from 'vitest';
import { PreviewPanel } from '../src/js/components/preview_panel.js';
import { PlanView } from '../src/js/components/plan_view.js';
import { ApiError, api } from '../src/js/lib/api.js';

const found = {
  strategy: 'fastapi',
  kind: 'fastapi',
  framework: null,
  language: 'python',
  version: '3.12',
  package_manager: 'pip',
  install: 'pip install',
  build: null,
  start: 'uvicorn <x>',
  port: 8000,
  output: null,
  dockerfile: 'FROM x\nRUN y',
  services: [],
  main_service: null,
  overridable: ['build.builder', 'build.version', 'build.command', 'run.command', 'run.port', 'healthcheck'],
  evidence: [
    { field: 'port', value: '8000', source: 'EXPOSE' },
    { field: 'install', value: 'pip install', source: 'requirements.txt' },
  ],
  warnings: [{ code: 'x', message: 'Careful', remedy: 'Do this.' }],
  candidates: [],
  error: null,
  commit: '0123456789',
  branch: 'main',
  git_url: '',
};
const SOURCE = { git_url: 'https://git.test/a/b', branch: '', subdirectory: '' };

const row = (key) => document.querySelector(`.plan__row[data-key="${key}"]`);
const shown = () => [...document.querySelectorAll('.plan__row')].filter((one) => !one.hidden);
const click = (name) => document.querySelector(`[aria-label="${name}"]`).click();
const input = (key) => row(key).querySelector('input');
const press = (element, key) =>
  element.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true }));
const type = (key, text, end = 'Enter') => {
  input(key).value = text;
  press(input(key), end);
};
const heard = () => document.querySelector('[role=status]')?.textContent;

beforeEach(() => {
  document.querySelector('[role=status]')?.replaceChildren();
  vi.useFakeTimers();
});

describe('the plan', () => {
  let view;
  let onChange;
  beforeEach(() => {
    onChange = vi.fn();
    view = new PlanView({ onChange });
    document.body.replaceChildren(view.element);
    view.show(found, {});
  });

  test('shows each value with where it was found, and markup stays text', () => {
    const rows = Object.fromEntries(
      shown().map((one) => [one.querySelector('dt').textContent, one.querySelector('dd').textContent]),
    );
    expect(rows).toEqual({
      Kind: 'FastAPI',
      Version: 'Python 3.12',
      Packages: 'pip',
      Install: 'pip installrequirements.txt',
      Build: 'none',
      Start: 'uvicorn <x>',
      Port: '8000EXPOSE',
      'Health path': 'none',
    });
    expect(view.element.textContent).toContain('Careful');
    expect(view.element.querySelector('.plan__file').hidden).toBe(false);
  });

  test('opens a value in place, and Enter gives the new one and leaves the focus on its button', () => {
    click('Override: Port');
    expect(document.activeElement).toBe(input('run.port'));
    expect(input('run.port').value).toBe('8000');
    type('run.port', '4000');
    expect(onChange).toHaveBeenCalledWith('run.port', '4000');
    expect(row('run.port').textContent).toContain('Yours');
    expect(document.activeElement.getAttribute('aria-label')).toBe('Change: Port');
  });

  test('Escape and the cross leave a value as it was', () => {
    click('Override: Port');
    type('run.port', '4000', 'Escape');
    click('Override: Port');
    input('run.port').value = '4000';
    click('Leave as it was: Port');
    expect(onChange).not.toHaveBeenCalled();
    expect(row('run.port').textContent).toContain('8000');
  });

  test('leaving the row takes the value over, and moving to its own buttons does not', () => {
    click('Override: Port');
    input('run.port').value = '4000';
    row('run.port').querySelector('[aria-label^="Leave"]').focus();
    expect(onChange).not.toHaveBeenCalled();
    document.querySelector('summary').focus();
    row('run.port')
      .querySelector('dd')
      .dispatchEvent(new FocusEvent('focusout', { bubbles: true }));
    expect(onChange).toHaveBeenCalledWith('run.port', '4000');
  });

  test('a value of yours is taken back', () => {
    view.show({ ...found, port: 4000 }, { run: { port: 4000 } });
    click('Take back: Port');
    expect(onChange).toHaveBeenCalledWith('run.port', '');
    view.show(found, {});
    expect(row('run.port').textContent).not.toContain('Yours');
  });

  test('an emptied input takes it back, and changes nothing where there was nothing', () => {
    click('Override: Port');
    type('run.port', '');
    expect(onChange).not.toHaveBeenCalled();
    view.show({ ...found, port: 4000 }, { run: { port: 4000 } });
    click('Change: Port');
    type('run.port', ' ');
    expect(onChange).toHaveBeenCalledWith('run.port', '');
  });

  test('what cannot be given here has no button, and says where it is changed', () => {
    const services = ['web', 'db'];
    const compose = { ...found, kind: 'compose', start: 'x', services, main_service: 'web', dockerfile: null };
    const evidence = [{ field: 'services', value: 'web, db', source: 'compose.yaml' }];
    view.show({ ...compose, overridable: ['run.service', 'run.port'], evidence }, {});
    expect(row('run.command').querySelector('button')).toBeNull();
    expect(row('run.command').textContent).toContain('change it in the Compose file');
    expect(view.element.textContent).toContain('compose.yaml · change it in the Compose file');
    click('Override: Main service');
    expect([...row('run.service').querySelectorAll('option')].map(({ value }) => value)).toEqual(services);
  });

  test('what is being typed stays while another answer arrives', () => {
    click('Override: Port');
    input('run.port').value = '40';
    view.show({ ...found, version: '3.13' }, {});
    expect(input('run.port').value).toBe('40');
    expect(row('build.version').textContent).toContain('3.13');
  });

  test('without a plan every value can be given, and what waits is told', () => {
    view.show(null, { run: { port: 1 } }, { live: {} });
    expect(row('run.port').textContent).toContain('Not deployed yet');
    expect(row('run.command').textContent).toBe('Startas it is found');
  });
});

describe('the preview', () => {
  let panel;
  let onPlan;
  beforeEach(() => {
    onPlan = vi.fn();
    panel = new PreviewPanel({ onPlan, onFolder: () => {}, onEdit: () => {} });
    document.body.replaceChildren(panel.element, ...document.querySelectorAll('[role=status]'));
  });
  const settled = () => vi.advanceTimersByTimeAsync(1000);
  const override = async (name, key, text) => {
    click(name);
    type(key, text);
    await settled();
  };

  test('asks again with what is given, while the plan stays, and says once what became of it', async () => {
    const plan = vi.spyOn(api, 'plan').mockResolvedValueOnce(found);
    await panel.look(SOURCE);
    let answer;
    plan.mockReturnValueOnce(new Promise((resolve) => (answer = resolve)));
    click('Override: Port');
    type('run.port', '4000');
    click('Override: Build');
    type('build.command', 'make');
    await settled();
    expect(plan).toHaveBeenCalledTimes(2);
    const overrides = { run: { port: 4000 }, build: { command: 'make' } };
    expect(plan.mock.calls[1][0]).toEqual({ ...SOURCE, overrides });
    expect(row('build.version').textContent).toContain('3.12');
    answer({ ...found, port: 4000, build: 'make' });
    await settled();
    expect(heard()).toBe('The plan is up to date. Port is 4000. Build is make.');
    expect(panel.overridesFor(SOURCE)).toEqual(overrides);
    expect(onPlan).toHaveBeenCalledTimes(1);
  });

  test('a refusal stands at its row with what was typed, which has the focus', async () => {
    const plan = vi.spyOn(api, 'plan').mockResolvedValueOnce(found);
    await panel.look(SOURCE);
    const lines = ['overrides: run.port must be a whole number'];
    plan.mockRejectedValueOnce(new ApiError({ code: 'overrides-invalid', message: lines[0], lines, status: 422 }));
    await override('Override: Port', 'run.port', 'web');
    expect(input('run.port').value).toBe('web');
    expect(row('run.port').textContent).toContain('Must be a whole number.');
    expect(document.activeElement).toBe(input('run.port'));
    expect(row('build.version').textContent).toContain('3.12');
    plan.mockResolvedValueOnce({ ...found, port: 81 });
    type('run.port', '81');
    await settled();
    expect(row('run.port').querySelector('input')).toBeNull();
    expect(panel.overridesFor(SOURCE)).toEqual({ run: { port: 81 } });
  });

  test('a refusal of this repository stands at its row, and Escape takes the value back', async () => {
    const plan = vi.spyOn(api, 'plan').mockResolvedValueOnce(found);
    await panel.look(SOURCE);
    const message = 'build.command in the request: an app of the kind static has no build command';
    plan.mockRejectedValueOnce(new ApiError({ code: 'overrides-invalid', message, hint: 'Drop the key.' }));
    await override('Override: Build', 'build.command', 'make');
    expect(row('build.command').textContent).toContain('An app of the kind static has no build command. Drop the key.');
    plan.mockResolvedValueOnce(found);
    press(input('build.command'), 'Escape');
    await settled();
    expect(panel.overridesFor(SOURCE)).toEqual({});
  });

  test('another failure is told above the plan, and what was given stays', async () => {
    const plan = vi.spyOn(api, 'plan').mockResolvedValueOnce(found);
    await panel.look(SOURCE);
    plan.mockRejectedValueOnce(new ApiError({ code: 'offline', message: 'The server cannot be reached.' }));
    await override('Override: Port', 'run.port', '4000');
    expect(panel.element.textContent).toContain('The server cannot be reached.');
    expect(row('run.port').textContent).toContain('4000Yours');
  });

  test('what was given belongs to one repository', async () => {
    vi.spyOn(api, 'plan').mockResolvedValue(found);
    await panel.look(SOURCE);
    await override('Override: Port', 'run.port', '4000');
    expect(panel.overridesFor({ ...SOURCE, branch: 'next' })).toEqual({ run: { port: 4000 } });
    expect(panel.overridesFor({ ...SOURCE, git_url: 'https://git.test/c/d' })).toEqual({});
  });
});
