/** Icons of the sprite; `img/icons.json` names them. */

import sprite from 'virtual:icons';

const SVG = 'http://www.w3.org/2000/svg';

/**
 * An icon beside words: it is hidden from screen readers.
 * @param {string} name
 * @param {string} [className]
 */
export function icon(name, className = '') {
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('class', `icon ${className}`.trim());
  svg.setAttribute('aria-hidden', 'true');
  const use = document.createElementNS(SVG, 'use');
  use.setAttribute('href', `${sprite}#${name}`);
  svg.append(use);
  return svg;
}

/**
 * Show another icon.
 * @param {SVGElement} svg
 * @param {string} name
 */
export function setIcon(svg, name) {
  svg.querySelector('use')?.setAttribute('href', `${sprite}#${name}`);
}
