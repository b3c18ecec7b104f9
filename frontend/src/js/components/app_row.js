/** An app in the list: how it stands, where it answers, what it is made of, and what can be done to it. */

/** @import { Deployment } from '../types' */
/** @import { DeedName } from './app_deeds.js' */
import { el, fill } from '../lib/dom.js';
import { repositoryName } from '../lib/format.js';
import { addressLink, ageText, appBadges, commitText, sourceText } from './app_facts.js';
import { deedMenu } from './deed_menu.js';

/**
 * @param {Deployment} app
 * @param {(deed: DeedName) => void} onDeed
 * @returns {{ element: HTMLElement, show(app: Deployment): void }}
 */
export function appRow(app, onDeed) {
  const deeds = deedMenu({ label: `Actions for ${app.container_name}`, onDeed });
  const badges = el('div', { class: 'app__badges' });
  const address = el('div', { class: 'app__address' });
  const facts = el('div', { class: 'app__facts' });
  const title = el(
    'h2',
    { class: 'app__title' },
    el('a', {
      class: 'app__link',
      href: `/applications/${encodeURIComponent(app.container_name)}`,
      text: repositoryName(app.git_url),
    }),
  );
  const element = el(
    'li',
    { class: 'app', dataset: { app: app.container_name } },
    el('div', { class: 'app__name' }, title, el('p', { class: 'app__id mono', text: app.container_name })),
    badges,
    address,
    facts,
    el('div', { class: 'app__menu' }, deeds.element),
  );
  let drawn = '';
  const show = (/** @type {Deployment} */ now) => {
    deeds.show(now);
    const key = JSON.stringify(now);
    if (key === drawn) return;
    drawn = key;
    fill(badges, ...appBadges(now));
    fill(address, addressLink(now) ?? el('span', { class: 'muted small', text: 'No address yet' }));
    fill(facts, sourceText(now), commitText(now) ?? el('span', { class: 'fact--commit' }), ageText(now.updated_at));
  };
  show(app);
  return { element, show };
}
