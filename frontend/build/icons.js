import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { hashed } from './hash.js';

const MODULE = 'virtual:icons';
const ADDRESS = '%ICONS%';
const require = createRequire(import.meta.url);
const lucide = dirname(require.resolve('lucide-static/package.json'));

/**
 * One SVG file with a symbol for each icon named in `img/icons.json`; `virtual:icons` is its address, and so is
 * `%ICONS%` in a page. A name that is not one of lucide's is a file of ours, `img/<name>.svg`.
 * @param {string} source
 * @returns {import('vite').Plugin}
 */
export function icons(source) {
  const sprite = spriteOf(source);
  let isBuild = false;
  const address = () => (isBuild ? `/${hashed('icons', 'svg', sprite)}` : '/icons.svg');
  return {
    name: 'butler-icons',
    configResolved(config) {
      isBuild = config.command === 'build';
    },
    configureServer(server) {
      server.middlewares.use('/icons.svg', (_request, response) => {
        response.setHeader('Content-Type', 'image/svg+xml');
        response.end(spriteOf(source));
      });
    },
    buildStart() {
      if (isBuild) this.emitFile({ type: 'asset', fileName: address().slice(1), source: sprite });
    },
    resolveId: (id) => (id === MODULE ? `\0${MODULE}` : undefined),
    load: (id) => (id === `\0${MODULE}` ? `export default ${JSON.stringify(address())};` : undefined),
    transformIndexHtml: { order: 'post', handler: (html) => html.replaceAll(ADDRESS, address()) },
  };
}

/** @param {string} source */
function spriteOf(source) {
  /** @type {string[]} */
  const names = JSON.parse(readFileSync(`${source}img/icons.json`, 'utf8'));
  const symbols = names.map((name) => symbol(name, read(source, name)));
  return `<svg xmlns="http://www.w3.org/2000/svg">${symbols.join('')}</svg>`;
}

/**
 * @param {string} source
 * @param {string} name
 */
function read(source, name) {
  try {
    return { text: readFileSync(`${source}img/${name}.svg`, 'utf8'), isOurs: true };
  } catch {
    return { text: readFileSync(`${lucide}/icons/${name}.svg`, 'utf8'), isOurs: false };
  }
}

/**
 * @param {string} name
 * @param {{ text: string, isOurs: boolean }} file
 */
function symbol(name, { text, isOurs }) {
  const body = text
    .replace(/<!--[\s\S]*?-->/g, '')
    .replace(/<svg[^>]*>|<\/svg>/g, '')
    .replace(/\s+/g, ' ')
    .replace(/> </g, '><')
    .trim();
  const box = /viewBox="([^"]+)"/.exec(text)?.[1] ?? '0 0 24 24';
  const paint = isOurs
    ? 'fill="currentColor"'
    : 'fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" stroke-linejoin="round"';
  return `<symbol id="${name}" viewBox="${box}" ${paint}>${body}</symbol>`;
}
