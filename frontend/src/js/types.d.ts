/** What the API answers with; the shapes are `routes/views.py`, `routes/system.py` and `login.py`. */

export type Status = 'starting' | 'success' | 'failed';
export type Stage = 'validate' | 'clone' | 'detect' | 'clean' | 'build' | 'start' | 'port' | 'verify' | 'record';
export type EventKind =
  'stage-started' | 'stage-finished' | 'stage-failed' | 'line' | 'note' | 'warning' | 'failure' | 'done';

export interface Step {
  stage: Stage;
  state: 'running' | 'done' | 'failed';
  seconds: number | null;
}

export interface Failure {
  code: string;
  message: string;
  hint: string;
  lines: string[];
}

export interface Deployment {
  id: number;
  container_name: string;
  git_url: string;
  status: Status;
  deployed_url: string | null;
  created_at: string;
  updated_at: string;
  /** The step under way, or `queued`, `live`, `failed`, `stopped`, `deleting`. */
  phase: string;
  branch: string | null;
  subdirectory: string | null;
  strategy: string | null;
  framework: string | null;
  container_port: number | null;
  host_port: number | null;
  commit_sha: string | null;
  commit_subject: string | null;
  trace_id: string;
  release: number | null;
  release_id: number | null;
  live_release: number | null;
  steps: Step[];
  error: Failure | null;
  /** Since when it is stopped on purpose. */
  stopped_at?: string | null;
  /** Whether variables were edited since the live release; not told in lists. */
  env_pending?: boolean | null;
  overrides?: Overrides | null;
  overrides_pending?: boolean | null;
  /** How the containers are. */
  app_state?: AppState | null;
}

export type Condition = 'running' | 'restarting' | 'exited' | 'stopped' | 'missing';

export interface ServiceState {
  service: string;
  is_site: boolean;
  state: Condition;
  since: string | null;
  restart_count: number;
  exit_code: number | null;
}

export interface AppState {
  state: Condition;
  since: string | null;
  restart_count: number;
  exit_code: number | null;
  oom_killed: boolean;
  services: ServiceState[];
}

export interface DeploymentPage {
  items: Deployment[];
  total: number;
}

export interface Deployed {
  message: string;
  deployed_url: string | null;
  container_name: string;
  trace_id: string;
  status: Status;
  release: number;
  release_id: number;
  deployment: Deployment;
}

/** The answer of stop, start and restart. */
export interface Deed {
  message: string;
  changed: boolean | null;
  deployment: Deployment;
}

export interface Release {
  number: number;
  id: number;
  status: Status;
  phase: string;
  is_live: boolean;
  trigger: 'deploy' | 'redeploy';
  branch: string | null;
  subdirectory: string | null;
  commit_sha: string | null;
  commit_subject: string | null;
  commit_author: string | null;
  image_reused: boolean;
  url: string | null;
  trace_id: string;
  created_at: string;
  finished_at: string | null;
  seconds: number | null;
  steps: Step[];
  error: Failure | null;
}

export interface StoredVariable {
  name: string;
  kind: 'backend' | 'frontend';
  /** `***` while it is masked; null for one that the next deployment leaves out. */
  value: string | null;
  pending: 'added' | 'changed' | 'removed' | null;
}

export interface StoredEnvironment {
  release: number | null;
  pending: boolean;
  revealed: boolean;
  variables: StoredVariable[];
}

export interface LogLine {
  seq: number;
  time: string;
  kind: EventKind;
  stage: Stage | null;
  text: string;
  seconds: number | null;
  detail: Record<string, unknown>;
}

export interface LogPage {
  container_name: string;
  source: 'deploy' | 'app';
  release: number | null;
  lines: LogLine[];
  next: number;
  closed: boolean;
}

export interface Evidence {
  field: string;
  value: string;
  source: string;
}

/** The keys of butler.yml that a request gives. */
export type Overrides = Record<string, any>;

/** What an app keeps for its next deployment, and what the release that serves was given. */
export interface StoredOverrides {
  container_name: string;
  release: number | null;
  pending: boolean;
  overrides: Overrides | null;
  live: Overrides | null;
}

/** A repository that the server has at hand. */
export interface Sample {
  name: string;
  git_url: string;
  description: string;
}

export interface Plan {
  strategy: string;
  kind: string;
  framework: string | null;
  language: string | null;
  version: string | null;
  package_manager: string | null;
  install: string | null;
  build: string | null;
  start: string | null;
  port: number | null;
  /** The folder of a site that is only files. */
  output?: string | null;
  dockerfile: string | null;
  /** The dotted keys that this plan can follow. */
  overridable?: string[];
  release?: string | null;
  processes?: Record<string, string>;
  healthcheck?: { path: string; timeout: number | null } | null;
  resources?: { memory: string | null; cpus: number | null };
  parts?: { name: string; folder: string }[];
  services: string[];
  main_service: string | null;
  evidence: Evidence[];
  warnings: Record<string, string>[];
  candidates: string[];
  /** Names that the repository's example of an env file asks for. */
  variables?: { name: string; source: string }[];
  error: Failure | null;
  commit: string;
  branch: string;
  git_url: string;
}

export interface User {
  id: number;
  username: string;
  email: string;
  created_at: string;
  has_github_token: boolean;
  github_token_added_at: string | null;
}

export interface SessionAnswer {
  access_token: string;
  refresh_token: string;
  expires_in: number;
  user: User;
}

export interface Session {
  accessToken: string;
  refreshToken: string;
  /** Milliseconds since 1970. */
  expiresAt: number;
  username: string;
}

export interface Check {
  ok: boolean;
  version: string | null;
  message: string;
  hint: string;
}

export interface Health {
  status: 'ok' | 'degraded';
  version: string;
  checks: Record<string, Check>;
}

export interface GithubRepository {
  full_name: string;
  clone_url: string;
  description: string | null;
  private: boolean;
  fork: boolean;
  archived: boolean;
  language: string | null;
  pushed_at: string | null;
  default_branch: string;
}

export interface GithubRepositories {
  repositories: GithubRepository[];
  page: number;
  next_page: number | null;
  incomplete: boolean;
  /** Whether the token may see private repositories; null where that is unknown. */
  sees_private: boolean | null;
}

export interface Host {
  disk: { total_bytes: number; free_bytes: number; needed_bytes: number; ok: boolean };
  memory: { total_bytes: number; available_bytes: number } | null;
  load: number[] | null;
  processors: number;
  containers: { running: number; total: number } | null;
  deployments_in_progress: number;
}

/** A frame of the socket that tells how an app of the user stands now. */
export interface DeploymentNews {
  deployment: string;
  status: Status | 'destroyed';
  phase: string;
  url?: string | null;
  release?: number;
}
