/** An error where it happened: what failed, what to do, the lines that show it, and what finds it in the server's log. */

import { el } from '../lib/dom.js';
import { copyButton } from './copy.js';
import { icon } from './icon.js';

/** @import { Child } from '../lib/dom.js' */

/**
 * @param {{ message: string, hint?: string, lines?: string[], traceId?: string }} error an `ApiError` fits
 * @param {{ retry?: () => void, actions?: Child[], heading?: 'h2' | 'h3' | 'p' }} [how]
 */
export function errorCard(
  { message, hint = '', lines = [], traceId = '' },
  { retry, actions = [], heading = 'p' } = {},
) {
  const again =
    retry && el('button', { class: 'button', type: 'button', on: { click: retry } }, icon('refresh-cw'), 'Try again');
  return el(
    'div',
    { class: 'error-card', role: 'alert' },
    icon('circle-alert', 'error-card__icon'),
    el(
      'div',
      { class: 'error-card__text' },
      el(heading, { class: 'error-card__title', text: message }),
      hint && el('p', { text: hint }),
      lines.length > 0 && el('pre', { class: 'error-card__lines', tabindex: '0', text: lines.join('\n') }),
      (again || actions.length > 0) && el('div', { class: 'row' }, again, ...actions),
      traceId && trace(traceId),
    ),
  );
}

/** @param {string} traceId */
function trace(traceId) {
  return el(
    'p',
    { class: 'error-card__trace' },
    'Trace id ',
    el('code', { text: traceId }),
    copyButton(traceId, 'Copy the trace id'),
  );
}
