/** What can be told of a log-in or a new account before it is sent, and where to go afterwards. */

const USERNAME = /^[A-Za-z0-9][A-Za-z0-9_-]{1,31}$/;
const SHORTEST_PASSWORD = 8;

/**
 * Why a value cannot be sent; empty where it can.
 * @param {string} name
 * @param {string} value
 * @param {boolean} isNew
 */
export function problemOf(name, value, isNew) {
  const text = name === 'password' ? value : value.trim();
  if (name === 'username' && !text) return isNew ? 'Choose a user name.' : 'Enter your user name or e-mail address.';
  if (name === 'password' && !text) return isNew ? 'Choose a password.' : 'Enter your password.';
  if (!isNew) return '';
  if (name === 'username' && !USERNAME.test(text))
    return 'A user name has 2 to 32 letters, digits, - and _, and starts with a letter or digit.';
  if (name === 'email' && !/^[^\s@]+@[^\s@]+$/.test(text)) return 'Enter an e-mail address, such as ada@example.org.';
  if (name === 'password' && text.length < SHORTEST_PASSWORD)
    return `A password has at least ${SHORTEST_PASSWORD} characters.`;
  return '';
}

/**
 * Where to go after the log-in: a page of this site, never another one.
 * @param {string | null} wanted
 * @param {string} [origin]
 */
export function nextAddress(wanted, origin = location.origin) {
  if (!wanted?.startsWith('/')) return '/';
  try {
    const url = new URL(wanted, origin);
    return url.origin === origin && url.pathname !== '/login' ? url.pathname + url.search + url.hash : '/';
  } catch {
    return '/';
  }
}
