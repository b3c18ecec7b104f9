import { readFileSync } from 'node:fs';

const INCLUDE = /^([ \t]*)<!-- include: ([a-z-]+) -->$/gm;

/**
 * Puts shared partials into the pages, and in development serves each page at the address that FastAPI serves it at.
 * @param {Record<string, string>} addresses
 * @param {string} source
 * @returns {import('vite').Plugin}
 */
export function pages(addresses, source) {
  const routes = Object.entries(addresses).map(([address, file]) => ({
    matches: new RegExp(`^${address.replace(/\{[a-z]+\}/, '[^/.]+')}$`),
    file: `/${file}`,
  }));
  return {
    name: 'butler-pages',
    configureServer(server) {
      server.middlewares.use((request, _response, next) => {
        const [path, query] = (request.url ?? '/').split('?');
        const route = routes.find((one) => one.matches.test(path));
        if (route) request.url = route.file + (query ? `?${query}` : '');
        next();
      });
    },
    transformIndexHtml: {
      order: 'pre',
      handler: (html) => html.replace(INCLUDE, (_all, indent, name) => partial(source, name, indent)),
    },
  };
}

/**
 * @param {string} source
 * @param {string} name
 * @param {string} indent
 */
function partial(source, name, indent) {
  const text = readFileSync(`${source}partials/${name}.html`, 'utf8').trimEnd();
  return text.replace(/^(?=.)/gm, indent);
}
