/** The name that one wish goes by at the server, so that asking twice for it deploys once. */

/**
 * A random UUID. `crypto.randomUUID` is there on https and localhost only, and a Butler may be reached by plain http.
 * @returns {string}
 */
export function randomUuid() {
  if (typeof crypto.randomUUID === 'function') return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

/**
 * Keeps one key for as long as the content stays the same.
 * @returns {{ for(content: unknown): string, renew(): void }}
 */
export function idempotencyKey() {
  let [key, known] = ['', ''];
  return {
    for(content) {
      const text = JSON.stringify(content);
      if (!key || text !== known) [key, known] = [randomUuid(), text];
      return key;
    },
    renew() {
      key = '';
    },
  };
}
