/** What can be done from the keyboard's palette: each page tells what it offers at the moment. */

/**
 * @typedef {{ word: string, kind: 'App' | 'Page' | 'Action', icon: string, more?: string, href?: string, run?(): void }} Command
 *   `more` is found and shown as well; either `href` is gone to or `run` is called
 */

/** @type {(() => Command[])[]} */
const sources = [];

/** @param {() => Command[]} source asked each time the palette opens */
export function offerCommands(source) {
  sources.unshift(source);
}

/** What was offered last comes first. @returns {Command[]} */
export function offeredCommands() {
  return sources.flatMap((source) => source());
}

/**
 * Those that hold every word, the ones that begin with what was typed first.
 * @param {Command[]} commands
 * @param {string} typed
 */
export function matching(commands, typed) {
  const search = typed.trim().toLowerCase();
  const words = search.split(/\s+/);
  const rank = (/** @type {Command} */ { word }) => {
    const place = word.toLowerCase().indexOf(search);
    return place < 0 ? 2 : Math.min(place, 1);
  };
  return commands
    .filter(({ word, kind, more = '' }) => {
      const text = `${word} ${more} ${kind}`.toLowerCase();
      return words.every((one) => text.includes(one));
    })
    .sort((one, other) => rank(one) - rank(other));
}
