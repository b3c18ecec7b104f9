/** Where an address leads nowhere: the way back stands in the HTML. */

import { startShell } from '../components/shell.js';

startShell();
