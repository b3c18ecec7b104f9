/** For somebody without an app: one sentence, the way to the form, to GitHub and to a sample, and the line for a terminal. */

/** @import { Deployed, Sample } from '../types' */
import '../../css/parts/forms.css';
import { api } from '../lib/api.js';
import { el, fill } from '../lib/dom.js';
import { idempotencyKey } from '../lib/idempotency.js';
import { copyButton } from './copy.js';
import { busyWhile } from './dialog.js';
import { errorCard } from './error_card.js';
import { icon } from './icon.js';

const COMMAND = './butler deploy https://github.com/user/repo';
const TEXT = 'Give the Butler a Git address: it finds out what it is, builds it, and hands you a running one.';

/**
 * @param {{ heading: 'h2' | 'h3', onDeployed(deployed: Deployed): void }} what
 * @returns {HTMLElement}
 */
export function firstApp({ heading, onDeployed }) {
  const problem = el('div', { class: 'first__problem' });
  const deeds = el(
    'div',
    { class: 'first__deeds' },
    el('a', { class: 'button button--primary button--large', href: '/#deploy' }, icon('plus'), 'Deploy your first app'),
    el('a', { class: 'button button--large', href: '/#github' }, icon('github'), 'Browse GitHub'),
  );
  const about = el('p', { class: 'muted small', hidden: true });
  void offerSample(deeds, about, problem, onDeployed);
  return el(
    'div',
    { class: 'empty first' },
    icon('rocket'),
    el(heading, { text: 'Nothing runs here yet' }),
    el('p', { class: 'muted', text: TEXT }),
    deeds,
    about,
    problem,
    el(
      'p',
      { class: 'first__command muted small' },
      'Or from a terminal: ',
      el('span', { class: 'first__line' }, el('code', { text: COMMAND }), copyButton(COMMAND, 'Copy the command')),
    ),
  );
}

/**
 * Adds the sample, where this server has one.
 * @param {HTMLElement} deeds
 * @param {HTMLElement} about
 * @param {HTMLElement} problem
 * @param {(deployed: Deployed) => void} onDeployed
 */
async function offerSample(deeds, about, problem, onDeployed) {
  const [sample] = await api.samples().catch(() => /** @type {Sample[]} */ ([]));
  if (!sample) return;
  const key = idempotencyKey();
  const button = el('button', { class: 'button button--large', type: 'button' }, icon('play'), 'Deploy the sample');
  const deploy = async () => {
    fill(problem);
    const wish = { git_url: sample.git_url };
    try {
      onDeployed(await api.deploy(wish, key.for(wish)));
      // The page is being left: a second click must not start a second app.
      await new Promise(() => {});
    } catch (error) {
      const failed = /** @type {import('../lib/api.js').ApiError} */ (error);
      if (failed.status >= 400 && failed.status < 500) key.renew();
      fill(problem, errorCard(failed));
    }
  };
  button.addEventListener('click', () => busyWhile(button, deploy));
  deeds.append(button);
  about.textContent = `The sample: ${sample.description}`;
  about.hidden = false;
}
