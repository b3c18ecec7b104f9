/** `/`: what the Butler is, or for somebody who is logged in, the dashboard. */

import { startShell } from '../components/shell.js';
import { currentSession } from '../lib/auth.js';
import { hook } from '../lib/dom.js';

startShell();

if (currentSession()) {
  document.title = 'Dashboard · DevOps Butler';
  import('../components/dashboard.js').then(({ startDashboard }) => startDashboard(hook('dashboard')));
} else {
  import('../components/landing.js').then(({ startLanding }) => startLanding());
}
