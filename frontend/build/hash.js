import { createHash } from 'node:crypto';

/**
 * A file name that changes with the content, as Vite makes them.
 * @param {string} name
 * @param {string} extension
 * @param {string} content
 */
export function hashed(name, extension, content) {
  const digest = createHash('sha256').update(content).digest('base64url').slice(0, 8);
  return `assets/${name}-${digest}.${extension}`;
}
