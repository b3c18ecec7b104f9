/** Branches and folders of a repository on GitHub, offered while they are typed; without a token there are none. */

import { api } from '../lib/api.js';
import { el, uniqueId } from '../lib/dom.js';

/**
 * @param {{
 *   address: HTMLInputElement, branch: HTMLInputElement, folder: HTMLInputElement, origins: ReadonlySet<string>,
 * }} what `origins` are those of the GitHub that the server asks
 * @returns {HTMLElement[]} the lists, to be put into the page
 */
export function suggestions({ address, branch, folder, origins }) {
  const branches = listFor(branch);
  const folders = listFor(folder);
  const repository = () => {
    const found = /^(https?:\/\/[^/]+)\/([\w.-]+\/[\w.-]+?)(?:\.git)?$/.exec(address.value.trim());
    return found && origins.has(found[1]) ? found[2] : undefined;
  };

  fillWhenUsed(branch, branches, repository, (name) => api.githubBranches(name));
  fillWhenUsed(
    folder,
    folders,
    () => repository() && `${repository()} ${branch.value.trim()} ${parentOf(folder.value)}`,
    (question) => {
      const [name, ref, path] = question.split(' ');
      return api.githubFolders(name, { ref, path });
    },
  );
  return [branches, folders];
}

/**
 * @param {HTMLInputElement} input
 * @param {HTMLElement} list
 * @param {() => string | undefined} question what the suggestions depend on
 * @param {(question: string) => Promise<string[]>} ask
 */
function fillWhenUsed(input, list, question, ask) {
  let asked = '';
  const update = async () => {
    const now = question() ?? '';
    if (now === asked) return;
    asked = now;
    const found = now && (await hasToken()) ? await ask(now).catch(() => []) : [];
    if (asked === now) list.replaceChildren(...found.map((value) => el('option', { value })));
  };
  input.addEventListener('focus', update);
  input.addEventListener('input', update);
}

/** @param {HTMLInputElement} input */
function listFor(input) {
  const id = uniqueId('suggestions');
  input.setAttribute('list', id);
  return el('datalist', { id });
}

/** @param {string} path */
function parentOf(path) {
  return path.split('/').slice(0, -1).join('/');
}

/** @type {Promise<boolean> | undefined} */
let token;

function hasToken() {
  token ??= api.me().then(
    (user) => user.has_github_token,
    () => false,
  );
  return token;
}
