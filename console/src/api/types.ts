/** The platform's shapes as they travel: everything that is not drawn from `/meta`. */

export interface Me {
  user: { id: string; name: string; email: string; member: string | null };
  /** Null for somebody who is in no company at the moment. */
  tenant: Tenant | null;
  tenants: Membership[];
  permissions: string[];
}

export interface Tenant {
  id: string;
  slug: string;
  name: string;
}

export interface Membership extends Tenant {
  roles: string[];
}

export interface Page<T> {
  items: T[];
  next: string | null;
  total?: number;
}

export interface Items<T> {
  items: T[];
}

export interface Money {
  minor: number;
  currency: string;
}

export type FieldValue = string | number | boolean | string[] | Money | null;

/** One record of any resource. Fields stand beside the five columns that every record has. */
export interface Row {
  id: string;
  version: number;
  created_at: string;
  updated_at: string;
  created_by: string | null;
  expanded?: Record<string, Titled | null>;
  [field: string]: FieldValue | undefined | Record<string, Titled | null>;
}

/** Something named by its title; a title the reader may not see is null. */
export interface Titled {
  id: string;
  title: string | null;
}

export interface Referrer extends Titled {
  resource: string;
}

export interface Member {
  id: string;
  name: string;
  email: string;
  status: 'active' | 'inactive';
  roles: string[];
  joined_at: string;
  seen_at: string | null;
}

export interface Invitation {
  id: string;
  email: string;
  role: string;
  status: 'pending' | 'accepted' | 'cancelled' | 'expired';
  created_at: string;
  expires_at: string;
}

export interface Grant {
  permission: string;
  when: string | null;
}

export interface Role {
  name: string;
  title: string;
  builtin: boolean;
  permissions: Grant[];
  /** How many have it. */
  members: number;
}

export interface Permission {
  permission: string;
  title: string;
  module: string;
}

export interface Key {
  id: string;
  name: string;
  scopes: string[];
  created_at: string;
  expires_at: string | null;
  seen_at: string | null;
}

export interface Session {
  id: string;
  current: boolean;
  created_at: string;
  seen_at: string | null;
  ip: string | null;
  agent: string | null;
}

export interface ModuleOffer {
  name: string;
  title: string;
  description: string;
  version: string;
  icon: string | null;
  installed: boolean;
  installed_version: string | null;
  dependencies: string[];
  /** Uninstalled, but its data is still here. */
  has_data: boolean;
  resources: string[];
  permissions: string[];
}

export interface Event {
  seq: number;
  id: string;
  type: string;
  subject: string;
  actor: string;
  actor_name?: string | null;
  on_behalf_of: string | null;
  at: string;
  data: Record<string, unknown> | null;
  request_id: string | null;
  cause: string | null;
  hash: string;
}

export interface Job {
  id: string;
  kind: string;
  status: 'ready' | 'running' | 'done' | 'dead' | 'cancelled';
  progress: number;
  note?: string | null;
  result?: unknown;
  error?: string | null;
  created_at: string;
  finished_at: string | null;
}

export interface Hit {
  resource: string;
  id: string;
  title: string;
}

export interface Setup {
  empty: boolean;
  dev: boolean;
}

/** A saved filter: a name for a list's query string. */
export interface View {
  id: string;
  version: number;
  name: string;
  resource: string;
  query: string;
  shared: boolean;
  owner: string | null;
}

export interface BulkOutcome {
  matched: number;
  changed: number;
  unchanged: number;
  rejected: { id: string; problem: string | { title?: string; detail?: string; code?: string } }[];
}

export interface ImportOutcome {
  created: number;
  updated: number;
  unchanged: number;
  rejected: { row: number; field: string | null; problem: string }[];
}

/** Longer work answers 202 with a job instead of the outcome. */
export interface Started {
  job: { id: string };
}

export interface AggregateAnswer {
  items: AggregateGroup[];
}

export interface AggregateGroup {
  group: Record<string, FieldValue>;
  count?: number;
  sum?: Record<string, number | Money[] | null>;
}
