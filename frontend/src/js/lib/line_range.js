/** Lines of a log in an address: `#L120` is one, `#L120-L140` are those from the first to the last. */

/** @typedef {{ from: number, to: number }} LineRange both ends belong to it */

/**
 * @param {string} text as in an address, or as somebody types it
 * @returns {LineRange | null}
 */
export function readRange(text) {
  const found = /^#?L(\d{1,12})(?:-L?(\d{1,12}))?$/i.exec(text.trim());
  if (!found) return null;
  const range = rangeOf(Number(found[1]), Number(found[2] ?? found[1]));
  return range.from > 0 ? range : null;
}

/**
 * @param {number} one
 * @param {number} other
 * @returns {LineRange}
 */
export function rangeOf(one, other) {
  return { from: Math.min(one, other), to: Math.max(one, other) };
}

/** @param {LineRange} range */
export function rangeHash({ from, to }) {
  return from === to ? `#L${from}` : `#L${from}-L${to}`;
}

/** @param {LineRange} range */
export function rangeWords({ from, to }) {
  const [first, last] = [from, to].map((seq) => seq.toLocaleString('en'));
  return from === to ? `line ${first}` : `lines ${first} to ${last}`;
}
