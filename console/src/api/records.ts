import { get, post, send, type Reply } from './client';
import { api, type ResourceRef } from './paths';
import { expandable, type Resource } from './meta';
import type { AggregateAnswer, BulkOutcome, Event, FieldValue, ImportOutcome, Page, Row, Started } from './types';

/** What a list shows: the part of the address bar that the server understands too. */
export interface ListQuery {
  filter?: string;
  q?: string;
  sort?: string;
}

export interface ListAsk extends ListQuery {
  limit: number;
  cursor?: string;
  count?: boolean;
}

export function fetchPage(resource: Resource, ask: ListAsk, signal?: AbortSignal): Promise<Page<Row>> {
  const query = listParams(ask);
  query.set('limit', String(ask.limit));
  if (ask.cursor) query.set('cursor', ask.cursor);
  if (ask.count) query.set('count', 'true');
  setExpand(query, resource);
  return get<Page<Row>>(api.records(resource, query), signal);
}

export interface Loaded {
  row: Row;
  etag: string;
}

export async function fetchRecord(resource: Resource, id: string, signal?: AbortSignal): Promise<Loaded> {
  const query = new URLSearchParams();
  setExpand(query, resource);
  const reply = await send<Row>('GET', api.record(resource, id, query), signal ? { signal } : {});
  return { row: reply.body, etag: etagOf(reply.body) };
}

export function createRecord(resource: ResourceRef, values: Record<string, FieldValue>, idempotencyKey: string): Promise<Reply<Row>> {
  return send<Row>('POST', api.records(resource), { body: values, idempotencyKey });
}

/** Changes only what `change` names; 412 when somebody saved since `etag`. */
export function updateRecord(resource: ResourceRef, id: string, change: Record<string, FieldValue>, etag: string): Promise<Reply<Row>> {
  return send<Row>('PATCH', api.record(resource, id), { body: change, ifMatch: etag });
}

export async function deleteRecord(resource: ResourceRef, id: string): Promise<void> {
  await send('DELETE', api.record(resource, id));
}

export function moveRecord(resource: ResourceRef, id: string, move: string): Promise<Row> {
  return post<Row>(api.recordVerb(resource, id, move));
}

export function fetchHistory(resource: ResourceRef, id: string, signal?: AbortSignal): Promise<Page<Event>> {
  return get<Page<Event>>(api.recordVerb(resource, id, 'history'), signal);
}

export function revertRecord(resource: ResourceRef, id: string, seq: number): Promise<Row> {
  return post<Row>(api.recordVerb(resource, id, 'revert'), { seq });
}

export interface BulkAsk {
  ids?: string[];
  filter?: string;
  do: string;
  patch?: Record<string, FieldValue>;
  dry_run: boolean;
}

export function bulk(resource: ResourceRef, ask: BulkAsk): Promise<BulkOutcome | Started> {
  return post<BulkOutcome | Started>(api.collection(resource, 'bulk'), ask);
}

export interface AggregateAsk {
  filter?: string;
  group_by?: string[];
  count: boolean;
  sum?: string[];
}

export async function aggregate(resource: ResourceRef, ask: AggregateAsk, signal?: AbortSignal): Promise<AggregateAnswer> {
  return (await send<AggregateAnswer>('POST', api.collection(resource, 'aggregate'), { body: ask, ...(signal && { signal }) })).body;
}

export interface ImportAsk {
  key: string | null;
  map: [column: string, field: string][];
  dryRun: boolean;
}

export async function importFile(resource: ResourceRef, file: Blob, ask: ImportAsk, signal?: AbortSignal): Promise<ImportOutcome | Started> {
  const query = new URLSearchParams();
  if (ask.key) query.set('key', ask.key);
  query.set('map', ask.map.map(([column, field]) => `${column}:${field}`).join(','));
  if (ask.dryRun) query.set('dry_run', 'true');
  const path = api.collection(resource, 'import', query);
  return (await send<ImportOutcome | Started>('POST', path, { raw: file, contentType: 'text/csv', ...(signal && { signal }) })).body;
}

/** Where the browser downloads what the list shows, as CSV. */
export function exportPath(resource: ResourceRef, query: ListQuery): string {
  return api.collection(resource, 'export', listParams(query));
}

export function isStarted(answer: object): answer is Started {
  return 'job' in answer;
}

export const etagOf = (row: Row) => `"${row.version}"`;

function listParams(ask: ListQuery): URLSearchParams {
  const query = new URLSearchParams();
  if (ask.filter) query.set('filter', ask.filter);
  if (ask.q) query.set('q', ask.q);
  if (ask.sort) query.set('sort', ask.sort);
  return query;
}

function setExpand(query: URLSearchParams, resource: Resource) {
  const names = expandable(resource);
  if (names.length > 0) query.set('expand', names.join(','));
}
