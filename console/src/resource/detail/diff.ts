import type { Event } from '../../api/types';

export interface Change {
  field: string;
  before: unknown;
  after: unknown;
}

/** Bookkeeping that changes with every save says nothing. */
const noise = new Set(['id', 'version', 'created_at', 'updated_at', 'created_by']);

/** What an event changed, field by field: a creation has no before, a deletion no after. */
export function changesOf(event: Pick<Event, 'data'>): Change[] {
  const before = record(event.data?.['before']);
  const after = record(event.data?.['after']);
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].filter((name) => !noise.has(name));
  return names
    .map((field) => ({ field, before: before[field] ?? null, after: after[field] ?? null }))
    .filter((change) => JSON.stringify(change.before) !== JSON.stringify(change.after));
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}
