import { readFileSync } from 'node:fs';
import { transformWithOxc } from 'vite';
import { hashed } from './hash.js';

const FILE = 'js/boot.js';

/**
 * Puts the one blocking script into each page's head: it sets the theme before the first paint. The content security
 * policy allows no inline script, and Vite leaves classic scripts alone, so it gets its hashed name here.
 * @param {string} source
 * @returns {import('vite').Plugin}
 */
export function boot(source) {
  let address = `/${FILE}`;
  let isBuild = false;
  return {
    name: 'butler-boot',
    configResolved(config) {
      isBuild = config.command === 'build';
    },
    async buildStart() {
      if (!isBuild) return;
      const text = readFileSync(source + FILE, 'utf8');
      const { code } = await transformWithOxc(text, FILE, { sourcemap: false });
      const small = code.replace(/^\s*(\/\*[\s\S]*?\*\/|\/\/.*)\s*$/gm, '').replace(/\n\s*/g, '\n');
      const fileName = hashed('boot', 'js', small);
      this.emitFile({ type: 'asset', fileName, source: small });
      address = `/${fileName}`;
    },
    transformIndexHtml: {
      order: 'post',
      handler: () => [{ tag: 'script', attrs: { src: address }, injectTo: 'head-prepend' }],
    },
  };
}
