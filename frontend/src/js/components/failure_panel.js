/** What a deployment failed of: the cause, the line that shows it, the remedy, and what still serves meanwhile. */

/** @import { Failure } from '../types' */
import { plainText } from '../lib/ansi.js';
import { el } from '../lib/dom.js';
import { keyLine } from '../lib/failure.js';
import { plural } from '../lib/format.js';
import { copyText } from './copy.js';
import { errorCard } from './error_card.js';
import { icon } from './icon.js';
import { toast } from './toast.js';

const GENTLE = new Set(['cancelled', 'interrupted']);

/**
 * @param {{
 *   error: Failure, traceId: string, title: string, serving: string, onShowInLog: () => void,
 * }} what `title` names the deployment, `serving` what still serves
 */
export function failurePanel({ error, traceId, title, serving, onShowInLog }) {
  const lines = error.lines.map(plainText);
  const show = el(
    'button',
    { class: 'button', type: 'button', on: { click: onShowInLog } },
    icon('scroll-text'),
    'Show in the log',
  );
  const report = [title, error.message, error.hint, ...lines, `Trace id ${traceId}`].filter(Boolean).join('\n');
  const copy = el('button', { class: 'button', type: 'button', on: { click: () => tellCopied(report) } });
  copy.append(icon('copy'), 'Copy report');
  const card = errorCard(
    { message: error.message, hint: error.hint, traceId },
    { heading: 'h2', actions: [show, copy] },
  );
  card.classList.add('failure');
  if (GENTLE.has(error.code)) card.dataset.tone = 'neutral';
  const heading = card.querySelector('.error-card__title');
  heading?.before(el('p', { class: 'failure__where', text: title }));
  if (serving) heading?.after(el('p', { class: 'failure__serving' }, icon('circle-dot'), serving));
  card.querySelector('.row')?.before(...evidence(error, lines));
  return card;
}

/**
 * @param {Failure} error
 * @param {string[]} lines
 */
function evidence(error, lines) {
  const line = keyLine(error);
  if (line === null) return [];
  const rest = el(
    'details',
    { class: 'failure__rest' },
    el('summary', { text: `Its last ${plural(lines.length, 'line')}` }),
    el('pre', { class: 'error-card__lines', tabindex: '0', 'aria-label': 'Last lines', text: lines.join('\n') }),
  );
  return [el('pre', { class: 'failure__line', text: line.trim() }), lines.length > 1 ? rest : ''];
}

/** @param {string} report */
async function tellCopied(report) {
  if (await copyText(report)) toast('The report was copied.', { tone: 'good' });
  else toast('The browser did not allow copying.', { tone: 'bad' });
}
