import type { Field, Resource } from '../../api/meta';
import type { FieldValue, Row } from '../../api/types';
import { isMoney, valueOf } from '../values/format';
import { toMajor, toMinor } from '../values/money';

/** A field while somebody types into it. Inputs speak text; the server speaks types. */
export type Draft = string | boolean | string[] | MoneyDraft;

export interface MoneyDraft {
  amount: string;
  currency: string;
}

export type Drafts = Record<string, Draft>;

/** What can be filled in: a state field changes only by its moves. */
export function formFields(resource: Resource): [string, Field][] {
  return Object.entries(resource.fields).filter(([name, field]) => field.writable && name !== resource.states?.field);
}

export function emptyDraft(field: Field, member: string, currency: string): Draft {
  const value = field.default === 'actor.id' ? member : (field.default ?? null);
  return toDraft(field, value as FieldValue, currency);
}

export function rowDrafts(resource: Resource, row: Row, currency: string): Drafts {
  return Object.fromEntries(formFields(resource).map(([name, field]) => [name, toDraft(field, valueOf(row, name), currency)]));
}

export function toDraft(field: Field, value: FieldValue, currency: string): Draft {
  switch (field.type) {
    case 'boolean':
      return value === true;
    case 'tags':
      return Array.isArray(value) ? value : [];
    case 'money':
      return isMoney(value) ? { amount: String(toMajor(value.minor, value.currency)), currency: value.currency } : { amount: '', currency };
    case 'datetime':
      return typeof value === 'string' ? localMoment(value) : '';
    case 'text':
    case 'email':
    case 'url':
    case 'phone':
    case 'integer':
    case 'date':
    case 'choice':
    case 'ref':
    case 'user':
      return value === null ? '' : String(value);
  }
}

export function fromDraft(field: Field, draft: Draft): FieldValue {
  if (typeof draft === 'boolean' || Array.isArray(draft)) return draft;
  if (typeof draft === 'object') return draft.amount.trim() === '' ? null : { minor: toMinor(Number(draft.amount), draft.currency), currency: draft.currency };
  if (draft.trim() === '') return null;
  if (field.type === 'integer') return Number(draft);
  return field.type === 'datetime' ? new Date(draft).toISOString() : draft;
}

/** Only what the person changed: a merge patch, so that nobody else's change is overwritten by standing still. */
export function changedValues(fields: [string, Field][], before: Drafts, after: Drafts): Record<string, FieldValue> {
  const changed = fields.filter(([name]) => !same(before[name], after[name]));
  return Object.fromEntries(changed.map(([name, field]) => [name, fromDraft(field, after[name] ?? '')]));
}

export function same(a: unknown, b: unknown): boolean {
  return JSON.stringify(a ?? null) === JSON.stringify(b ?? null);
}

/** `2026-11-20T10:15:30.000000Z` as the input for a local date and time wants it. */
export function localMoment(at: string): string {
  const moment = new Date(at);
  if (Number.isNaN(moment.getTime())) return '';
  const local = new Date(moment.getTime() - moment.getTimezoneOffset() * 60_000);
  return local.toISOString().slice(0, 16);
}
