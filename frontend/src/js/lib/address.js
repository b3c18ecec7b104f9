/** What somebody types or pastes as the address of a repository, made tidy. The server has the last word on it. */

/**
 * @typedef {{
 *   url: string, branch: string, subdirectory: string, hadCredentials: boolean, isLocal: boolean, problem: string,
 * }} Address `url` is what to send; `problem` says why it cannot be one yet, empty where it can.
 */

const SCP = /^(?:([\w.-]+)@)?([\w-]+(?:\.[\w-]+)+):(?!\/\/|\d+\/)([^\s].*)$/;
const HOST = /^[\w-]+(?:\.[\w-]+)+(?::\d+)?$/;
const WELL_KNOWN = new Set(['github.com', 'gitlab.com', 'bitbucket.org', 'codeberg.org']);
const EXAMPLE = 'An address looks like https://github.com/user/repo or git@host:user/repo.git.';

/**
 * @param {string} text
 * @returns {Address}
 */
export function readAddress(text) {
  const typed = withoutPackaging(text);
  if (!typed) return address({ problem: 'Enter the address of a Git repository.' });
  if (/\s/.test(typed)) return address({ url: typed, problem: `An address has no spaces. ${EXAMPLE}` });
  if (/^(file:|\/|\.\.?\/)/.test(typed)) return address({ url: typed, isLocal: true });
  const scp = SCP.exec(typed);
  if (scp && !typed.includes('://')) return address({ url: `${scp[1] ?? 'git'}@${scp[2].toLowerCase()}:${scp[3]}` });
  return fromUrl(typed);
}

/**
 * The text without what holds a password or a token, for taking it out of a field at once.
 * @param {string} text
 * @returns {string | null} null where there is none
 */
export function withoutCredentials(text) {
  const found = /^(\s*(?:git\s+clone\s+)?https?:\/\/)[^/\s@]*@/i.exec(text);
  if (found) return found[1] + text.slice(found[0].length);
  const ssh = /^(\s*(?:git\s+clone\s+)?ssh:\/\/[^/\s@:]+):[^/\s@]+@/i.exec(text);
  return ssh ? `${ssh[1]}@${text.slice(ssh[0].length)}` : null;
}

/**
 * `git clone`, quotes, angle brackets and invisible characters that come along when something is copied.
 * @param {string} text
 */
function withoutPackaging(text) {
  return text
    .replace(/[\u200b-\u200d\u2060\ufeff]/g, '')
    .trim()
    .replace(/^git\s+clone\s+(?:--?[\w-]+(?:=\S+)?\s+)*/i, '')
    .replace(/^[<"'`(]+|[>"'`),;]+$/g, '')
    .trim();
}

/** @param {string} typed */
function fromUrl(typed) {
  const clean = withoutCredentials(typed);
  const hadCredentials = clean !== null;
  const [, given, rest] = /^(?:([a-z+]+):\/\/)?(.*)$/i.exec(clean ?? typed) ?? [];
  let scheme = (given ?? 'https').toLowerCase();
  let [host, ...path] = (rest ?? '').replace(/[?#].*$/, '').split('/');
  // user/repo, as GitHub's own tools understand it
  if (!given && !HOST.test(host)) {
    if (/^[\w.-]+$/.test(host) && path.length === 1 && path[0]) [host, path] = ['github.com', [host, ...path]];
    else return address({ url: typed, problem: EXAMPLE });
  }
  host = host.toLowerCase().replace(/^www\.(?=(?:github|gitlab)\.com$)/, '');
  if (scheme === 'http' && WELL_KNOWN.has(host)) scheme = 'https';
  const { parts, branch, subdirectory } = withoutPage(host, path.filter(Boolean));
  const url = `${scheme}://${host}${parts.length ? '/' : ''}${parts.join('/')}`;
  const isWhole = host && parts.length > (WELL_KNOWN.has(host) ? 1 : 0);
  return address({ url, branch, subdirectory, hadCredentials, problem: isWhole ? '' : EXAMPLE });
}

/**
 * The repository's own path, and the branch and folder of a web page that shows a part of it.
 * @param {string} host
 * @param {string[]} parts
 */
function withoutPage(host, parts) {
  const dash = parts.indexOf('-', 1);
  if (dash > 0) return { parts: parts.slice(0, dash), ...hints(parts.slice(dash + 1)) };
  if (WELL_KNOWN.has(host) && host !== 'gitlab.com' && parts.length > 2) {
    return { parts: parts.slice(0, 2), ...hints(parts.slice(2)) };
  }
  return { parts, branch: '', subdirectory: '' };
}

/** @param {string[]} page */
function hints([kind, ...rest]) {
  if (kind === 'src' && (rest[0] === 'branch' || rest[0] === 'tag')) rest.shift();
  const [branch = '', ...folders] = rest;
  if (kind === 'tree' || kind === 'src') return { branch, subdirectory: folders.join('/') };
  if (kind === 'blob') return { branch, subdirectory: folders.slice(0, -1).join('/') };
  return { branch: '', subdirectory: '' };
}

/** @param {Partial<Address>} known @returns {Address} */
function address(known) {
  return { url: '', branch: '', subdirectory: '', hadCredentials: false, isLocal: false, problem: '', ...known };
}
