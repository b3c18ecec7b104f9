/** The address of a repository, made tidy while it is typed; a password or token in it is taken out at once. */

/** @import { Field } from './field.js' */
import { readAddress, withoutCredentials } from '../lib/address.js';
import { el } from '../lib/dom.js';
import { field } from './field.js';
import { icon } from './icon.js';

const STRIPPED =
  'A password or token was taken out of the address. For private repositories, store a GitHub token under ';

export class AddressField {
  /** The place that the note about a password is for. */
  #stripped = '';

  /** @param {{ branch: Field, subdirectory: Field, onEdit: () => void }} what the fields that a web page's address fills */
  constructor({ branch, subdirectory, onEdit }) {
    this.branch = branch;
    this.subdirectory = subdirectory;
    this.onEdit = onEdit;
    this.field = field({
      label: 'Git address',
      name: 'git_url',
      inputmode: 'url',
      placeholder: 'https://github.com/user/repo',
      autocomplete: 'off',
      isRequired: true,
    });
    this.element = this.field.element;
    this.input = this.field.input;
    this.setError = this.field.setError;
    this.input.classList.add('input--large');
    this.input.addEventListener('input', () => this.#typed());
    this.input.addEventListener('paste', () => setTimeout(() => this.#tidy()));
    this.input.addEventListener('blur', () => this.#tidy());
  }

  isValid() {
    this.#tidy();
    const { problem } = readAddress(this.input.value);
    this.setError(problem);
    return !problem;
  }

  /** @param {string} url */
  set(url) {
    this.input.value = url;
    this.#typed();
    this.#tidy();
  }

  #typed() {
    const clean = withoutCredentials(this.input.value);
    if (clean !== null) this.input.value = clean;
    // The note stays as long as it is the same place that stands there.
    if (clean !== null) this.#stripped = readAddress(clean).url.split('/', 3).join('/');
    else if (!this.input.value.startsWith(this.#stripped)) this.#stripped = '';
    this.setError('');
    this.#show();
    this.onEdit();
  }

  #tidy() {
    const found = readAddress(this.input.value);
    if (found.problem) return;
    this.input.value = found.url;
    if (!this.branch.input.value) this.branch.input.value = found.branch;
    if (!this.subdirectory.input.value) this.subdirectory.input.value = found.subdirectory;
    this.#show();
  }

  #show() {
    const found = readAddress(this.input.value);
    if (this.#stripped) this.field.setNote(icon('shield-check'), STRIPPED, accountLink(), '.');
    else if (found.problem || found.url === this.input.value.trim()) this.field.setNote();
    else this.field.setNote(icon('arrow-right'), 'will be cloned from ', el('code', { text: found.url }));
  }
}

function accountLink() {
  return el('a', { href: '/account#github', text: 'Account' });
}
