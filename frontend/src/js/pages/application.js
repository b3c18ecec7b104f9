/** One application: how it stands, what it does, and everything that can be done to it. */

/** @import { Deployment, DeploymentNews } from '../types' */
/** @import { DeedName } from '../components/app_deeds.js' */
import { announce } from '../components/announce.js';
import { doDeed, obstacle, offered } from '../components/app_deeds.js';
import { standing } from '../components/app_facts.js';
import { appHeader } from '../components/app_header.js';
import { DeploymentPanel } from '../components/deployment_panel.js';
import { errorCard } from '../components/error_card.js';
import { showInFavicon } from '../components/favicon.js';
import { icon } from '../components/icon.js';
import { listenForKeys } from '../components/keys.js';
import { LazyPanel } from '../components/lazy_panel.js';
import { LogViewer } from '../components/log_viewer.js';
import { releaseList } from '../components/release_list.js';
import { SettingsPanel } from '../components/settings_panel.js';
import { startShell } from '../components/shell.js';
import { tabBar } from '../components/tabs.js';
import { api } from '../lib/api.js';
import { appLogFeed } from '../lib/app_log_feed.js';
import { offerCommands } from '../lib/commands.js';
import { el, fill, hook } from '../lib/dom.js';
import { repositoryName } from '../lib/format.js';
import { connect, deploymentNews, resumed } from '../lib/live.js';
import { downloadText } from '../lib/log_feed.js';
import { queryState } from '../lib/query.js';

const QUIET_MILLISECONDS = 150;
const TABS = {
  deployment: { label: 'Deployment', icon: 'rocket' },
  log: { label: 'App log', icon: 'scroll-text' },
  releases: { label: 'Releases', icon: 'history' },
  environment: { label: 'Environment', icon: 'key-round' },
  settings: { label: 'Settings', icon: 'settings' },
};

async function start() {
  const name = decodeURIComponent(location.pathname.split('/').filter(Boolean).at(-1) ?? '');
  const place = hook('application');
  fill(place, el('div', { class: 'skeleton skeleton--block' }));
  try {
    const app = await api.deployment(name);
    place.removeAttribute('aria-busy');
    new ApplicationPage(name, app).start(place);
  } catch (error) {
    place.removeAttribute('aria-busy');
    fill(place, refusal(/** @type {any} */ (error)));
  }
}

class ApplicationPage {
  #isGone = false;
  #heard = '';
  /** The tab that was shown last. */
  #loaded = '';
  #due = 0;

