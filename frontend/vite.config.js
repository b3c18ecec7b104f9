import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';
import { boot } from './build/boot.js';
import { icons } from './build/icons.js';
import { pages } from './build/pages.js';

/** Pages of the dashboard: the address that FastAPI serves each at, and its source. */
export const PAGES = {
  '/': 'index.html',
  '/login': 'login.html',
  '/account': 'account.html',
  '/applications': 'applications.html',
  '/applications/{name}': 'application.html',
};
/** What the server answers a browser with at any other address. */
const MISSING = 'missing.html';

/**
 * What pages share, in few files: each is one request. `shell` is on every page, with the style sheet that comes first
 * and styles too small for a file of their own;
 * `parts` is on all but the landing page, `apps` where apps are shown. The first that fits takes a module, with what it
 * needs.
 */
const SHARED = {
  shell:
    /components\/(shell|page_keys|menu|icon)\.js$|css\/(main|pages\/(account|login)|components\/palette)\.css$|virtual:icons/,
  parts: /components\/(announce|copy|dialog|error_card|field|time|toast)\.js$/,
  apps: /components\/(app_deeds|app_facts|badge|deed_menu|keys_list|pager)\.js$|lib\/(apps_store|live|query)\.js$/,
};

const source = fileURLToPath(new URL('./src/', import.meta.url));
const server = process.env.BUTLER_URL ?? 'http://127.0.0.1:8000';

export default defineConfig({
  root: source,
  appType: 'mpa',
  optimizeDeps: { include: ['ansi_up', 'aos', 'partysocket/ws'] },
  plugins: [pages(PAGES, source), boot(source), icons(source)],
  build: {
    outDir: fileURLToPath(new URL('../static/', import.meta.url)),
    emptyOutDir: true,
    assetsDir: 'assets',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: ['chrome123', 'firefox125', 'safari17.5'],
    reportCompressedSize: false,
    manifest: false,
    rolldownOptions: {
      input: [...Object.values(PAGES), MISSING].map((file) => source + file),
      output: {
        codeSplitting: {
          groups: Object.entries(SHARED).map(([name, test], index) => ({ name, test, priority: 9 - index })),
        },
      },
    },
  },
  server: {
    port: 3000,
    strictPort: true,
    proxy: {
      '^/(api/|deploy|health|metrics|docs|openapi.json)': server,
      '/ws': { target: server, ws: true },
    },
  },
});
