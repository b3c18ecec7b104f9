import { startShell } from '../components/shell.js';

startShell();
