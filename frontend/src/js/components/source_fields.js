/** Where the code is: an address that is made tidy while it is typed, or one of the user's repositories on GitHub. */

/** @import { Address } from '../lib/address.js' */
/** @import { GithubRepository } from '../types' */
/** @import { Field } from './field.js' */
import { readAddress, withoutCredentials } from '../lib/address.js';
import { el } from '../lib/dom.js';
import { announce } from './announce.js';
import { field } from './field.js';
import { githubPicker } from './github_picker.js';
import { icon } from './icon.js';
import { suggestions } from './suggestions.js';
import { tabBar } from './tabs.js';

const STRIPPED =
  'A password or token was taken out of the address. For private repositories, store a GitHub token under ';

/**
 * @typedef {ReturnType<typeof sourceFields>} SourceFields
 */

/** @param {{ onEdit: () => void }} events */
export function sourceFields({ onEdit }) {
  const shared = { autocomplete: 'off', isOptional: true };
  const branch = field({ label: 'Branch or tag', name: 'branch', placeholder: 'The default branch', ...shared });
  const subdirectory = field({ label: 'Folder', name: 'subdirectory', placeholder: 'The whole repository', ...shared });
  const address = addressField(branch, subdirectory, onEdit);
  for (const { input, setError } of [branch, subdirectory]) {
    input.addEventListener('input', () => {
      setError('');
      onEdit();
    });
  }
  const lists = suggestions({ address: address.input, branch: branch.input, folder: subdirectory.input });
  const where = el('div', { class: 'deploy__where' }, branch.element, subdirectory.element, ...lists);
  const picker = githubPicker({ onChoose: (repository) => choose(repository) });
  const tabs = tabBar({
    label: 'Where the code is',
    tabs: [
      {
        name: 'address',
        label: 'Git address',
        icon: 'link',
        panel: el('div', { class: 'stack' }, address.element, where),
      },
      { name: 'github', label: 'From GitHub', icon: 'github', panel: picker.element },
    ],
    onSelect: (name) => name === 'github' && picker.start(),
  });
  const set = (/** @type {{ url: string, branch: string, subdirectory: string }} */ known) => {
    [branch.input.value, subdirectory.input.value] = [known.branch, known.subdirectory];
    address.set(known.url);
  };
  const choose = (/** @type {GithubRepository} */ { clone_url: url, default_branch, full_name }) => {
    set({ url, branch: default_branch, subdirectory: '' });
    tabs.select('address');
    branch.input.focus();
    announce(`${full_name} is chosen.`);
  };
  return {
    element: el('div', { class: 'stack' }, tabs.element, ...tabs.panels),
    address,
    branch,
    subdirectory,
    set,
    browse() {
      tabs.select('github');
      picker.start();
    },
    isValid() {
      const isGood = address.isValid();
      if (!isGood) tabs.select('address');
      return isGood;
    },
    values: () => ({
      git_url: address.input.value.trim(),
      branch: branch.input.value.trim(),
      subdirectory: subdirectory.input.value.trim(),
    }),
  };
}

/**
 * @param {Field} branch
 * @param {Field} subdirectory
 * @param {() => void} onEdit
 */
function addressField(branch, subdirectory, onEdit) {
  const address = field({
    label: 'Git address',
    name: 'git_url',
    inputmode: 'url',
    placeholder: 'https://github.com/user/repo',
    autocomplete: 'off',
    isRequired: true,
  });
  const { input } = address;
  input.classList.add('input--large');
  let stripped = '';

  const show = () => {
    const found = readAddress(input.value);
    if (stripped) tellStripped(address);
    else if (found.problem || found.url === input.value.trim()) address.setNote();
    else address.setNote(icon('arrow-right'), 'will be cloned from ', el('code', { text: found.url }));
  };
  const tidy = () => {
    const found = readAddress(input.value);
    if (found.problem) return;
    input.value = found.url;
    if (!branch.input.value) branch.input.value = found.branch;
    if (!subdirectory.input.value) subdirectory.input.value = found.subdirectory;
    show();
  };
  const typed = () => {
    const clean = withoutCredentials(input.value);
    if (clean !== null) input.value = clean;
    // The note stays as long as it is the same place that stands there.
    if (clean !== null) stripped = readAddress(clean).url.split('/', 3).join('/');
    else if (!input.value.startsWith(stripped)) stripped = '';
    address.setError('');
    show();
    onEdit();
  };
  input.addEventListener('input', typed);
  input.addEventListener('paste', () => setTimeout(tidy));
  input.addEventListener('blur', tidy);
  return {
    ...address,
    isValid() {
      tidy();
      const { problem } = readAddress(input.value);
      address.setError(problem);
      return !problem;
    },
    set(/** @type {string} */ url) {
      input.value = url;
      typed();
      tidy();
    },
  };
}

/** @param {Field} address */
function tellStripped(address) {
  address.setNote(icon('shield-check'), STRIPPED, el('a', { href: '/account#github', text: 'Account' }), '.');
}
