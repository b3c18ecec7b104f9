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
