import type { operations } from './schema';

/**
 * The platform's shapes as they travel. What the server's OpenAPI document describes comes from there (`npm run types`);
 * written by hand is only what is drawn from `/meta` and therefore has no shape of its own in the document.
 */
type Operation = keyof operations;
type Content<R> = R extends { content: { 'application/json': infer T } } ? T : never;
type Good<R> = { [S in keyof R]: S extends 200 | 201 ? Content<R[S]> : never }[keyof R];

/** What an operation answers when all is well. */
export type Answer<O extends Operation> = Good<operations[O]['responses']>;
/** What an operation reads. */
export type Input<O extends Operation> = operations[O] extends { requestBody: infer B } ? Content<B> : operations[O] extends { requestBody?: infer B } ? Content<NonNullable<B>> : never;
type Item<L> = L extends { items: (infer T)[] } ? T : never;

export type Me = Answer<'account.me.get'>;
export type Tenant = NonNullable<Answer<'auth.verify'>['tenant']>;
export type Member = Item<Answer<'account.members.list'>>;
export type Invitation = Item<Answer<'account.invitations.list'>>;
export type Role = Item<Answer<'account.roles.list'>>;
export type Grant = Role['permissions'][number];
export type Permission = Item<Answer<'account.permissions.list'>>;
export type Key = Item<Answer<'account.keys.list'>>;
export type Session = Item<Answer<'account.sessions.list'>>;
export type ModuleOffer = Item<Answer<'modules.list'>>;
/** The document does not say yet when a job ended, nor that nothing is missing. */
export type Job = Required<Answer<'jobs.get'>> & { finished_at: string | null };

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
  /** All of them; `rejected` names the first. */
  rejected_total: number;
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
