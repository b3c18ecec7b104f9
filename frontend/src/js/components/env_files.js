/** `.env` files that are uploaded, or dropped onto where they belong. */

import { el } from '../lib/dom.js';

const LARGEST_BYTES = 64 * 1024;

/**
 * @param {{
 *   place: HTMLElement, button: HTMLElement, onFile(text: string, name: string): void, onProblem(text: string): void,
 * }} what `place` takes what is dropped; `button` opens the browser's own dialog
 * @returns {HTMLElement} the input that opens it, to be put into the page
 */
export function takeFiles({ place, button, onFile, onProblem }) {
  const input = el('input', { class: 'visually-hidden', type: 'file', tabindex: '-1', 'aria-hidden': 'true' });
  const read = async (/** @type {File | undefined} */ file) => {
    if (!file) return;
    if (file.size > LARGEST_BYTES) return onProblem(`${file.name} is larger than 64 KiB.`);
    onFile(await file.text(), file.name);
  };
  button.addEventListener('click', () => input.click());
  input.addEventListener('change', async () => {
    await read(input.files?.[0]);
    input.value = '';
  });
  takeDropped(place, read);
  return input;
}

/**
 * @param {HTMLElement} place
 * @param {(file: File | undefined) => void} read
 */
function takeDropped(place, read) {
  const holdsFiles = (/** @type {DragEvent} */ event) => event.dataTransfer?.types.includes('Files') ?? false;
  place.addEventListener('dragover', (event) => {
    if (!holdsFiles(event)) return;
    event.preventDefault();
    place.dataset.dropping = 'true';
  });
  place.addEventListener('dragleave', (event) => {
    const isWithin = event.relatedTarget instanceof Node && place.contains(event.relatedTarget);
    if (!isWithin) delete place.dataset.dropping;
  });
  place.addEventListener('drop', (event) => {
    delete place.dataset.dropping;
    if (!holdsFiles(event)) return;
    event.preventDefault();
    read(event.dataTransfer?.files[0]);
  });
}
