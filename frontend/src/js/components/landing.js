/** The movements of the landing page, below its first screenful only, and the address box that leads to the form. */

import AOS from 'aos';
import '../../css/components/landing.css';
import { withoutCredentials } from '../lib/address.js';
import { hook } from '../lib/dom.js';

export function startLanding() {
  AOS.init({
    once: true,
    offset: 60,
    duration: 500,
    disable: () => matchMedia('(prefers-reduced-motion: reduce)').matches,
  });
  const form = /** @type {HTMLFormElement} */ (hook('hero-form'));
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const typed = String(new FormData(form).get('repo') ?? '').trim();
    const next = typed
      ? `?next=${encodeURIComponent(`/?repo=${encodeURIComponent(withoutCredentials(typed) ?? typed)}`)}`
      : '';
    location.assign(`/login${next}${next ? '&' : '?'}mode=register`);
  });
}