  /**
   * @param {string} name
   * @param {Deployment} app
   */
  constructor(name, app) {
    this.name = name;
    this.app = app;
    this.query = queryState({ tab: 'deployment', release: '' });
    this.header = appHeader((deed) => void this.#act(deed));
    this.deployment = new DeploymentPanel({
      name,
      onEnd: () => void this.#refresh(),
      onNewest: () => this.query.set({ release: '' }, { push: true }),
    });
    this.log = appLogPanel(name);
    this.releases = releaseList({
      name,
      onOpen: (release) => this.query.set({ tab: 'deployment', release: String(release) }, { push: true }),
    });
    this.environment = new LazyPanel(async () => {
      const { EnvPanel } = await import('../components/env_panel.js');
      return new EnvPanel({ name, onDeploy: () => this.#act('redeploy') });
    });
    this.settings = new SettingsPanel({
      name,
      onDeploy: () => this.#act('redeploy'),
      onDestroy: () => void this.#act('destroy'),
    });
    const panels = /** @type {const} */ (['deployment', 'log', 'releases', 'environment', 'settings']);
    this.tabs = tabBar({
      label: 'Parts of the application',
      tabs: panels.map((tab) => ({ name: tab, ...TABS[tab], panel: this[tab].element })),
      onSelect: (tab) => this.query.set({ tab }, { push: true }),
    });
  }

  /** @param {HTMLElement} place */
  start(place) {
    fill(place, this.tabs.element, ...this.tabs.panels);
    this.query.subscribe(() => this.#showQuery());
    deploymentNews.on((news) => this.#hear(news));
    resumed.on(() => void this.#refresh());
    listenForKeys((key) => {
      if (this.#loaded === 'log') return this.log.viewer.press(key);
      return this.#loaded === 'deployment' && this.deployment.viewer.press(key);
    });
    offerCommands(() => this.#commands());
    connect();
    this.#showQuery();
  }

  /** What the palette offers for this app now. @returns {import('../lib/commands.js').Command[]} */
  #commands() {
    const deeds = offered(this.app).filter(({ name }) => !obstacle(this.app, name));
    return [
      ...deeds.map(({ name, word, icon: image }) => ({
        kind: /** @type {const} */ ('Action'),
        word,
        icon: image,
        more: 'this application',
        run: () => void this.#act(name),
      })),
      ...Object.entries(TABS).map(([tab, { label, icon: image }]) => ({
        kind: /** @type {const} */ ('Page'),
        word: label,
        icon: image,
        more: 'this application tab',
        run: () => this.query.set({ tab }, { push: true }),
      })),
    ];
  }

  /** @param {Deployment} app */
  #show(app) {
    if (this.#isGone) return;
    this.app = app;
    this.header.show(app);
    this.settings.show(app);
    this.log.setRunning(app.phase !== 'stopped' && !app.stopped_at);
    this.deployment.show(app, Number(this.query.get().release) || null);
    const words = standing(app);
    showInFavicon(app);
    document.title = `${words} · ${repositoryName(app.git_url)} · DevOps Butler`;
    if (this.#heard && this.#heard !== words) announce(words);
    this.#heard = words;
  }

  async #refresh() {
    try {
      this.#show(await api.deployment(this.name));
    } catch (error) {
      if (/** @type {any} */ (error).status === 404) this.#leave();
      return;
    }
    void this.deployment.refresh();
    if (this.#loaded === 'releases') void this.releases.load();
    if (this.#loaded === 'environment') void this.environment.refresh();
    if (this.#loaded === 'settings') void this.settings.refresh();
  }

  /** @param {DeedName} deed */
  async #act(deed) {
    const isDone = await doDeed(this.app, deed, { onChange: (app) => (app ? this.#show(app) : this.#leave()) });
    if (isDone && deed === 'redeploy') this.query.set({ tab: 'deployment', release: '' }, { push: true });
  }

  /** Told by the answer and by the socket: the page is left once. */
  #leave() {
    if (this.#isGone) return;
    this.#isGone = true;
    location.replace('/applications');
  }

  /** @param {DeploymentNews} news */
  #hear(news) {
    if (news.deployment !== this.name) return;
    if (news.status === 'destroyed') return this.#leave();
    this.#show({ ...this.app, status: news.status, phase: news.phase });
    clearTimeout(this.#due);
    this.#due = setTimeout(() => void this.#refresh(), QUIET_MILLISECONDS);
  }

  #showQuery() {
    const { tab } = this.query.get();
    const shown = tab in TABS ? tab : 'deployment';
    const isNew = shown !== this.#loaded;
    this.#loaded = shown;
    this.tabs.select(shown);
    bringIntoView(this.tabs.element);
    this.log.show(shown === 'log');
    if (shown === 'deployment') this.deployment.viewer.shown();
    if (isNew && shown === 'releases') void this.releases.load();
    if (isNew && shown === 'environment') void this.environment.refresh();
    if (isNew && shown === 'settings') void this.settings.refresh();
    this.#show(this.app);
  }
}

/** Where the tabs do not fit, the chosen one is in sight. @param {HTMLElement} bar */
function bringIntoView(bar) {
  const tab = /** @type {HTMLElement | null} */ (bar.querySelector('[aria-selected="true"]'));
  if (tab) bar.scrollLeft = tab.offsetLeft - bar.offsetLeft - (bar.clientWidth - tab.clientWidth) / 2;
}

/** @param {string} name */
function appLogPanel(name) {
  const viewer = new LogViewer({
    label: 'App log',
    emptyText: 'The application has written nothing.',
    hasLinks: false,
    download: () =>
      downloadText(`${name}-app.log`, `/deployments/${encodeURIComponent(name)}/logs?source=app&limit=5000`),
  });
  const log = appLogFeed(name, {
    onLines: (lines) => viewer.add(lines),
    onState: (state) => viewer.setState(state),
  });
  return {
    element: el('div', {}, viewer.element),
    viewer,
    setRunning: log.setRunning,
    /** @param {boolean} isInView */
    show(isInView) {
      log.show(isInView);
      if (isInView) viewer.shown();
    },
  };
}

/** @param {import('../lib/api.js').ApiError} error */
function refusal(error) {
  if (error.status !== 404) return errorCard(error, { retry: () => location.reload(), heading: 'h2' });
  return el(
    'div',
    { class: 'empty' },
    icon('circle-help'),
    el('h2', { text: 'There is no such application' }),
    el('p', { class: 'muted', text: 'It was destroyed, or the address has a mistake.' }),
    el('a', { class: 'button', href: '/applications' }, 'All applications'),
  );
}

if (startShell({ needsLogin: true })) void start();
