/** Colours of a terminal as classes: a line becomes pieces of text, never markup. */

import { AnsiUp } from 'ansi_up';

/** @typedef {{ text: string, classes: string }} Piece */

/** @type {readonly (readonly [string, number, number, number])[]} */
const SIXTEEN = [
  ['black', 0, 0, 0],
  ['red', 187, 0, 0],
  ['green', 0, 187, 0],
  ['yellow', 187, 187, 0],
  ['blue', 0, 0, 187],
  ['magenta', 187, 0, 187],
  ['cyan', 0, 187, 187],
  ['white', 204, 204, 204],
  ['bright-black', 85, 85, 85],
  ['bright-red', 255, 85, 85],
  ['bright-green', 85, 255, 85],
  ['bright-yellow', 255, 255, 85],
  ['bright-blue', 85, 85, 255],
  ['bright-magenta', 255, 85, 255],
  ['bright-cyan', 85, 255, 255],
  ['bright-white', 255, 255, 255],
];

/** @typedef {{ rgb: number[], class_name: string }} Colour */
/** @typedef {{ text: string, fg: Colour | null, bg: Colour | null, bold: boolean, faint: boolean, italic: boolean, underline: boolean }} Fragment */

/** ansi_up reads the escapes; what it would write as HTML is kept as pieces instead. */
class Reader extends /** @type {new () => any} */ (/** @type {unknown} */ (AnsiUp)) {
  /** @type {Piece[]} */
  pieces = [];

  /** @param {Fragment} fragment */
  transform_to_html(fragment) {
    if (fragment.text) this.pieces.push({ text: fragment.text, classes: classesOf(fragment) });
    return '';
  }

  /** A link's text; a log makes no links. @param {{ text: string }} packet */
  process_hyperlink(packet) {
    return this.transform_to_html(this.with_state(packet));
  }
}

/**
 * @param {string} text one line
 * @returns {Piece[]}
 */
export function piecesOf(text) {
  if (!text.includes('\x1b')) return [{ text, classes: '' }];
  const reader = new Reader();
  reader.ansi_to_html(text);
  return reader.pieces;
}

/**
 * A line without its colours.
 * @param {string} text
 */
export function plainText(text) {
  if (!text.includes('\x1b')) return text;
  return piecesOf(text)
    .map((piece) => piece.text)
    .join('');
}

/** @param {Fragment} fragment */
function classesOf({ fg, bg, bold, faint, italic, underline }) {
  return [
    fg && `ansi-${nameOf(fg)}`,
    bg && `ansi-on-${nameOf(bg)}`,
    bold && 'ansi-bold',
    faint && 'ansi-faint',
    italic && 'ansi-italic',
    underline && 'ansi-underline',
  ]
    .filter(Boolean)
    .join(' ');
}

/** The one of the sixteen colours that comes nearest: only those have values that can be read in both themes. @param {Colour} colour */
function nameOf({ rgb, class_name }) {
  if (class_name !== 'truecolor') return class_name.replace(/^ansi-/, '');
  let [best, least] = ['white', Infinity];
  for (const [name, red, green, blue] of SIXTEEN) {
    const distance = (rgb[0] - red) ** 2 + (rgb[1] - green) ** 2 + (rgb[2] - blue) ** 2;
    if (distance < least) [best, least] = [name, distance];
  }
  return best;
}
