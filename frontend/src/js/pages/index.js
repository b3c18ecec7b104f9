/** `/`: what the Butler is, or for somebody who is logged in, the dashboard. */

import { startShell } from '../components/shell.js';
import { currentSession } from '../lib/auth.js';
import { el, fill, hook } from '../lib/dom.js';
import { reloadOnce } from '../lib/reload.js';

startShell();

if (currentSession()) showDashboard(hook('dashboard'));
// The landing page stands in the HTML: without its script, nothing moves in, and the address is sent as a form.
else import('../components/landing.js').then(({ startLanding }) => startLanding());

/** @param {HTMLElement} place */
async function showDashboard(place) {
  document.title = 'Dashboard · DevOps Butler';
  try {
    const { startDashboard } = await import('../components/dashboard.js');
    startDashboard(place);
  } catch {
    // The server was updated between the page and its script, or the network changed: containers come with networks.
    if (reloadOnce()) return;
    const again = el('button', { class: 'button', type: 'button', text: 'Load the page again' });
    again.addEventListener('click', () => location.reload());
    fill(
      place,
      el('div', { class: 'empty' }, el('p', { text: 'A part of the dashboard could not be loaded.' }), again),
    );
  }
  place.removeAttribute('aria-busy');
}
