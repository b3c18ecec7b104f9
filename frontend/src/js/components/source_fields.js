/** Where the code is: an address that is made tidy while it is typed, or one of the user's repositories on GitHub. */

/** @import { GithubRepository } from '../types' */
import { el } from '../lib/dom.js';
import { AddressField } from './address_field.js';
import { announce } from './announce.js';
import { field } from './field.js';
import { GithubPicker } from './github_picker.js';
import { suggestions } from './suggestions.js';
import { tabBar } from './tabs.js';

export class SourceFields {
  /** Of an Enterprise server, too, as soon as one of its repositories was chosen. */
  #origins = new Set(['https://github.com']);

  /** @param {{ onEdit: () => void }} events */
  constructor({ onEdit }) {
    const shared = { autocomplete: 'off', isOptional: true };
    this.branch = field({ label: 'Branch or tag', name: 'branch', placeholder: 'The default branch', ...shared });
    this.subdirectory = field({
      label: 'Folder',
      name: 'subdirectory',
      placeholder: 'The whole repository',
      ...shared,
    });
    this.address = new AddressField({ branch: this.branch, subdirectory: this.subdirectory, onEdit });
    for (const { input, setError } of [this.branch, this.subdirectory]) {
      input.addEventListener('input', () => {
        setError('');
        onEdit();
      });
    }
    this.picker = new GithubPicker({ onChoose: (repository) => this.#choose(repository) });
    this.tabs = this.#tabs();
    this.element = el('div', { class: 'stack' }, this.tabs.element, ...this.tabs.panels);
  }

  /** @param {{ url: string, branch: string, subdirectory: string }} known */
  set({ url, branch, subdirectory }) {
    [this.branch.input.value, this.subdirectory.input.value] = [branch, subdirectory];
    this.address.set(url);
  }

  /** Leads to the address. */
  focus() {
    this.tabs.select('address');
    this.address.input.focus();
  }

  /** Shows the user's repositories. */
  browse() {
    this.tabs.select('github');
    this.picker.start();
  }

  isValid() {
    const isGood = this.address.isValid();
    if (!isGood) this.tabs.select('address');
    return isGood;
  }

  values() {
    return {
      git_url: this.address.input.value.trim(),
      branch: this.branch.input.value.trim(),
      subdirectory: this.subdirectory.input.value.trim(),
    };
  }

  #tabs() {
    const [branch, folder] = [this.branch, this.subdirectory];
    const inputs = { address: this.address.input, branch: branch.input, folder: folder.input };
    const lists = suggestions({ ...inputs, origins: this.#origins });
    const where = el('div', { class: 'deploy__where' }, branch.element, folder.element, ...lists);
    return tabBar({
      label: 'Where the code is',
      tabs: [
        {
          name: 'address',
          label: 'Git address',
          icon: 'link',
          panel: el('div', { class: 'stack' }, this.address.element, where),
        },
        { name: 'github', label: 'From GitHub', icon: 'github', panel: this.picker.element },
      ],
      onSelect: (name) => name === 'github' && this.picker.start(),
    });
  }

  /** @param {GithubRepository} repository */
  #choose({ clone_url: url, default_branch: branch, full_name: name }) {
    this.#origins.add(new URL(url).origin);
    this.set({ url, branch, subdirectory: '' });
    this.tabs.select('address');
    this.branch.input.focus();
    announce(`${name} is chosen.`);
  }
}
