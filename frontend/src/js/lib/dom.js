/** Making and finding elements. Text from outside only ever becomes text. */

/**
 * @typedef {Node | string | number | null | undefined | false} Child
 * @typedef {Record<string, any> & {
 *   class?: string, text?: string | number, dataset?: Record<string, string | undefined>,
 *   on?: Record<string, (event: any) => void>,
 * }} Props
 */

const ADDRESSES = new Set(['href', 'src', 'action', 'formaction']);

/**
 * An element. `on` holds listeners, `dataset` data attributes; everything else becomes an attribute (`true` an empty
 * one; `false`, `null` and `undefined` none). Strings among the children become text.
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Props} [props]
 * @param {...(Child | Child[])} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function el(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  setProps(element, props);
  element.append(...nodes(children));
  return element;
}

/**
 * Sets attributes, data and listeners as `el` does.
 * @param {Element} element
 * @param {Props} props
 */
export function setProps(element, props) {
  for (const [name, value] of Object.entries(props)) {
    if (name === 'on') {
      for (const [event, listener] of Object.entries(value)) element.addEventListener(event, listener);
    } else if (name === 'dataset') {
      for (const [key, datum] of Object.entries(value)) setData(element, key, datum);
    } else if (name === 'text') {
      element.textContent = String(value);
    } else {
      setAttribute(element, name, value);
    }
  }
}

/**
 * Puts children in place of what is there.
 * @param {Element} parent
 * @param {...(Child | Child[])} children
 */
export function fill(parent, ...children) {
  parent.replaceChildren(...nodes(children));
}

/**
 * The element that a page marks with `data-hook`. Throws where it is missing: a page and its script belong together.
 * @param {string} name
 * @param {ParentNode} [within]
 * @returns {HTMLElement}
 */
export function hook(name, within = document) {
  const found = within.querySelector(`[data-hook="${name}"]`);
  if (!(found instanceof HTMLElement)) throw new Error(`no element with data-hook="${name}"`);
  return found;
}

/**
 * An address that may stand in a link: http, https or one of this site; null for anything else.
 * @param {string | null | undefined} address
 * @returns {string | null}
 */
export function safeAddress(address) {
  if (!address) return null;
  try {
    const url = new URL(address, location.origin);
    return url.protocol === 'https:' || url.protocol === 'http:' ? address : null;
  } catch {
    return null;
  }
}

let uniqueCount = 0;

/**
 * A name for `id`, `for` and `aria-describedby` that no other element has.
 * @param {string} [prefix]
 */
export function uniqueId(prefix = 'part') {
  uniqueCount += 1;
  return `${prefix}-${uniqueCount}`;
}

/**
 * Calls a function once things have been quiet for a while. `flush` calls it now if a call is due.
 * @template {any[]} A
 * @param {(...values: A) => void} callback
 * @param {number} milliseconds
 */
export function debounce(callback, milliseconds) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  return (/** @type {A} */ ...values) => {
    clearTimeout(timer);
    timer = setTimeout(() => callback(...values), milliseconds);
  };
}

/** @param {(Child | Child[])[]} children */
function nodes(children) {
  return children
    .flat()
    .filter((child) => child !== null && child !== undefined && child !== false)
    .map((child) => (child instanceof Node ? child : String(child)));
}

/**
 * @param {Element} element
 * @param {string} name
 * @param {any} value
 */
function setAttribute(element, name, value) {
  if (value === false || value === null || value === undefined) return element.removeAttribute(name);
  if (name === 'style' || name.startsWith('on')) throw new Error(`${name} is not allowed`);
  if (ADDRESSES.has(name) && safeAddress(String(value)) === null) return element.removeAttribute(name);
  element.setAttribute(name, value === true ? '' : String(value));
}

/**
 * @param {Element} element
 * @param {string} key
 * @param {string | undefined} value
 */
function setData(element, key, value) {
  const { dataset } = /** @type {HTMLElement} */ (element);
  if (value === undefined) delete dataset[key];
  else dataset[key] = value;
}
