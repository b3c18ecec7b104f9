import { startShell } from '../components/shell.js';

if (startShell({ needsLogin: true })) {
  // The page's own parts start here.
}
