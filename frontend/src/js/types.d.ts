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
  /** How the container is, where the server says it. */
  app_state?: 'running' | 'exited' | 'missing' | 'unhealthy' | null;
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
  dockerfile: string | null;
  services: string[];
  main_service: string | null;
  evidence: Evidence[];
  warnings: Record<string, string>[];
  candidates: string[];
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
  language: string | null;
  pushed_at: string | null;
  default_branch: string;
}

/** A frame of the socket that tells how an app of the user stands now. */
export interface DeploymentNews {
  deployment: string;
  status: Status | 'destroyed';
  phase: string;
  url?: string | null;
  release?: number;
}
