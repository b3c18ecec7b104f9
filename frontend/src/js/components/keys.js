/** Single keys that do something; never while somebody types, and they can be switched off. */

const KEY = 'butler.keys';
const FIELDS = 'input, textarea, select, [contenteditable]';

/** @typedef {(key: string, event: KeyboardEvent) => boolean} Press gives whether the key was one of its own */
/** What listens last is asked first: a part of a page comes before what is on every page. @type {Press[]} */
const listeners = [];

/** Whether single keys do anything in this browser. */
export function areKeysOn() {
  try {
    return localStorage.getItem(KEY) !== 'off';
  } catch {
    return true;
  }
}

/** @param {boolean} isOn */
export function setKeys(isOn) {
  try {
    if (isOn) localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, 'off');
  } catch {
    // A browser that stores nothing keeps them on.
  }
}

/** @param {Press} press */
export function listenForKeys(press) {
  if (!listeners.length) document.addEventListener('keydown', heard);
  listeners.unshift(press);
}

/** @param {KeyboardEvent} event */
function heard(event) {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || !areKeysOn()) return;
  const target = event.target instanceof Element ? event.target : null;
  if (target?.closest(FIELDS) || document.querySelector('dialog[open]')) return;
  // The space bar presses buttons and opens what can be opened.
  if (event.key === ' ' && target?.closest('button, a, summary, [role="tab"]')) return;
  if (listeners.some((press) => press(event.key, event))) event.preventDefault();
}
